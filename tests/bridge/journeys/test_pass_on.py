"""A referral through an intermediary: two hops, two agreements, and what crosses between them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, Query, Viewer, crossing, release_own_referrals
from bridge.gate.decisions import RecordDecision
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import file_release, forms_of
from bridge.journeys.referrals.pass_on import Hops, pass_on
from bridge.journeys.referrals.passed_on import bring_all_back
from bridge.journeys.referrals.withdraw_referral import (
    OwnNumber,
    cancel_unanswered,
    enter_in_error,
    withdraw_referral,
)
from bridge.parts import HasParts
from bridge.store.vault import Stored
from consent.signed_release import SignedRelease
from tests.bridge.journeys.test_release_register import FORM
from tests.support.profiles import validate
from tests.support.worlds import (
    CARE_CONSENT,
    COVE,
    HARBOR,
    LEA,
    Json,
    World,
    caller,
    encounter,
    make_world,
    post_session,
    put_task,
    referral,
)

PAYER_ALONE = "allowed: [{from: provider, to: payer, flow: F9}]"
ONWARD = {PAYER_ALONE: PAYER_ALONE[:-1] + ", {from: provider, to: provider, flow: F1}]"}
HOPS = Hops(OwnNumber(LEA, HARBOR, "R-0"), COVE, "intake")
SIS = caller("millbrook-sis")
BACK = replace(
    FORM,
    form="health",
    elements=("status",),
    purposes=("follow",),
    discloser="provider",
    recipient="lea",
    expires_on=date(2027, 6, 30),
    statements=("condition", "redisclosure", "revoke"),
)
FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"


DATABASES = ("sqlite_url", pytest.param("postgres_url", marks=pytest.mark.faults))


@pytest.fixture(params=DATABASES)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A bridge whose agreements let a provider pass referrals on; on PostgreSQL in the long run."""
    made = make_world(request.getfixturevalue(request.param), tmp_path, edit=ONWARD)
    made.refer([referral(0)])
    yield made
    made.bridge.engine.dispose()


def passed(world: World, *forms: SignedRelease) -> World:
    """Pass the referral on; the forms are the ones that name the second provider."""
    for form in forms:
        file_release(world.parts, (LEA, COVE), "1000", form)
    pass_on(world.bridge, HOPS)
    return world


def theirs(world: World, client: str = "cove-ehr", kind: str = "Task") -> list[Json]:
    return world.web(client).found(f"/fhir/{kind}")


def first(world: World) -> Json:
    return world.stored("Task", world.id_of("Task", "R-0"))


def answer(world: World, status: str, code: str = "", **more: object) -> None:
    world.clock.advance(timedelta(seconds=1))
    task = next(t for t in theirs(world) if t["code"]["coding"][0]["code"] == "fulfill")
    coded = {"businessStatus": {"coding": [{"system": FOLLOW_UP, "code": code}]}} if code else {}
    said = {"extension": [{"url": CARE_CONSENT, "valueCode": "guardian"}], **coded, **more}
    sent = put_task(world.web("cove-ehr"), task, status, **said)
    assert sent.status_code == 200, sent.text
    world.clock.advance(timedelta(seconds=1))


def told(world: World) -> Any:  # noqa: ANN401 - a row
    (row,) = world.bridge.gate.follow_up(SIS).rows
    return row


def state(task: Json) -> tuple[str, str]:
    codes = [c["code"] for c in task.get("businessStatus", {}).get("coding", ())]
    return task["status"], next(iter(codes), "")


def test_the_provider_finds_an_order_and_a_task_of_the_intermediary(here: World) -> None:
    passed(here, FORM)
    (order,), (task,) = theirs(here, kind="ServiceRequest"), theirs(here)
    first_order = f"ServiceRequest/{here.id_of('ServiceRequest', 'R-0')}"
    assert (order["intent"], order["basedOn"]) == ("filler-order", [{"reference": first_order}])
    assert task["partOf"] == [{"reference": f"Task/{here.id_of('Task', 'R-0')}"}]
    assert (task["status"], task["focus"]["reference"]) == (
        "requested",
        f"ServiceRequest/{order['id']}",
    )
    asker = here.web("cove-ehr").get(f"/fhir/{task['requester']['reference']}").json()
    assert asker["name"] == "Harbor Family Centers"
    assert order["identifier"][0]["value"] == "R-0"


