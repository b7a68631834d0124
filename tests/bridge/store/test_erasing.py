"""Of a student who is erased no table holds anything but what the ledger and the looks must."""

from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Connection, Table, select, text, update

from bridge.errors import BridgeError
from bridge.journeys.running.erase_student import Because, Erasing, erase_student
from bridge.migrations.catalogue import metadata
from bridge.store import erasing
from bridge.store.database.engine import read, write
from tests.support.filled_tables import SAID, about_students, fill, rows
from tests.support.worlds import CARE_CONSENT, LEA, World, caller, put_task, referral

GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
NAMING = ("student_id", "referral_id", "record_id", "release_id", "request_id", "subject", "path")
ASKED = Erasing(LEA, "1001", "records-office", Because.REQUEST)


def filled(world: World) -> None:
    """Refer two students, and fill every table there is about the first."""
    world.refer([referral(n) for n in (1, 2)])
    world.bridge.gate.follow_up(caller("millbrook-sis"))
    for number in (1, 2):
        task = world.web().get(f"/fhir/Task/{world.id_of('Task', f'R-{number}')}").json()
        assert put_task(world.web(), task, "rejected", extension=GUARDIAN).status_code == 200
    with write(world.bridge.engine) as connection:
        fill(connection, student(world, "1001"))
    # One of the records was asked for by who may not have it.
    world.web("cove-ehr").get(f"/fhir/Task/{world.id_of('Task', 'R-1')}")


@pytest.fixture
def full(world: World) -> World:
    """Two students, of the first of whom there is a row in every table there can be one in."""
    filled(world)
    return world


def student(world: World, number: str) -> str:
    return world.bridge.identifiers.issue("student", LEA, number)


def settled(world: World) -> None:
    """Bring to an end what is open about everybody."""
    now = world.clock.now()
    with write(world.bridge.engine) as connection:
        for name, done in erasing.OWED.items():
            connection.execute(update(metadata.tables[name]).values({done: now}))


def holding(connection: Connection, *words: str) -> set[str]:
    """Return the tables of which a row holds one of some words."""
    return {
        name
        for name, found in rows(connection).items()
        if any(word in str(value) for row in found for value in row for word in words)
    }


def test_a_table_that_names_a_student_or_a_referral_is_erased_or_kept_for_a_reason() -> None:
    naming = {t.name for t in metadata.sorted_tables if {*NAMING} & {c.name for c in t.columns}}
    erased = {t.name for t in about_students()} | {*erasing.BY_RECORD, "invalid_release"}
    kept = set(erasing.KEPT)
    assert naming - erased - kept == set()
    assert kept & erased == set()
    assert kept <= set(metadata.tables)


def test_nothing_of_the_student_is_in_any_table_but_the_kept(full: World) -> None:
    settled(full)
    gone = student(full, "1001")
    with read(full.bridge.engine) as connection:
        before = rows(connection)
        records = metadata.tables["record"].c
        query = select(records.id).where(records.student_id == gone)
        ids = set(connection.scalars(query))
        filled = holding(connection, gone)
    assert {table.name for table in about_students()} <= filled

    erase_student(full.parts, ASKED)

    with read(full.bridge.engine) as connection:
        after = rows(connection)
        assert holding(connection, gone, SAID, "Child1 ", '"Child1"') <= {"follow_head"}
        assert holding(connection, *ids) <= {*erasing.KEPT}
    for name in {t.name for t in about_students()} - {"record"}:
        assert after[name] == [row for row in before[name] if gone not in row], name
    assert len(after["student"]) == len(before["student"]) - 1


def test_the_others_read_what_they_read_before(full: World) -> None:
    settled(full)
    other = full.id_of("ServiceRequest", "R-2")
    before = full.web().get(f"/fhir/ServiceRequest/{other}").json()
    erase_student(full.parts, ASKED)
    assert full.web().get(f"/fhir/ServiceRequest/{other}").json() == before
    gone = full.id_of("ServiceRequest", "R-1")
    assert full.web().get(f"/fhir/ServiceRequest/{gone}").status_code == 404
    assert len(full.bridge.gate.follow_up(caller("millbrook-sis")).rows) == 1


def test_the_ledger_says_who_erased_and_why(full: World) -> None:
    settled(full)
    erase_student(full.parts, ASKED)
    with read(full.bridge.engine) as connection:
        said = connection.scalars(text("SELECT request FROM ledger_entry")).all()
    assert "records-office: erased, request" in said


@pytest.mark.parametrize("name", erasing.OWED)
def test_nothing_is_erased_while_something_is_owed(full: World, name: str) -> None:
    with read(full.bridge.engine) as connection:
        before = rows(connection)
    with pytest.raises(BridgeError, match=f"{name}: 1"):
        erase_student(full.parts, ASKED)
    with read(full.bridge.engine) as connection:
        assert rows(connection) == before


def test_an_open_referral_is_not_lost(world: World) -> None:
    world.refer([referral(1)])
    with pytest.raises(BridgeError, match="referral: 1"):
        erase_student(world.parts, ASKED)
    with pytest.raises(BridgeError, match="no student"):
        erase_student(world.parts, Erasing(LEA, "9999", "x", Because.ORDER))


@pytest.mark.parametrize("name", [*erasing.BY_RECORD, "note"])
def test_a_table_that_is_left_out_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    in_order = erasing._in_order

    def forgetful(named: Mapping[str, Table]) -> Iterator[Table]:
        return (table for table in in_order(named) if table.name != name)

    filled(lite)
    monkeypatch.setattr(erasing, "_in_order", forgetful)
    with pytest.raises(AssertionError):
        test_nothing_of_the_student_is_in_any_table_but_the_kept(lite)
