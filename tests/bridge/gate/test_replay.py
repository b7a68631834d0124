"""Any decision ever taken can be taken again from the ledger, whatever the agreement says today."""

import importlib
import os
from dataclasses import replace

import pytest
from sqlalchemy import text

from bridge.errors import BridgeError
from bridge.gate import Query, Replay, replay, replay_log
from bridge.journeys.running.amend_agreement import amend_agreement
from bridge.journeys.running.set_up import AgreementDocuments
from bridge.ledger.append import append
from bridge.ledger.entry import Receipt, Recorded, Ruling
from bridge.ledger.lookup import recorded
from bridge.store.database.engine import read, write
from consent.mou import shipped_document
from tests.support.worlds import HARBOR, HUB, LEA, World, caller, referral

MANY = int(os.environ.get("SCHOOLBRIDGE_REPLAYS") or 10_000)  # noqa: TID251 - how many to store
KINDS = ("ServiceRequest", "Patient", "Observation", "RelatedPerson", "Task")


def documents(*edits: tuple[bytes, bytes]) -> AgreementDocuments:
    agreement = shipped_document("millbrook-harbor-2026")
    for old, new in edits:
        assert old in agreement
        agreement = agreement.replace(old, new)
    template = shipped_document("xx-smh-template")
    return AgreementDocuments(template, agreement, "US-XX", LEA, HARBOR, HUB)


def release_all(world: World, rounds: int = 1) -> None:
    for _ in range(rounds):
        for kind in KINDS:
            world.bridge.gate.search(caller(), Query(kind, limit=1000))
        for kind in ("ServiceRequest", "Encounter"):
            world.bridge.gate.search(caller("state-hub"), Query(kind, limit=1000))
        world.bridge.gate.follow_up(caller("millbrook-sis"))


def replays(world: World) -> list[Replay]:
    with read(world.bridge.engine) as connection:
        return list(replay_log(connection, world.agreement))


