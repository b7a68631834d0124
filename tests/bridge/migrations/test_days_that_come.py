"""What is known of days before the upgrade is looked at after it: none is forgotten."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert

from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine, read, write
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.facts.openings import due_openings

THEN, SOON = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
FACTS = (
    ("an order until a day", "recipient_blocked", {"valid_to": SOON}),
    ("an order for good", "recipient_blocked", {}),
    ("a form until a day", "c_ferpa", {"valid_to": SOON}),
    ("a form from a day on", "c_ferpa", {"valid_from": SOON}),
    ("a doubt until a day", "enrolled", {"valid_to": SOON, "value": None}),
    ("an order that was lifted", "recipient_blocked", {"valid_to": SOON, "superseded_at": THEN}),
)


@pytest.fixture
def older(database_url: str) -> Iterator[Engine]:
    """A database of r0026 with a student for each kind of fact."""
    engine = open_engine(database_url)
    upgrade(engine, to="r0026")
    common = {"agreement_id": "", "recorded_at": THEN, "source": "x", "value": True}
    common |= {"valid_from": THEN, "valid_to": ALWAYS_TO, "superseded_at": None}
    rows = [{**common, "id": s, "student_id": s, "fact": f, **more} for s, f, more in FACTS]
    with write(engine) as connection:
        connection.execute(insert(EVIDENCE), rows)
    yield engine
    engine.dispose()


def test_days_that_may_open_something_are_written_down(older: Engine) -> None:
    upgrade(older)
    with read(older) as connection:
        assert due_openings(connection, THEN, 10) == []
        due = due_openings(connection, AFTER, 10)
    whose = ["a doubt until a day", "a form from a day on", "an order until a day"]
    assert [(each.at, each.student_id) for each in due] == [(SOON, name) for name in whose]
