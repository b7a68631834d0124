"""What records are found by goes with them: it carries the number of their last change."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from bridge.store.database.engine import read, write
from bridge.store.intake import NewRecord, put_records, touch
from bridge.store.search.index import STORED_AS
from bridge.store.search.index_values import FOLLOWED
from tests.support.worlds import World, encounter, post_session, put_task, referral

INDEXES = ("search_value", "search_date")
RECORD = NewRecord(
    {"resourceType": "Location", "id": "one"}, "millbrook", "lea", "", "", source_key="key of it"
)


def astray(connection: Connection) -> dict[str, int]:
    """Count the rows of each index that are of no record, or of another change of it."""
    its = "r.change = i.change AND r.type = i.type AND r.id = i.id"
    query = "SELECT count(*) FROM {} i WHERE NOT EXISTS (SELECT 1 FROM record r WHERE {})"
    return {name: connection.scalar(text(query.format(name, its))) or 0 for name in INDEXES}


def found(world: World, query: str) -> list[str]:
    return [each["id"] for each in world.web().found(f"/fhir/{query}")]


def test_what_a_record_is_found_by_follows_it_through_every_change(world: World) -> None:
    world.refer([referral(n) for n in (1, 2)])
    request = world.id_of("ServiceRequest", "R-1")
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-1')}").json()
    assert put_task(world.web(), task, "accepted").status_code == 200  # rewritten
    with write(world.bridge.engine) as connection:
        touch(connection, [request], world.clock.now())  # numbered anew
    with read(world.bridge.engine) as connection:
        assert astray(connection) == dict.fromkeys(INDEXES, 0)
        dated = connection.scalar(text("SELECT count(DISTINCT id) FROM search_date"))
    assert dated
    assert dated >= 4
    assert found(world, "Task?status=accepted") == [task["id"]]
    assert found(world, "Task?authored-on=gt2000&status=accepted") == [task["id"]]


def test_what_two_parameters_look_at_alike_is_kept_once_and_found_by_both(world: World) -> None:
    assert STORED_AS["Task"] == {"subject": "patient"}
    world.refer([referral(n) for n in (1, 2)])
    with read(world.bridge.engine) as connection:
        kept = text("SELECT count(*) FROM search_value WHERE param = 'subject'")
        assert connection.scalar(kept) == 0
    for task in world.web().found("/fhir/Task"):
        whose = task["for"]["reference"]
        assert found(world, f"Task?subject={whose}") == [task["id"]]
        assert found(world, f"Task?patient={whose}&subject={whose}") == [task["id"]]
    assert found(world, "Task?subject:missing=true") == []
    assert len(found(world, "Task?subject:missing=false")) == 2


def test_a_key_of_a_source_is_of_one_record(world: World) -> None:
    other = replace(RECORD, resource={**RECORD.resource, "id": "two"})
    with pytest.raises(IntegrityError), write(world.bridge.engine) as connection:
        put_records(connection, [RECORD, other], world.clock.now())
    own = [replace(each, source_key=each.id) for each in (RECORD, other)]
    with write(world.bridge.engine) as connection:
        assert put_records(connection, own, world.clock.now()).new == ("one", "two")


OF_ANOTHER = """
SELECT v.type, v.id FROM search_value v
JOIN record r ON r.change = v.change AND r.type = v.type AND r.id = v.id
JOIN record t ON t.type = :kind AND t.id = substr(v.value, :begins)
WHERE v.param = :param AND t.student_id IS DISTINCT FROM r.student_id
"""
OF_ANOTHER_REFERRAL = """
SELECT r.type, r.id FROM record r
JOIN record t ON t.type = 'ServiceRequest' AND t.id = r.referral_id
WHERE t.student_id IS DISTINCT FROM r.student_id
"""


def astray_of_students(connection: Connection) -> list[tuple[str, str]]:
    """Return the records of another student than what they refer to, or their referral, is of."""
    wrong = list(connection.execute(text(OF_ANOTHER_REFERRAL)))
    for param, kind in FOLLOWED.items():
        binds = {"param": param, "kind": kind, "begins": len(kind) + 2}
        wrong += connection.execute(text(OF_ANOTHER), binds)
    return [(row[0], row[1]) for row in wrong]


def test_a_record_is_of_the_student_of_what_a_search_follows_from_it(world: World) -> None:
    world.refer([referral(n) for n in (1, 2)])
    for task in world.web().found("/fhir/Task"):
        assert post_session(world.web(), encounter(task, "s-" + task["id"])).status_code == 201
    with read(world.bridge.engine) as connection:
        assert astray_of_students(connection) == []
        starting = text("SELECT DISTINCT param FROM search_value WHERE starts = 1")
        assert not FOLLOWED.keys() & set(connection.scalars(starting))
    with write(world.bridge.engine) as connection:  # noticed, if one were
        other = "(SELECT max(id) FROM student WHERE id <> record.student_id)"
        moved = f"UPDATE record SET student_id = {other}, change = change + 1000"  # noqa: S608 - ours
        connection.execute(text(f"{moved} WHERE type = 'Encounter'"))
        for table in INDEXES:
            renumbered = f"UPDATE {table} SET change = change + 1000 WHERE type = 'Encounter'"  # noqa: S608 - ours
            connection.execute(text(renumbered))
        assert {kind for kind, _ in astray_of_students(connection)} == {"Encounter"}
