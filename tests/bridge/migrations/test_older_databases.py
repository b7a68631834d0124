"""Databases made by versions that kept no revisions: their rows are there after the upgrade.

``tests/data/databases`` holds them as SQL, with synthetic rows: the tables of the first version, of
the one before a fact could be unknown, and of the one before the law was kept beside its tables.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy import table as table_named
from sqlalchemy.exc import DBAPIError

from bridge.errors import SchemaError
from bridge.migrations.state import State, require_current, state_of
from bridge.migrations.upgrade import upgrade
from bridge.migrations.versions.r0001_baseline import BASELINE
from bridge.store.database.engine import open_engine, read, write
from tests.bridge.migrations.test_revisions import described, differences

pytestmark = pytest.mark.turns(2)

DATABASES = Path(__file__).parents[2] / "data" / "databases"
# What records are found by is worked out anew.
WORKED_OUT = ("search_value", "search_date")
NAMES = ("first-tables", "before-unknown-facts", "before-kept-law")

Rows = Mapping[str, list[dict[str, Any]]]


def load(engine: Engine, name: str) -> None:
    kind = engine.dialect.name
    sql = (DATABASES / f"{name}.{kind}.sql").read_text(encoding="utf-8")
    with write(engine) as connection:
        for statement in sql.splitlines():
            connection.exec_driver_sql(statement.removesuffix(";"))


def complete(engine: Engine) -> None:
    """Do what the last version without revisions did at each start: add the tables it missed."""
    with write(engine) as connection:
        BASELINE.create_all(connection)


def rows_of(engine: Engine) -> Rows:
    with read(engine) as connection:
        tables = inspect(connection).get_table_names()
        found = {}
        for table in tables:
            rows = connection.execute(select(text("*")).select_from(table_named(table))).mappings()
            found[table] = sorted((dict(row) for row in rows), key=repr)
        return found


def narrowed(rows: Rows, to: Rows) -> Rows:
    """Return the columns of ``rows`` that ``to`` has as well."""
    return {
        table: sorted(({name: row[name] for name in to[table][0]} for row in rows[table]), key=repr)
        for table in to
        if to[table] and table not in WORKED_OUT
    }


@pytest.fixture
def opened(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=NAMES)
def older(request: pytest.FixtureRequest, opened: Engine) -> Engine:
    load(opened, request.param)
    return opened


@pytest.mark.parametrize("prepare", [lambda _: None, complete], ids=["as-it-was", "completed"])
def test_every_row_of_an_older_database_is_there_after_the_upgrade(
    older: Engine, prepare: Callable[[Engine], None]
) -> None:
    prepare(older)
    before = rows_of(older)
    assert before["record"]
    assert upgrade(older) is State.UNMARKED
    after = rows_of(older)
    assert narrowed(after, before) == narrowed(before, before)
    assert set(narrowed(after, before)) > {"record", "evidence", "ledger_entry", "student"}
    assert differences(older) == []
    assert state_of(older) is State.CURRENT
    assert upgrade(older) is State.CURRENT
    assert rows_of(older) == after


def test_records_are_found_after_the_upgrade(older: Engine) -> None:
    upgrade(older)
    found = rows_of(older)
    by_status = [row["id"] for row in found["search_value"] if row["param"] == "status"]
    by_patient = [row["value"] for row in found["search_value"] if row["param"] == "patient"]
    dated = [row["id"] for row in found["search_date"] if row["param"] == "authored-on"]
    assert sorted(by_status) == sorted(dated) == ["task-1", "task-2", "task-3"]
    assert sorted(by_patient) == ["Patient/p-1", "Patient/p-2", "Patient/p-3"]


def test_of_the_law_of_older_tables_nothing_is_made_up(opened: Engine) -> None:
    load(opened, "before-unknown-facts")
    upgrade(opened)
    assert {row["law_bases"] for row in rows_of(opened)["table_documents"]} == {""}


def test_a_fact_can_be_unknown_after_the_upgrade(older: Engine) -> None:
    upgrade(older)
    with write(older) as connection:
        connection.execute(text("UPDATE evidence SET value = NULL"))


def test_references_hold_after_the_upgrade(older: Engine) -> None:
    upgrade(older)
    with pytest.raises(DBAPIError), write(older) as connection:
        connection.execute(text("DELETE FROM student"))


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(opened: Engine) -> None:
    load(opened, "first-tables")
    with write(opened) as connection:  # takes the name of what the upgrade makes at its end
        connection.execute(text("CREATE INDEX ix_evidence_doubt ON student (local_key)"))
    tables, rows = described(opened), rows_of(opened)
    with pytest.raises(DBAPIError):
        upgrade(opened)
    assert (described(opened), rows_of(opened)) == (tables, rows)


def test_tables_that_no_version_made_are_not_touched(opened: Engine) -> None:
    load(opened, "first-tables")
    with write(opened) as connection:
        connection.execute(text("ALTER TABLE record ADD COLUMN colour VARCHAR"))
    with pytest.raises(SchemaError, match="table record"):
        upgrade(opened)
    assert state_of(opened) is State.UNMARKED


def test_an_older_database_is_not_opened_until_it_is_upgraded(older: Engine) -> None:
    with pytest.raises(SchemaError, match="schoolbridge db upgrade"):
        require_current(older)
    upgrade(older)
    require_current(older)


@pytest.mark.parametrize(
    ("revision", "told"), [("r9999", "later version"), ("r0000", "later version")]
)
def test_a_database_of_another_version_is_neither_opened_nor_upgraded(
    opened: Engine, revision: str, told: str
) -> None:
    upgrade(opened)
    with write(opened) as connection:
        changed = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(changed, {"revision": revision})
    for refused in (require_current, upgrade):
        with pytest.raises(SchemaError, match=told):
            refused(opened)


def test_an_empty_database_gets_its_tables_when_it_is_opened(opened: Engine) -> None:
    require_current(opened)
    assert differences(opened) == []