def test_a_release_is_explained_layer_by_layer_from_its_receipt(world: World) -> None:
    world.refer([referral(1)])
    world.bridge.gate.read(caller(), "ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    with read(world.bridge.engine) as connection:
        found = replay(connection, Receipt(world.agreement, 0))
    reason = next(e for e in found.elements if e.slice.element == "referral.reason")
    assert (found.differences, found.in_use) == ((), True)
    assert (reason.decision.permitted, reason.decision.clause) == (True, "4.1")
    assert {"law:FERPA", "template", "agreement"} <= {vote.layer for vote in reason.votes}
    assert "c_ferpa" in reason.facts


def test_what_says_the_same_of_its_decision_is_taken_again_once(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite.refer(referral(n) for n in range(3))
    release_all(lite)
    taken: list[object] = []
    replaying = importlib.import_module("bridge.gate.accounts.replay")  # the name is a function too
    careful = replaying._agreement

    def counted(*asked: object) -> object:
        taken.append(asked)
        return careful(*asked)

    monkeypatch.setattr(replaying, "_agreement", counted)
    found = replays(lite)
    alike = {(each.recorded.entry.ruling, each.recorded.entry.elements) for each in found}
    assert len(taken) == len(alike) < len(found)
    monkeypatch.undo()
    with read(lite.bridge.engine) as connection:
        assert found == [replay(connection, each.receipt) for each in found]


def test_what_was_withheld_is_explained_too_with_the_fact_it_lacked(lite: World) -> None:
    lite.refer([referral(1)])
    lite.bridge.gate.read(caller(), "ServiceRequest", lite.id_of("ServiceRequest", "R-1"))
    with read(lite.bridge.engine) as connection:
        found = replay(connection, Receipt(lite.agreement, 0))
    note = next(e for e in found.elements if e.slice.element == "referral.note")
    objecting = [vote for vote in note.votes if not vote.agrees]
    assert not note.decision.permitted
    assert [vote.layer for vote in objecting] == ["prohibition:P3", "prohibition:P4"]
    assert objecting[1].missing == ("human_reviewed",)


def test_an_amended_agreement_decides_anew_and_the_old_decision_replays_as_it_was(
    world: World,
) -> None:
    world.refer([referral(1)])
    release_all(world)
    before = len(replays(world))
    amend_agreement(world.parts, documents((b'version: "1"', b'version: "2"'), (
        b"F1: {drop_elements: [", b"F1: {drop_elements: [referral.reason, ",
    )))  # fmt: skip
    release_all(world)
    found = replays(world)
    assert [r.differences for r in found if r.differences] == []
    assert [r.in_use for r in found] == [False] * before + [True] * (len(found) - before)
    reasons = ["referral.reason" in r.recorded.entry.elements for r in found]
    assert any(reasons[:before])
    assert not any(reasons[before:])


def test_the_same_documents_under_another_table_are_refused_not_guessed(lite: World) -> None:
    lite.refer([referral(1)])
    release_all(lite)
    with write(lite.bridge.engine) as connection:
        connection.execute(text("DELETE FROM table_documents"))
    amend_agreement(lite.parts, documents((b'version: "1"', b'version: "2"')))
    with read(lite.bridge.engine) as connection, pytest.raises(BridgeError, match="not kept"):
        replay(connection, Receipt(lite.agreement, 0))


@pytest.mark.parametrize(
    ("part", "value"),
    [("reasons", ("flow:F2",)), ("flow", "F9"), ("clause", "1"), ("bases", ()), ("facts", "0")],
)
def test_an_entry_that_does_not_follow_from_its_facts_is_found(
    lite: World, part: str, value: object
) -> None:
    lite.refer([referral(1)])
    release_all(lite)
    with write(lite.bridge.engine) as connection:
        first: Recorded = recorded(connection, Receipt(lite.agreement, 0))
        ruling: Ruling = replace(first.entry.ruling, **{part: value})  # type: ignore[type-var] # a release has a ruling
        forged = append(connection, [replace(first.entry, ruling=ruling)], lite.clock)[0]
        assert replay(connection, forged).differences == (part,)


def test_an_element_released_without_a_permit_is_found(lite: World) -> None:
    lite.refer([referral(1)])
    release_all(lite)
    with write(lite.bridge.engine) as connection:
        first = recorded(connection, Receipt(lite.agreement, 0)).entry
        more = replace(first, elements=(*first.elements, "therapy.notes"))
        forged = append(connection, [more], lite.clock)[0]
        assert replay(connection, forged).differences == ("elements",)


def replayed(world: World, at_least: int) -> tuple[int, int]:
    """Return how many decisions were taken again, and how many differ, amended halfway."""
    world.refer(referral(n) for n in range(min(200, at_least // 10)))
    release_all(world)
    entries = max(1, len(replays(world)))
    amend_agreement(world.parts, documents((b'version: "1"', b'version: "2"'), (
        b"F1: {drop_elements: [", b"F1: {drop_elements: [student.school, ",
    )))  # fmt: skip
    release_all(world, rounds=at_least // entries)
    found = replays(world)
    return len(found), sum(bool(r.differences) for r in found)


def test_stored_decisions_are_taken_again_without_a_difference(world: World) -> None:
    count, different = replayed(world, 200)
    assert count >= 200
    assert different == 0


@pytest.mark.faults
def test_ten_thousand_stored_decisions_are_taken_again_without_a_difference(
    lite: World,
) -> None:
    count, different = replayed(lite, MANY)
    print(f"{count} decisions replayed, {different} differences")  # noqa: T201 - the figure
    assert count >= MANY
    assert different == 0


def test_an_entry_says_what_could_go_however_little_was_asked_for(lite: World) -> None:
    """HEAD, ``_elements`` and ``_summary`` are entered like the whole (docs/adr/0035)."""
    lite.refer([referral(1)])
    web, path = lite.web(), f"/fhir/ServiceRequest/{lite.id_of('ServiceRequest', 'R-1')}"
    for method, query in (("GET", ""), ("HEAD", ""), ("GET", "?_elements=status")):
        assert web.send(method, path + query).status_code == 200
    assert web.get(f"{path}?_summary=true").status_code == 200
    found = replays(lite)

    assert len(found) == 4
    assert len({each.recorded.entry.elements for each in found}) == 1
    assert [each.differences for each in found] == [()] * 4