def test_every_reference_of_a_copy_leads_to_something_the_provider_reads(here: World) -> None:
    passed(here, FORM)
    web, kinds = here.web("cove-ehr"), ("ServiceRequest", "Task", "Patient", "RelatedPerson")
    found = [each for kind in (*kinds, "Observation") for each in theirs(here, kind=kind)]
    hops = {"basedOn", "partOf"}
    links = {
        target
        for each in found
        for name, value in each.items()
        if name not in hops
        for target in references(value)
    }
    assert len(links) > 4
    missing = [link for link in links if web.get(f"/fhir/{link}").status_code != 200]
    assert missing == []


def references(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_an_outside_judge_finds_both_hops_as_the_guide_has_them(here: World) -> None:
    passed(here, FORM)
    kinds = ("ServiceRequest", "Task", "Patient", "RelatedPerson", "Observation", "Provenance")
    found = [each for kind in kinds for each in theirs(here, kind=kind)]
    assert {each["resourceType"] for each in found} >= {"ServiceRequest", "Task", "Provenance"}
    assert validate(found) == []


def test_without_a_release_for_the_provider_it_finds_nothing(here: World) -> None:
    passed(here)
    assert theirs(here) == theirs(here, kind="Patient") == theirs(here, kind="ServiceRequest") == []
    file_release(here.parts, (LEA, COVE), "1000", FORM)
    assert len(theirs(here)) == 1


def test_what_the_intermediary_may_not_have_does_not_go_on(here: World) -> None:
    (kept,) = [f for f in forms_of(here.parts, LEA, "1000") if f.form.form == "education"]
    revoke_release(here.parts, kept.id)
    with pytest.raises(BridgeError, match="may not have this referral"):
        passed(here, FORM)
    assert theirs(here) == []


def test_an_agreement_that_does_not_name_it_lets_nothing_go_on(lite: World) -> None:
    lite.refer([referral(0)])
    with pytest.raises(BridgeError, match=r"redisclosure\.allowed"):
        passed(lite, FORM)


def test_what_the_provider_answers_is_read_in_the_first_task(here: World) -> None:
    passed(here, FORM, BACK)
    assert state(first(here)) == ("requested", "received")
    answer(here, "accepted", "accepted")
    assert state(first(here)) == ("accepted", "accepted")
    assert told(here).status == "accepted"
    answer(here, "in-progress", "services-started")
    assert told(here).status == "services-started"
    answer(here, "completed", "discharged")
    assert first(here)["output"][0]["valueReference"] == first(here)["focus"]
    assert told(here).status == "discharged"
    assert validate([first(here)]) == []


def test_a_decline_crosses_with_its_reason_only_where_reasons_may(here: World) -> None:
    passed(here, FORM, BACK)
    answer(here, "rejected", "declined-by-provider")
    task = first(here)
    assert state(task) == ("rejected", "declined-by-provider")
    assert task["statusReason"]["text"] == "The provider gave a reason; it is not passed back"


@pytest.mark.parametrize(
    ("forms", "consent"),
    [((FORM,), "guardian"), ((FORM, BACK), "minor")],
    ids=["no form lets the status back", "a minor is treated alone"],
)
def test_what_the_second_hop_does_not_allow_does_not_cross_back(
    here: World, forms: tuple[SignedRelease, ...], consent: str
) -> None:
    passed(here, *forms)
    before = first(here)
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    answer(here, "accepted", "accepted", extension=care)
    answer(here, "in-progress", "services-started", extension=care)
    assert first(here) == before
    assert told(here).status == "sent"


def test_what_may_be_told_later_is_brought_back_then(here: World) -> None:
    passed(here, FORM)
    answer(here, "accepted", "accepted")
    assert bring_all_back(here.parts, LEA) == 0
    file_release(here.parts, (LEA, COVE), "1000", BACK)
    assert bring_all_back(here.parts, LEA) == 1
    assert bring_all_back(here.parts, LEA) == 0
    assert told(here).status == "accepted"


def test_what_crossed_is_in_the_ledger_of_the_second_hop(here: World) -> None:
    passed(here, FORM, BACK)
    before = here.counts()["ledger_entry"]
    answer(here, "accepted", "accepted")
    # The provider's own search and its answer, and what crossed.
    assert here.counts()["ledger_entry"] > before


def test_the_intermediary_does_not_answer_what_it_passed_on(here: World) -> None:
    passed(here, FORM, BACK)
    (task,) = theirs(here, "harbor-ehr")
    refused = put_task(here.web("harbor-ehr"), task, "accepted")
    assert refused.status_code == 422
    assert "passed this referral on" in refused.text


def test_a_referral_that_was_answered_does_not_go_on(here: World) -> None:
    (task,) = theirs(here, "harbor-ehr")
    assert put_task(here.web("harbor-ehr"), task, "accepted").status_code == 200
    with pytest.raises(BridgeError, match="answered this referral itself"):
        passed(here, FORM)
    assert theirs(here) == []


def test_a_withdrawal_before_the_start_ends_both(here: World) -> None:
    passed(here, FORM, BACK)
    withdraw_referral(here.parts, HOPS.first)
    assert state(first(here)) == ("cancelled", "withdrawn-by-school")
    tasks = {t["code"]["coding"][0]["code"]: t["status"] for t in theirs(here)}
    assert tasks == {"fulfill": "cancelled", "abort": "accepted"}


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        ("accepted", ("cancelled", "withdrawn-by-school")),
        ("rejected", ("in-progress", "services-started")),
    ],
)
def test_a_withdrawal_after_the_start_is_answered_on_both_hops(
    here: World, status: str, ends: tuple[str, str]
) -> None:
    passed(here, FORM, BACK)
    answer(here, "accepted", "accepted")
    answer(here, "in-progress", "services-started")
    withdraw_referral(here.parts, HOPS.first)
    (request,) = here.web("cove-ehr").found("/fhir/Task?code=abort")
    assert put_task(here.web("cove-ehr"), request, status).status_code == 200
    assert state(first(here)) == ends
    (asked,) = here.web("harbor-ehr").found("/fhir/Task?code=abort")
    assert asked["status"] == status


