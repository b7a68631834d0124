"""An intermediary passes a referral on over the API: its own order, and its Task. Made up."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.identity import (
    Party,
    Registration,
    RegistrationRefused,
    Standing,
    read_scopes,
    register_client,
)
from bridge.journeys.families.register_release import file_release
from bridge.journeys.referrals.pass_on import pass_on
from bridge.journeys.referrals.withdraw_referral import withdraw_referral
from bridge.store.database.engine import read, write
from bridge.store.directory import organizations
from tests.bridge.journeys.test_pass_on import (
    BACK,
    HOPS,
    ONWARD,
    answer,
    first,
    here,
    state,
    theirs,
)
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import (
    COVE,
    FHIR,
    HARBOR,
    LEA,
    Json,
    Web,
    World,
    client_key,
    make_world,
    put_task,
    referral,
)

__all__ = ["here"]
NOBODY = "00000000-0000-8000-8000-000000000000"
CODE = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
KINDS = ("ServiceRequest", "Task", "Patient", "RelatedPerson", "Observation", "Provenance")


def organization(world: World, key: str) -> Json:
    with read(world.bridge.engine) as connection:
        return {"reference": f"Organization/{organizations(connection)[key].id}"}


def order(world: World, to: str = COVE, **more: object) -> Json:
    """Return the order as the guide's example of a sub-referral has it."""
    based_on = {"reference": f"ServiceRequest/{world.id_of('ServiceRequest', 'R-0')}"}
    made = {"resourceType": "ServiceRequest", "status": "active", "intent": "filler-order"}
    subject = world.stored("ServiceRequest", world.id_of("ServiceRequest", "R-0"))["subject"]
    asked = {"basedOn": [based_on], "subject": subject, "performer": [organization(world, to)]}
    return {**made, **asked, **more}


def task(world: World, focus: str, **more: object) -> Json:
    """Return the order's Task as the guide's example of a subtask has it."""
    part_of = [{"reference": f"Task/{world.id_of('Task', 'R-0')}"}]
    made = {"resourceType": "Task", "status": "requested", "intent": "order", "code": CODE}
    return {
        **made,
        "partOf": part_of,
        "focus": {"reference": focus},
        "for": first(world)["for"],
        "owner": organization(world, COVE),
        **more,
    }


def post(world: World, sent: Json, client: str = "harbor-onward") -> httpx.Response:
    return web_of(world, client).send("POST", f"/fhir/{sent['resourceType']}", json=sent)


def web_of(world: World, client: str = "harbor-onward", scope: str = "system/*.cruds") -> Web:
    """Return the web as a party's client sees it that may create whatever there is."""
    if client.endswith("-onward"):
        every, party = read_scopes("system/*.cruds"), client.removesuffix("-onward")
        standing = Standing(Party.PROVIDER, party, "", "intake", ("refer",), every)
        with write(world.bridge.engine) as connection, suppress(RegistrationRefused):
            registered = Registration(client, standing, client_key().public_jwks())
            register_client(connection, registered, world.clock)
    return world.web(client, scope)


def signed(world: World) -> World:
    for form in (FORM, BACK):
        file_release(world.parts, (LEA, COVE), "1000", form)
    return world


def bundle(world: World) -> Json:
    name = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        {"resource": task(world, name), "request": {"method": "POST", "url": "Task"}},
        {
            "fullUrl": name,
            "resource": order(world),
            "request": {"method": "POST", "url": "ServiceRequest"},
        },
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_an_order_and_then_its_task_pass_a_referral_on(here: World) -> None:
    signed(here)
    made = post(here, order(here))
    assert made.status_code == 201, made.text
    own = made.json()
    assert made.headers["location"].startswith(f"{FHIR}/ServiceRequest/{own['id']}/")
    assert (own["intent"], own["basedOn"]) == ("filler-order", order(here)["basedOn"])
    assert own["requester"] == organization(here, HARBOR)
    (found,), (asked,) = theirs(here, kind="ServiceRequest"), theirs(here)
    assert found["id"] == own["id"]

    sent = post(here, task(here, f"ServiceRequest/{own['id']}"))
    assert sent.status_code == 200, sent.text
    assert sent.json()["id"] == asked["id"]
    assert sent.json()["partOf"] == [{"reference": f"Task/{here.id_of('Task', 'R-0')}"}]


def test_a_transaction_of_both_does_it_at_once(here: World) -> None:
    signed(here)
    answered = web_of(here).send("POST", "/fhir", json=bundle(here))
    assert answered.status_code == 200, answered.text
    task_of, order_of = (each["resource"] for each in answered.json()["entry"])
    assert [each["response"]["status"] for each in answered.json()["entry"]] == ["200", "201"]
    assert task_of["focus"]["reference"] == f"ServiceRequest/{order_of['id']}"
    assert [each["id"] for each in theirs(here)] == [task_of["id"]]


def test_what_goes_on_is_what_passing_on_by_command_takes_on(
    here: World, tmp_path: Path, sqlite_url: str
) -> None:
    signed(here)
    assert post(here, order(here)).status_code == 201
    other = make_world(f"{sqlite_url}-other", tmp_path / "other", edit=ONWARD)
    other.refer([referral(0)])
    signed(other)
    pass_on(other.bridge, HOPS)
    for kind in KINDS:
        assert theirs(here, kind=kind) == theirs(other, kind=kind), kind
    other.bridge.engine.dispose()


def test_changes_are_told_both_ways(here: World) -> None:
    signed(here)
    own = post(here, order(here)).json()
    answer(here, "accepted", "accepted")
    assert state(first(here)) == ("accepted", "accepted")
    again = post(here, task(here, f"ServiceRequest/{own['id']}"))
    assert (again.status_code, again.json()["status"]) == (200, "requested")
    withdraw_referral(here.parts, HOPS.first)
    assert state(first(here)) == ("cancelled", "withdrawn-by-school")
    assert {"cancelled"} <= {each["status"] for each in theirs(here)}


