# ruff: noqa: S608 - names of our own tables
"""On PostgreSQL the server may change no table and no entry; who reads reports sees no person."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from bridge.clock import FixedClock, SystemClock
from bridge.errors import SchemaError
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.tables import BLOCK, ENTRY, HEAD, NODE
from bridge.migrations import roles
from bridge.migrations.catalogue import metadata
from bridge.migrations.state import require_current
from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine, read, write
from bridge.store.people.close_outs import CLOSE_OUT
from bridge.store.people.follow_owners import FOLLOW_OWNER
from bridge.store.people.notes import NOTE
from bridge.store.people.page_looks import LOOK
from tests.support.databases import empty_postgres, logins

EVERYTHING = sorted({*metadata.tables, "alembic_version"})
# What a report can show. Whoever adds a column here says that it tells of no person.
SHOWN = {
    "agreement": ["id", "jurisdiction", "lea", "provider", "hub", "activated_at"],
    "ledger": ["log", "halted"],
    "month": ["log", "month", "kind", "entries_at_least"],
    "organization": ["key", "role", "name"],
    "revision": ["version_num"],
}
MAY_NOT = [
    "CREATE TABLE mine (id text)",
    "CREATE TEMPORARY TABLE mine (id text)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE student ADD note text",
    "DROP TABLE student",
    "TRUNCATE student",
    "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_halted",
    "DROP TRIGGER ledger_entry_halted ON ledger_entry",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = 'r0001'",
    "UPDATE ledger_entry SET body = NULL",
    "UPDATE ledger_node SET hash = NULL",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_node",
    "UPDATE ledger_block SET body = ''",
    "DELETE FROM ledger_block",
    "DELETE FROM ledger_head",
    "DELETE FROM page_look",
    "UPDATE page_look SET who = 'somebody else'",
    "DELETE FROM close_out",
    "UPDATE close_out SET outcome = 'kept'",
    "DELETE FROM note",
    "UPDATE note SET kind = 'shared'",
    "DELETE FROM follow_owner",
    "UPDATE follow_owner SET owner = ''",
    "TRUNCATE ledger_entry",
    "SELECT * FROM report.month",
]


class Seats(NamedTuple):
    """One database, opened by each of those who use it."""

    owner: Engine
    server: Engine
    report: Engine


@pytest.fixture
def seats(postgres_url: str) -> Iterator[Seats]:
    opened = Seats(*(open_engine(url) for url in (postgres_url, *logins(postgres_url))))
    yield opened
    for engine in opened:
        engine.dispose()


def refused(engine: Engine, statement: str) -> bool:
    """Tell whether the database says that this login may not."""
    try:
        with write(engine) as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        return getattr(error.orig, "sqlstate", "") == "42501"
    return False


def record(engine: Engine, entries: int, moment: datetime) -> None:
    with write(engine) as connection:
        entry = Entry(
            log="mou-1",
            kind=Kind.REVOCATION,
            releasing="district-7",
            request="request-1",
            asked_at=moment,
        )
        append(connection, [entry] * entries, FixedClock(moment))


def test_the_server_changes_no_table_and_nothing_that_was_recorded(seats: Seats) -> None:
    record(seats.server, 3, SystemClock().now())

    assert [statement for statement in MAY_NOT if not refused(seats.server, statement)] == []


def test_the_server_reads_and_changes_every_other_row(seats: Seats) -> None:
    kept = {ENTRY.name, NODE.name, HEAD.name, BLOCK.name, LOOK.name, CLOSE_OUT.name}
    kept |= {NOTE.name, FOLLOW_OWNER.name, "alembic_version"}
    ours = set(EVERYTHING) - kept

    with write(seats.server) as connection:
        for table in sorted(ours):
            connection.execute(text(f"SELECT count(*) FROM {table}"))
            connection.execute(text(f"DELETE FROM {table} WHERE false"))


def open_to_reports(seats: Seats) -> list[str]:
    """Return the tables that a report's login reads."""
    return [
        name for name in EVERYTHING if not refused(seats.report, f"SELECT 1 FROM public.{name}")
    ]