def test_what_was_never_meant_or_is_not_answered_ends_on_both_hops(here: World) -> None:
    passed(here, FORM, BACK)
    answer(here, "accepted", "accepted")
    answer(here, "in-progress", "services-started")
    withdraw_referral(here.parts, HOPS.first)
    cancel_unanswered(here.parts, HOPS.first)
    assert [state(first(here)), {t["status"] for t in theirs(here)}] == [
        ("cancelled", "withdrawn-by-school"),
        {"cancelled", "accepted"},
    ]
    enter_in_error(here.parts, HOPS.first)
    assert first(here)["status"] == "entered-in-error"
    assert "entered-in-error" in {t["status"] for t in theirs(here)}


def test_passing_on_again_brings_what_has_changed_and_doubles_nothing(here: World) -> None:
    passed(here, FORM)
    counts = here.counts()
    pass_on(here.bridge, HOPS)
    assert here.counts()["record"] == counts["record"]
    moved = referral(0, student={"family_name": "Summerfield"})
    here.refer([moved])
    pass_on(here.bridge, HOPS)
    (patient,) = theirs(here, kind="Patient")
    assert patient["name"][0]["family"] == "Summerfield"
    assert here.counts()["record"] == counts["record"]


def test_the_school_and_the_state_count_it_once(here: World) -> None:
    passed(here, FORM, BACK)
    assert told(here).provider == "Harbor Family Centers"
    assert len(release_own_referrals(here.parts, SIS).referrals) == 1
    rows = here.bridge.gate.search(caller("state-hub"), Query("ServiceRequest")).matches
    assert len(rows) == 1


def test_a_session_of_the_provider_is_under_its_own_agreement(here: World) -> None:
    passed(here, FORM, BACK)
    (task,) = theirs(here)
    made = post_session(here.web("cove-ehr"), encounter(task, "S-1"))
    assert made.status_code == 201, made.text
    assert theirs(here, "harbor-ehr", "Encounter") == []


def test_a_mirror_that_does_not_ask_the_second_hop_is_noticed(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant decides by the first hop alone, whose form does let a status back."""
    real = crossing._decided

    def asks_the_first_hop(
        connection: Connection,
        parts: HasParts,
        hops: tuple[CompiledAgreement, CompiledAgreement],
        tasks: tuple[Stored, Stored],
    ) -> Iterator[tuple[Viewer, RecordDecision]]:
        return real(connection, parts, (hops[0], hops[0]), (tasks[0], tasks[0]))

    monkeypatch.setattr(crossing, "_decided", asks_the_first_hop)
    with pytest.raises(AssertionError):
        test_what_the_second_hop_does_not_allow_does_not_cross_back(here, (FORM,), "guardian")
