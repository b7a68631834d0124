"""What a release leaves to a person is in the review queue, from the same transaction on."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bridge.errors import BridgeError
from bridge.gate import gate as gate_module
from bridge.journeys.families.emergencies import declare_emergency, review_emergency, tell_guardian
from bridge.journeys.families.register_release import file_release
from bridge.journeys.running.clear_review import clear_review
from bridge.journeys.running.review_queue import QueueRow, close_item, review_queue
from bridge.store.database.engine import write
from bridge.store.facts.emergencies import KeptEmergency
from bridge.store.facts.evidence import NewEvidence, record_evidence
from bridge.store.people.owed_duties import items_of
from consent.emergencies import Declaration
from tests.bridge.cli.test_accounts import run
from tests.support.amended import BY_GUARDIAN, amend, provider, school, signed_form
from tests.support.worlds import (
    HARBOR,
    LEA,
    Web,
    World,
    encounter,
    post_session,
    put_task,
    referral,
)

REVIEWER = "lea.administrator"
DUTIES = ("NOTIFYGUARDIAN", "REVIEW72H")


def declared(world: World, elements: Sequence[str] = ("student.name",)) -> KeptEmergency:
    now = world.clock.now()
    said = Declaration("made-up threat", "provider", tuple(elements), "lea.counselor", now, now)
    return declare_emergency(world.parts, (LEA, HARBOR), "1001", said)


def emergency(world: World) -> tuple[KeptEmergency, Web]:
    """Declare an emergency about a student without any form; returns it and who may read."""
    world.refer([referral(1, releases=())])
    return declared(world), provider(world, "clinician", "emergency")


def queue(world: World, *, overdue: bool = False) -> list[QueueRow]:
    return review_queue(world.parts, world.bridge.gate, overdue=overdue)


def owed(world: World) -> dict[str, QueueRow]:
    return {row.code: row for row in queue(world) if row.item}


def patient(world: World) -> str:
    return f"/fhir/Patient/{world.id_of('Patient', '1001')}"


def test_an_emergency_release_owes_a_review_and_a_word_to_the_guardian(world: World) -> None:
    _, web = emergency(world)
    assert owed(world) == {}
    assert web.get(patient(world)).status_code == 200
    found = owed(world)
    assert tuple(sorted(found)) == DUTIES
    assert found["REVIEW72H"].due_at == world.clock.now() + timedelta(hours=72)
    assert found["REVIEW72H"].covers == (f"{patient(world).removeprefix('/fhir/')} student.name",)
    assert found["REVIEW72H"].tell == ()
    (guardian,) = found["NOTIFYGUARDIAN"].tell
    assert guardian.startswith("RelatedPerson/")
    assert "Winterbourne" not in str(found)


def test_reading_the_same_again_owes_nothing_new(world: World) -> None:
    _, web = emergency(world)
    web.get(patient(world))
    before = owed(world)
    world.clock.advance(timedelta(minutes=2))
    assert [web.get(path).status_code for path in (patient(world), "/fhir/Patient")] == [200, 200]
    assert owed(world) == before


def test_what_goes_out_later_is_owed_too_and_the_first_day_stays(world: World) -> None:
    world.refer([referral(1, releases=())])
    declared(world, ("student.name", "referral.reason"))
    web = provider(world, "clinician", "emergency")
    web.get(patient(world))
    first = owed(world)["REVIEW72H"]
    world.clock.advance(timedelta(minutes=2))
    assert web.get("/fhir/ServiceRequest").json()["total"] == 1
    later = owed(world)["REVIEW72H"]
    assert (later.item, later.due_at) == (first.item, first.due_at)
    assert len(later.covers) > len(first.covers)
    close_item(world.parts, later.item, REVIEWER, "in order")
    web.get("/fhir/ServiceRequest")
    assert "REVIEW72H" not in owed(world)  # it was reviewed
    task = web.get("/fhir/Task")
    assert task.json()["total"] == 1
    again = owed(world)["REVIEW72H"]
    assert again.item != later.item
    assert {what.partition("/")[0] for what in again.covers} == {"Task"}


def test_an_item_is_overdue_when_its_hours_are_over(lite: World) -> None:
    _, web = emergency(lite)
    web.get(patient(lite))
    lite.clock.advance(timedelta(hours=72))
    assert {row.code for row in queue(lite, overdue=True)} == set(DUTIES)


def test_a_second_person_closes_the_review_with_a_reason(world: World) -> None:
    _, web = emergency(world)
    web.get(patient(world))
    item = owed(world)["REVIEW72H"].item
    for by, reason in (("lea.counselor", "fine"), ("lea.nobody", "fine"), (REVIEWER, " ")):
        with pytest.raises(BridgeError):
            close_item(world.parts, item, by, reason)
    close_item(world.parts, item, REVIEWER, "in order")
    with pytest.raises(BridgeError):
        close_item(world.parts, item, REVIEWER, "again")
    assert tuple(owed(world)) == ("NOTIFYGUARDIAN",)
    with write(world.bridge.engine) as connection:
        student = world.bridge.identifiers.issue("student", LEA, "1001")
        (kept,) = items_of(connection, [student], ["REVIEW72H"])
    assert (kept.closed_by, kept.reason) == (REVIEWER, "in order")
    assert kept.closed_at == world.clock.now()


def test_reviewing_the_declaration_closes_what_went_out_under_it(world: World) -> None:
    kept, web = emergency(world)
    web.get(patient(world))
    with pytest.raises(BridgeError):
        review_emergency(world.parts, kept.id, "lea.counselor", upheld=True)
    assert review_emergency(world.parts, kept.id, REVIEWER, upheld=True)
    assert tuple(owed(world)) == ("NOTIFYGUARDIAN",)
    assert tell_guardian(world.parts, kept.id)
    assert owed(world) == {}


def test_a_release_that_is_not_written_down_leaves_no_item(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, web = emergency(world)

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(gate_module, "append", fails)
    assert web.get(patient(world)).status_code == 500
    assert owed(world) == {}
    monkeypatch.undo()
    monkeypatch.setattr(gate_module, "owe", fails)
    before = world.counts()["ledger_entry"]
    assert web.get(patient(world)).status_code == 500
    assert world.counts()["ledger_entry"] == before


def test_a_court_order_on_file_is_noted_where_the_guardian_would_be_told(lite: World) -> None:
    _, web = emergency(lite)
    web.get(patient(lite))
    student = lite.bridge.identifiers.issue("student", LEA, "1001")
    with write(lite.bridge.engine) as connection:
        now = lite.clock.now()
        order = NewEvidence("order", "recipient_blocked", now, now, "test", student_id=student)
        record_evidence(connection, [order])
    assert "court order" in owed(lite)["NOTIFYGUARDIAN"].note
    assert owed(lite)["REVIEW72H"].note == ""


def test_the_queue_is_listed_and_closed_by_hand(lite: World) -> None:
    _, web = emergency(lite)
    web.get(patient(lite))
    listed = json.loads(run(lite, "review", "list", "--json").output)
    rows = {row["code"]: row for row in listed}
    assert set(DUTIES) <= rows.keys()
    assert "code: REVIEW72H" in run(lite, "review", "list").output
    assert json.loads(run(lite, "review", "list", "--overdue", "--json").output) == []
    item = rows["REVIEW72H"]["item"]
    said = ("review", "close", item, "--by", REVIEWER, "--reason")
    assert run(lite, *said, "in order").output == "closed\n"
    assert run(lite, *said, "in order").exit_code == 1
    lite.clock.advance(timedelta(hours=73))
    late = run(lite, "review", "list", "--overdue")
    assert late.exit_code == 1
    assert "NOTIFYGUARDIAN" in late.output


# --- held for a person ---------------------------------------------------------------------------


def session_of_a_kind(world: World) -> tuple[Web, str]:
    """Record a session whose kind the school may learn once a person has reviewed it."""
    amend(world, template=(("recipients: [counselor]", "recipients: [referral_coordinator]"),))
    world.refer([referral(1)])
    signed = signed_form(("visit.type", "visit.dates"), ("follow", "attend"), "lea")
    file_release(world.parts, (LEA, HARBOR), "1001", signed)
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', 'R-1')}").json()
    assert put_task(web, task, "accepted", extension=BY_GUARDIAN).status_code == 200
    assert post_session(web, encounter(task, "s-1")).status_code == 201
    coordinator = school(world, "referral_coordinator", "attend", "follow")
    return coordinator, world.id_of("ServiceRequest", "R-1")


def test_what_waits_for_a_person_never_leaves_and_is_listed_by_reference(world: World) -> None:
    world.refer([referral(1)])
    request = world.id_of("ServiceRequest", "R-1")
    web = world.web()
    assert "note" not in web.get(f"/fhir/ServiceRequest/{request}").json()
    (row,) = [r for r in queue(world) if r.recipient == HARBOR]
    assert (row.code, row.item, row.referral) == ("HUAPRV", "", request)
    assert row.covers == (f"ServiceRequest/{request} referral.note",)
    assert row.lacking == ("human_reviewed", "third_party_cleared")
    assert "Cries" not in str(row)
    for fact in row.lacking:
        assert "note" not in web.get(f"/fhir/ServiceRequest/{request}").json()
        clear_review(world.parts, request, "referral.note", fact)
    assert "note" in web.get(f"/fhir/ServiceRequest/{request}").json()
    assert [r for r in queue(world) if r.recipient == HARBOR] == []


def test_an_element_on_hold_does_not_leave_until_its_review_is_on_file(world: World) -> None:
    web, request = session_of_a_kind(world)
    for cleared in ("guardian_saw_text", "human_reviewed"):
        (session,) = web.found("/fhir/Encounter")
        assert "Session" not in str(session["type"])
        (row,) = [r for r in queue(world) if r.recipient == LEA]
        assert (row.code, row.covers[0].partition(" ")[2]) == ("HUAPRV", "visit.type")
        assert cleared in row.lacking
        clear_review(world.parts, request, "visit.type", cleared)
    (session,) = web.found("/fhir/Encounter")
    assert "Session" in str(session["type"])
    assert [r for r in queue(world) if r.recipient == LEA] == []
