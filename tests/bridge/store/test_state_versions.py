"""The database counts every change that a remembered decision rests on, whoever writes."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bridge.schema import metadata
from bridge.store.database.engine import read, write
from bridge.store.state_versions import state_versions
from tests.support.worlds import World, referral

COLUMNS = "id, agreement_id, student_id, referral_id, record_id, fact, value, element, purpose"
MORE = "recipient, valid_from, valid_to, recorded_at, source, source_id"
FACT = (
    f"INSERT INTO evidence ({COLUMNS}, {MORE}) SELECT 'new', agreement_id, {{student}}, '', '',"  # noqa: S608 - names of ours
    " 'dissent', value, '', '', '', valid_from, valid_to, recorded_at, 'test', '' FROM evidence"
    " WHERE student_id <> '' LIMIT 1"
)
OF_THE_STUDENT = {
    "a fact is recorded": FACT.format(student="student_id"),
    "a fact is superseded": "UPDATE evidence SET superseded_at = recorded_at",
    "a fact is removed": "DELETE FROM evidence",
    "a form is revoked": "UPDATE signed_release SET revoked_at = recorded_at",
    "a form is removed": "DELETE FROM signed_release",
    "a record is removed": "DELETE FROM record WHERE type = 'Observation'",
    "a record changes hands": "UPDATE record SET audience = 'x', change = change + 100000",
    "a referral is closed at the end of a year": (
        "INSERT INTO close_out (id, act, lea, student_id, referral_id, number, provider, at, who,"
        " role, outcome, reason, holder) SELECT 'new', 'act', '', student_id, id, '', '',"
        " last_updated, '', '', 'moved', '', '' FROM record WHERE type = 'ServiceRequest'"
    ),
    "somebody follows up on a referral": (
        "INSERT INTO follow_owner (id, lea, student_id, referral_id, turn, number, provider, at,"
        " who, role, owner) SELECT 'new', '', student_id, id, 1, '', '', last_updated, '', '', 'x'"
        " FROM record WHERE type = 'ServiceRequest'"
    ),
    "a birth date is corrected": "UPDATE student SET birth_date = '2001-01-01'",
}
OF_EVERYBODY = {
    "evidence": FACT.format(student="''"),
    "agreement": "UPDATE agreement SET template_text = template_text || ' '",
    "erasure": "DELETE FROM record WHERE type = 'Observation'",
}


def version(connection: Connection) -> int:
    return int(connection.execute(text("SELECT sum(version) FROM student")).scalar_one())


@pytest.fixture
def referred(world: World) -> World:
    world.refer([referral(1)])
    return world


@pytest.mark.parametrize("change", OF_THE_STUDENT)
def test_what_concerns_a_student_moves_its_version(referred: World, change: str) -> None:
    with write(referred.bridge.engine) as connection:
        before = version(connection)
        connection.execute(text(OF_THE_STUDENT[change]))
        assert version(connection) > before


@pytest.mark.parametrize("name", OF_EVERYBODY)
def test_what_concerns_everybody_moves_its_counter(referred: World, name: str) -> None:
    with write(referred.bridge.engine) as connection:
        before = state_versions(connection)
        connection.execute(text(OF_EVERYBODY[name]))
        after = state_versions(connection)
    assert after[name] > before[name]


def test_a_record_cannot_change_without_a_new_change_number(referred: World) -> None:
    with pytest.raises(DBAPIError), write(referred.bridge.engine) as connection:
        connection.execute(text("UPDATE record SET body = '{}' WHERE type = 'Task'"))


def test_a_change_that_is_undone_moves_nothing(referred: World) -> None:
    def counted() -> tuple[int, dict[str, int]]:
        with read(referred.bridge.engine) as connection:
            return version(connection), state_versions(connection)

    before = counted()
    with write(referred.bridge.engine) as connection:
        connection.execute(text("DELETE FROM record"))
        connection.rollback()
    assert counted() == before


def test_starting_again_keeps_the_counters(referred: World) -> None:
    read_versions: Callable[[Connection], dict[str, int]] = state_versions
    with read(referred.bridge.engine) as connection:
        before = read_versions(connection)
    with write(referred.bridge.engine) as connection:
        metadata.create_all(connection)
    with read(referred.bridge.engine) as connection:
        assert read_versions(connection) == before