def test_a_login_that_was_given_more_than_its_own_is_noticed(seats: Seats) -> None:
    app, report = roles.roles_of(str(seats.owner.url.database))
    with write(seats.owner) as connection:
        connection.execute(text(f'GRANT USAGE ON SCHEMA public TO "{report}"'))
        connection.execute(text(f'GRANT SELECT ON record TO "{report}"'))
        connection.execute(text(f'GRANT ALL ON ledger_entry TO "{app}"'))

    assert open_to_reports(seats) == ["record"]
    assert any(not refused(seats.server, statement) for statement in MAY_NOT)


def test_a_report_reads_its_views_and_nothing_else(seats: Seats) -> None:
    assert open_to_reports(seats) == []
    assert all(
        refused(seats.report, f"DELETE FROM report.{view}") for view in set(SHOWN) - {"month"}
    )
    assert refused(seats.report, "CREATE TEMPORARY TABLE mine (id text)")
    with read(seats.report) as connection:
        for view in SHOWN:
            connection.execute(text(f"SELECT * FROM report.{view}"))


def test_a_report_shows_these_columns_and_no_others(seats: Seats) -> None:
    with read(seats.owner) as connection:
        seen = inspect(connection)
        shown = {
            view: [column["name"] for column in seen.get_columns(view, schema="report")]
            for view in seen.get_view_names(schema="report")
        }

    assert shown == SHOWN
    assert set(SHOWN) == set(roles.VIEWS)


@pytest.mark.parametrize(
    ("entries", "shown"), [(19, []), (20, [20]), (39, [20]), (61, [60])], ids=str
)
def test_a_report_counts_whole_months_in_whole_steps(
    seats: Seats, entries: int, shown: list[int]
) -> None:
    now = SystemClock().now()
    record(seats.server, entries, now.replace(day=1) - timedelta(days=3))
    record(seats.server, 25, now)

    with read(seats.report) as connection:
        counts = connection.scalars(text("SELECT entries_at_least FROM report.month")).all()

    assert list(counts) == shown


def test_an_upgrade_gives_the_roles_what_they_may_do_with_new_tables(seats: Seats) -> None:
    with write(seats.owner) as connection:  # as if an earlier version had made neither
        connection.execute(text("DROP SCHEMA report CASCADE"))
        connection.execute(text("DROP TABLE held_row"))
        metadata.tables["held_row"].create(connection)
    assert refused(seats.server, "SELECT 1 FROM held_row")

    upgrade(seats.owner)

    assert not refused(seats.server, "SELECT 1 FROM held_row")
    assert refused(seats.report, "SELECT 1 FROM public.held_row")
    assert not refused(seats.report, "SELECT 1 FROM report.month")


def test_granting_again_takes_back_what_somebody_added(seats: Seats) -> None:
    app, report = roles.roles_of(str(seats.owner.url.database))
    with write(seats.owner) as connection:
        connection.execute(text(f'GRANT ALL ON ledger_entry TO "{app}"'))
        connection.execute(text(f'GRANT SELECT ON student TO "{report}", PUBLIC'))
        roles.run(connection, roles.granting(connection))

    assert refused(seats.server, "DELETE FROM ledger_entry")
    assert refused(seats.report, "SELECT 1 FROM public.student")


def test_the_roles_of_one_database_do_not_get_into_another(
    seats: Seats, postgres_server: str
) -> None:
    with empty_postgres(postgres_server) as other:
        logins(other)
        for engine in (seats.server, seats.report):
            there = engine.url.set(database=make_url(other).database)
            with pytest.raises(OperationalError, match="permission denied for database"):
                open_engine(there.render_as_string(hide_password=False)).connect()


def test_a_name_that_leaves_no_room_for_roles_is_refused() -> None:
    assert roles.roles_of("millbrook") == ("millbrook_app", "millbrook_report")
    with pytest.raises(SchemaError, match="too long"):
        roles.roles_of("d" * 60)


def test_a_server_that_may_make_no_tables_says_who_may(seats: Seats) -> None:
    with write(seats.owner) as connection:
        connection.execute(text("DROP SCHEMA report CASCADE"))
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))

    with pytest.raises(SchemaError, match="as its owner: schoolbridge db upgrade"):
        require_current(seats.server)
    with pytest.raises(SchemaError, match="owner's"), roles.for_the_owner():
        upgrade(seats.server)
