"""Two records that share a number of a change have one each after the upgrade."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from bridge.migrations.state import create
from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine, read, write

ROW = (
    "INSERT INTO record (type, id, custodian, sender_role, audience, agreement_id, element,"
    " third_party, source_key, content_digest, version, change, last_updated, body) VALUES"
    " (:type, :id, 'x', 'lea', '', 'a', '', FALSE, :id, '', 1, :change, '2026-11-01', '{}')"
)
FOUND = (
    "INSERT INTO search_value (change, type, id, param, system, value, agreement_id)"
    " VALUES (:change, :type, :id, '_id', '', :id, 'a')"
)
ROWS = (("Task", "t-1", 3), ("Task", "t-2", 3), ("Task", "t-3", 3), ("Patient", "p-1", 4))


@pytest.fixture
def older(database_url: str) -> Iterator[Engine]:
    """A database of r0024 in which three Tasks carry one number, as no version ever wrote it."""
    engine = open_engine(database_url)
    upgrade(engine, to="r0024")
    with write(engine) as connection:
        connection.execute(text("INSERT INTO change_counter (id, last) VALUES (1, 4)"))
        for kind, record_id, change in ROWS:
            given = {"type": kind, "id": record_id, "change": change}
            connection.execute(text(ROW), given)
            connection.execute(text(FOUND), given)
    yield engine
    engine.dispose()


def test_each_has_a_number_of_its_own_after_the_upgrade_and_is_found_by_it(older: Engine) -> None:
    upgrade(older)
    with read(older) as connection:
        rows = connection.execute(text("SELECT id, change FROM record ORDER BY id")).all()
        found = connection.execute(text("SELECT id, change FROM search_value ORDER BY id")).all()
        last = connection.scalar(text("SELECT last FROM change_counter"))
    # The first keeps its own; the others come again for whoever asks for what is new since 4.
    assert dict(tuple(row) for row in rows) == {"p-1": 4, "t-1": 3, "t-2": 5, "t-3": 6}
    assert found == rows
    assert last == 6


def test_a_second_record_with_a_number_is_refused(database_url: str) -> None:
    engine = open_engine(database_url)
    create(engine)
    with write(engine) as connection:
        connection.execute(text(ROW), {"type": "Task", "id": "t-1", "change": 3})
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(text(ROW), {"type": "Task", "id": "t-2", "change": 3})
    engine.dispose()
