"""After two student records are found to be one, the consent of one never opens the other."""

import pytest
from sqlalchemy import update

import bridge.journeys.referrals.same_student as same
from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.referrals.same_student import Pair, doubt, held_back, settle
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from mappings.language import Mapped
from tests.support.worlds import CARE_CONSENT, LEA, World, caller, put_task, referral

PAIR = Pair(LEA, ("1001", "1002"), "lea.administrator")


@pytest.fixture
def referred(world: World) -> World:
    """A world with referrals of three students, each with forms of its own."""
    world.refer([referral(1), referral(2), referral(3)])
    return world


def seen(world: World) -> list[str]:
    """Return which referrals the provider may read."""
    ids = {world.id_of("ServiceRequest", f"R-{n}"): f"R-{n}" for n in (1, 2, 3)}
    found = world.bridge.gate.search(caller(), Query("ServiceRequest"))
    read_alone = {
        name
        for one, name in ids.items()
        if world.bridge.gate.read(caller(), "ServiceRequest", one) is not None
    }
    searched = {ids[match.id] for match in found.matches}
    assert searched == read_alone
    return sorted(searched)


def revoke_all(world: World, number: str) -> None:
    request = world.id_of("ServiceRequest", number)
    for form in ("education", "health"):
        revoke_release(world.parts, world.bridge.identifiers.issue("release", request, form))


def student(world: World, number: str) -> str:
    return world.bridge.identifiers.issue("student", LEA, number)


def test_nothing_of_two_doubted_students_leaves_until_somebody_has_looked(referred: World) -> None:
    assert seen(referred) == ["R-1", "R-2", "R-3"]
    doubt(referred.parts, PAIR)
    assert seen(referred) == ["R-3"]
    assert held_back(referred.parts, LEA) == ["1001", "1002"]
    settle(referred.parts, PAIR, None)
    assert seen(referred) == ["R-1", "R-2", "R-3"]
    assert held_back(referred.parts, LEA) == []


def told(world: World) -> tuple[set[str], int]:
    """Return what a school learns back of its referrals, and how many rows the state counts."""
    back = world.bridge.gate.follow_up(caller("millbrook-sis")).rows
    rows = world.bridge.gate.search(caller("state-hub"), Query("ServiceRequest")).matches
    return {each.status for each in back}, len(rows)


def test_neither_the_school_nor_the_state_is_told_of_doubted_students(referred: World) -> None:
    web = referred.web()
    task = web.get(f"/fhir/Task/{referred.id_of('Task', 'R-1')}").json()
    care = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    assert put_task(web, task, "accepted", extension=care).status_code == 200
    assert told(referred) == ({"sent", "accepted"}, 3)
    doubt(referred.parts, PAIR)
    assert told(referred) == ({"sent"}, 1)


def test_new_forms_and_a_new_roster_do_not_end_the_doubt(referred: World) -> None:
    doubt(referred.parts, PAIR)
    rows = [referral(1), referral(2)]
    import_roster(referred.parts, LEA, [Mapped(r.student, r.origin.row) for r in rows])
    referred.refer(rows)
    assert seen(referred) == ["R-3"]


def test_of_two_that_are_the_same_one_goes_on_and_the_other_never_leaves(referred: World) -> None:
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, "1001")
    assert seen(referred) == ["R-1", "R-3"]
    assert held_back(referred.parts, LEA) == ["1002"]


@pytest.mark.parametrize(("revoked", "kept"), [("R-1", "1001"), ("R-2", "1001"), ("R-2", "1002")])
def test_the_consent_of_one_never_opens_the_record_of_the_other(
    referred: World, revoked: str, kept: str
) -> None:
    revoke_all(referred, revoked)
    before = set(seen(referred))
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, kept)
    own = {"1001": "R-1", "1002": "R-2"}[kept]
    assert set(seen(referred)) == before & {own, "R-3"}


def test_what_was_objected_under_one_number_holds_for_the_other(referred: World) -> None:
    record_order(referred.parts, student(referred, "1002"), Order(party="provider"))
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, "1001")
    assert seen(referred) == ["R-3"]


@pytest.mark.parametrize("gone", ["1001", "1002"])
def test_a_guardian_whom_an_order_keeps_out_under_one_number_is_not_let_in_by_the_other(
    referred: World, gone: str
) -> None:
    kept = next(number for number in PAIR.numbers if number != gone)
    order = Order(guardian="Max Winterbourne")
    record_order(referred.parts, student(referred, gone), order)
    doubt(referred.parts, PAIR)
    with pytest.raises(same.OrderMissingError, match="order record"):
        settle(referred.parts, PAIR, kept)
    assert held_back(referred.parts, LEA) == ["1001", "1002"]
    record_order(referred.parts, student(referred, kept), order)
    settle(referred.parts, PAIR, kept)
    assert held_back(referred.parts, LEA) == [gone]


def test_a_merge_can_be_taken_back(referred: World) -> None:
    record_order(referred.parts, student(referred, "1002"), Order(party="provider"))
    before = seen(referred)
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, "1001")
    settle(referred.parts, PAIR, None)
    assert seen(referred) == before


def test_who_said_so_stands_in_the_ledger(referred: World) -> None:
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, "1001")
    with read(referred.bridge.engine) as connection:
        said = [recorded.entry for recorded in entries(connection, referred.agreement)]
    about = [entry.request for entry in said if entry.kind is Kind.EVIDENCE]
    assert about == ["lea.administrator: doubted"] * 2 + ["lea.administrator: same"] * 2


@pytest.mark.parametrize(
    ("pair", "keep"),
    [
        (Pair(LEA, ("1001", "1001"), "x"), None),
        (Pair(LEA, ("1001", "9999"), "x"), None),
        (Pair(LEA, ("1001", "1003"), "x"), None),
        (PAIR, "1003"),
    ],
)
def test_what_makes_no_sense_is_refused(referred: World, pair: Pair, keep: str | None) -> None:
    with pytest.raises(BridgeError):
        settle(referred.parts, pair, keep)


def test_a_doubt_that_holds_nothing_back_is_noticed(
    referred: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same, "_hold", lambda *_: None)
    doubt(referred.parts, PAIR)
    assert seen(referred) != ["R-3"]


def test_a_merge_that_gives_one_the_forms_of_the_other_is_noticed(
    referred: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def merged(connection: object, _parts: object, students: tuple[str, str], _: str) -> None:
        gone, kept = students
        moved = update(same.EVIDENCE).where(same.EVIDENCE.c.student_id == gone)
        connection.execute(moved.values(student_id=kept, referral_id=""))  # type: ignore[attr-defined] # a statement that changes rows

    revoke_all(referred, "R-1")
    monkeypatch.setattr(same, "_carry", merged)
    doubt(referred.parts, PAIR)
    settle(referred.parts, PAIR, "1001")
    assert "R-1" in seen(referred)
