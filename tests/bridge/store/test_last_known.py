"""From what instant a decision counts: now, or what a clock ahead of it recorded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from bridge.store.database.engine import write
from bridge.store.facts.evidence import (
    NewEvidence,
    not_before_known,
    record_evidence,
    supersede,
)

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with write(engine) as made:
        yield made


def said_of(student: str, at: datetime) -> NewEvidence:
    return NewEvidence(
        f"e-{student}", "c_ferpa", source="test", source_id=f"form-{student}", student_id=student,
        valid_from=NOW, valid_to=NOW + 9 * SECOND, recorded_at=at,
    )  # fmt: skip


@pytest.mark.parametrize("students", [(), ("nobody",), ("nobody", "nobody either")])
def test_of_whom_nothing_is_known_it_is_decided_now(
    connection: Connection, students: tuple[str, ...]
) -> None:
    record_evidence(connection, [said_of("other", NOW + SECOND)])
    assert not_before_known(connection, students, NOW) == NOW


@pytest.mark.parametrize(("off", "seen"), [(-SECOND, NOW), (SECOND, NOW + SECOND)])
def test_what_was_recorded_later_is_known(
    connection: Connection, off: timedelta, seen: datetime
) -> None:
    record_evidence(connection, [said_of("one", NOW + off)])
    assert not_before_known(connection, ["nobody", "one"], NOW) == seen


def test_what_was_taken_back_later_is_known(connection: Connection) -> None:
    record_evidence(connection, [said_of("one", NOW - SECOND)])
    supersede(connection, "form-one", "one", NOW + 2 * SECOND)
    assert not_before_known(connection, ["one"], NOW) == NOW + 2 * SECOND