def test_the_provider_finds_what_its_own_forms_let_it_find(here: World) -> None:
    made = post(here, order(here))
    assert made.status_code == 201
    assert theirs(here, kind="ServiceRequest") == theirs(here) == theirs(here, kind="Patient") == []
    signed(here)
    assert len(theirs(here)) == 1


def test_what_was_passed_on_goes_no_further(here: World) -> None:
    signed(here)
    assert post(here, order(here)).status_code == 201
    before = here.counts()["record"]
    (found,) = theirs(here, kind="ServiceRequest")
    based_on = [{"reference": f"ServiceRequest/{found['id']}"}]
    for to in (HARBOR, COVE):
        sent = order(here, to, basedOn=based_on, subject=found["subject"])
        refused = post(here, sent, "cove-onward")
        assert refused.status_code == 422, refused.text
    assert here.counts()["record"] == before


def test_sending_it_again_doubles_nothing(here: World) -> None:
    signed(here)
    once, kept = post(here, order(here)), here.counts()["record"]
    again = post(here, order(here))
    assert (once.status_code, again.status_code) == (201, 200)
    assert (once.content, once.headers["etag"]) == (again.content, again.headers["etag"])
    assert here.counts()["record"] == kept


def test_where_the_agreement_does_not_let_a_party_pass_on_nothing_goes_on(lite: World) -> None:
    lite.refer([referral(0)])
    kept = lite.counts()["record"]
    refused = post(lite, order(lite))
    assert refused.status_code == 422
    assert "redisclosure.allowed" in refused.text
    assert lite.counts()["record"] == kept


Change = Callable[[World], Json]
WRONG: dict[str, tuple[Change, str]] = {
    "a plain order": (lambda w: order(w, intent="order"), "ServiceRequest.intent"),
    "a draft": (lambda w: order(w, status="draft"), "ServiceRequest.status"),
    "for nobody": (lambda w: order(w, performer=[]), "ServiceRequest.performer"),
    "for two": (
        lambda w: order(w, performer=[organization(w, COVE), organization(w, HARBOR)]),
        "ServiceRequest.performer",
    ),
    "with words of its own": (
        lambda w: order(w, note=[{"text": "Please hurry"}]),
        "ServiceRequest.note",
    ),
    "of another kind": (
        lambda w: order(w, code={"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}),
        "ServiceRequest.code",
    ),
    "about another student": (
        lambda w: order(w, subject={"reference": f"Patient/{NOBODY}"}),
        "ServiceRequest.subject",
    ),
    "based on nothing it has": (
        lambda w: order(w, basedOn=[{"reference": f"ServiceRequest/{NOBODY}"}]),
        "ServiceRequest.basedOn",
    ),
    "to nobody here": (
        lambda w: order(w, performer=[{"reference": f"Organization/{NOBODY}"}]),
        "ServiceRequest.performer",
    ),
    "back to itself": (lambda w: order(w, HARBOR), "ServiceRequest.basedOn"),
    "a Task without its order": (lambda w: task(w, f"ServiceRequest/{NOBODY}"), "Task.focus"),
    "a Task of the school's order": (
        lambda w: task(w, order(w)["basedOn"][0]["reference"]),
        "Task.focus",
    ),
    "a Task that is part of nothing": (lambda w: task(w, f"Task/{NOBODY}", partOf=[]), "Task"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_order_that_goes_on_is_refused_and_told_where(shared: World, name: str) -> None:
    change, place = WRONG[name]
    kept = shared.counts()["record"]
    refused = post(shared, change(shared))
    assert refused.status_code == 422, refused.text
    expressions = [e for i in refused.json()["issue"] for e in i.get("expression", ())]
    assert any(each.startswith(place) for each in expressions), expressions
    assert shared.counts()["record"] == kept


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - a generator
    folder = tmp_path_factory.mktemp("orders")
    made = make_world(f"sqlite:///{folder / 'bridge.db'}", folder, edit=ONWARD)
    made.refer([referral(0)])
    made.refer([referral(1)], provider=COVE)
    yield signed(made)
    made.bridge.engine.dispose()


def test_a_referral_of_another_party_is_answered_like_none(shared: World) -> None:
    told = []
    theirs_alone = shared.id_of("ServiceRequest", "R-1", COVE)
    for record_id in (theirs_alone, NOBODY):
        based_on = [{"reference": f"ServiceRequest/{record_id}"}]
        told.append(post(shared, order(shared, basedOn=based_on)))
    assert [each.status_code for each in told] == [422, 422]
    assert told[0].json() == told[1].json()


@pytest.mark.parametrize(
    ("client", "scope"),
    [
        ("millbrook-sis", "system/*.cruds"),
        ("state-hub", "system/*.cruds"),
        ("harbor-ehr", "system/*.cruds"),
        ("harbor-onward", "system/*.rs"),
        ("harbor-onward", "system/Task.cruds"),
    ],
)
def test_who_may_create_no_order_is_refused(shared: World, client: str, scope: str) -> None:
    web = web_of(shared, client, scope)
    assert web.send("POST", "/fhir/ServiceRequest", json=order(shared)).status_code == 403


def test_a_referral_that_was_answered_does_not_go_on(here: World) -> None:
    (own,) = theirs(here, "harbor-ehr")
    assert put_task(web_of(here), own, "accepted").status_code == 200
    refused = post(here, order(here))
    assert refused.status_code == 422
    assert "answered this referral itself" in refused.text
    assert theirs(here) == []
