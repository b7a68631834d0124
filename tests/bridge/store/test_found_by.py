"""What records are found by goes with them: it carries the number of their last change."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from bridge.store.database.engine import read, write
from bridge.store.intake import NewRecord, put_records, touch
from bridge.store.search.index import STORED_AS
from tests.support.worlds import World, put_task, referral

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
