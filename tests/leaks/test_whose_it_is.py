"""Whose a record is and how sensitive: by what the bridge knows, not by what a record says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement
from bridge.store.database.engine import write
from bridge.store.search.index import PARAMETERS
from consent.minimise import load_projection
from consent.mou import shipped_document
from tests.leaks.callers import Opened, open_world
from tests.leaks.viewpoints import answer, read_task, send, session
from tests.support.worlds import (
    ACT_CODE,
    NOW,
    TOKEN_URL,
    Json,
    Web,
    client_key,
    encounter,
    post_session,
    referral,
)

ABSENT = "00000000-0000-8000-8000-000000000000"
NEIGHBOUR = "birchfield"


def made(folder: Path) -> Opened:
    """Make two accepted referrals of two children to one provider."""
    opened = open_world(folder)
    send(opened, 1, referral(1), referral(2))
    for number in (1, 2):
        answer(opened, 2 + number, number, "accepted", consent="guardian")
    opened.at(NOW)
    return opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Opened]:
    """A world of each test's own."""
    opened = made(tmp_path / "world")
    yield opened
    opened.world.bridge.engine.dispose()


def found(web: Web, query: str) -> int:
    answered = web.get(f"/fhir/Encounter?{query}&_total=accurate").json()
    return int(answered["total"])


def naming(first: Json, second: Json) -> dict[str, Json]:
    """Return sessions of the first child that name the second one, each somewhere else."""
    child, request = second["for"], second["focus"]
    booked = {
        "resourceType": "Appointment",
        "identifier": [{"system": "https://harbor.example/visits", "value": "v-1"}],
        "status": "booked",
        "serviceType": encounter(first, "x")["type"],
        "meta": encounter(first, "x")["meta"],
        "start": "2026-10-20T14:00:00Z",
        "end": "2026-10-20T14:45:00Z",
        "participant": [{"actor": each, "status": "accepted"} for each in (first["for"], child)],
        "basedOn": [first["focus"]],
    }
    extension = [{"url": "https://x.example", "valueReference": child}]
    return {
        "a second referral": encounter(first, "w-1", basedOn=[first["focus"], request]),
        "a reason": encounter(first, "w-2", reasonReference=[request]),
        "an extension": encounter(first, "w-3", extension=extension),
        "a visit together": booked,
        "a visit of the other": {**booked, "participant": booked["participant"][1:]},
        "a visit for both": {**booked, "basedOn": [first["focus"], request]},
    }


def test_only_its_subject_makes_a_session_a_childs(world: Opened) -> None:
    """A session of the first child names the second one wherever it can."""
    first, second = (read_task(world, "harbor intake", number) for number in (1, 2))
    for way, made in naming(first, second).items():
        assert post_session(world.web("harbor intake"), made).status_code == 422, way
    for caller in ("harbor intake", "coordinator", "administrator"):
        for kind in ("Encounter", "Appointment"):
            for name, link in (("patient", second["for"]), ("based-on", second["focus"])):
                query = f"/fhir/{kind}?{name}={link['reference']}&_total=accurate"
                assert world.web(caller).get(query).json()["total"] == 0, (caller, query)
    rows = world.web("coordinator").get("/school/follow-up").json()["referrals"]
    assert [row["status"] for row in rows] == ["accepted", "accepted"]


def test_a_session_does_not_come_to_name_another_child_later(world: Opened) -> None:
    first, second = (read_task(world, "harbor intake", number) for number in (1, 2))
    web, ways = world.web("harbor intake"), naming(first, second)
    together = ways["a visit together"]
    alone = {**together, "participant": together["participant"][:1]}
    for before, after in (
        (encounter(first, "w-1"), ways["a second referral"]),
        (encounter(first, "w-3"), ways["an extension"]),
        (alone, together),
    ):
        kept = post_session(web, before).json()
        place = f"/fhir/{kept['resourceType']}/{kept['id']}"
        tag = {"If-Match": f'W/"{kept["meta"]["versionId"]}"'}
        refused = web.send("PUT", place, json={**after, "id": kept["id"]}, headers=tag)
        assert refused.status_code == 422, refused.text
        assert web.get(place).json() == kept


@pytest.mark.parametrize("modality", ["group", "family"])
def test_a_session_of_several_people_is_not_told_on_the_consent_of_one(
    world: Opened, modality: str
) -> None:
    before = world.web("coordinator").get("/school/follow-up").content
    session(world, 121, 1, "with-others", modality=modality)

    assert world.web("coordinator").get("/school/follow-up").content == before
    assert found(world.web("coordinator"), "status=finished") == 0
    assert found(world.web("harbor intake"), "status=finished") == 1


@pytest.mark.parametrize("code", ["NOSUCHLABEL", "", "mh", "PSY-", "U+0041"])
def test_a_label_nobody_knows_counts_as_the_most_sensitive(world: Opened, code: str) -> None:
    school = world.web("coordinator")
    before = school.get("/school/follow-up").content
    made = encounter(read_task(world, "harbor intake", 1), "odd-1")
    made["meta"] = {"security": [{"system": ACT_CODE, "code": code}]}
    sent = post_session(world.web("harbor intake"), made)

    assert sent.status_code in {201, 400, 422}
    assert school.get("/school/follow-up").content == before
    assert found(school, "status=finished") == 0
    session(world, 121, 1, "plain-1")  # and a plain one is told
    assert school.get("/school/follow-up").content != before


VIEWS = ("to-provider", "to-school", "to-hub")


def test_an_attachment_goes_nowhere_and_has_no_address_of_its_own(world: Opened) -> None:
    """Signed forms and files stay here: nothing lets one leave, and no path leads to one."""
    for path in ("Binary", f"Binary/{ABSENT}", "Media", f"DocumentReference/{ABSENT}/$binary"):
        assert world.web("harbor intake").get(f"/fhir/{path}").status_code in {404, 405}
    rules = [
        rule
        for view in VIEWS
        for resource in load_projection(view).resources.values()
        for rule in resource.rules
    ]
    names = {segment.name for rule in rules for segment in rule.segments}
    assert "attachment" not in {name.lower() for name in names}
    assert not names & {"sourceAttachment", "presentedForm", "photo", "content", "data"}
    assert len(names) > 20


def neighbour(world: Opened) -> Web:
    """Return the web as the system of another district with an agreement of its own."""
    asked = AgreementDocuments(
        shipped_document("ct-style-smh-template"),
        shipped_document("birchfield-schoolhouse-2026"),
        "US-CT",
        NEIGHBOUR,
        "schoolhouse",
        None,
    )
    activate_agreement(world.world.parts, asked)
    purposes = ("follow", "attend", "refer")
    scopes = read_scopes("system/*.cruds")
    standing = Standing(Party.LEA, NEIGHBOUR, "", "referral_coordinator", purposes, scopes)
    bridge = world.world.bridge
    with write(bridge.engine) as connection:
        registered = Registration("neighbour", standing, client_key().public_jwks())
        register_client(connection, registered, bridge.clock)
    signed = client_key().assertion("neighbour", TOKEN_URL, bridge.clock.real_now())
    return Web(world.world.app, world.world.ask_token(signed).json()["access_token"])


def test_another_district_gets_nothing_of_this_one_whatever_it_says(world: Opened) -> None:
    session(world, 121, 1, "own-1")
    web, of = neighbour(world), world.world.id_of
    claims = {"X-District": "millbrook", "X-Organization": "millbrook"}
    assert len(world.web("coordinator").get("/school/follow-up").json()["referrals"]) == 2
    for kind in ("Task", "ServiceRequest"):
        for number in ("R-1", "R-2"):
            real = web.get(f"/fhir/{kind}/{of(kind, number)}", headers=claims)
            none = web.get(f"/fhir/{kind}/{ABSENT}", headers=claims)
            assert (real.status_code, real.content) == (404, none.content)
    for kind in PARAMETERS:
        if kind not in ("Organization", "Location", "HealthcareService"):  # the public directory
            told = web.get(f"/fhir/{kind}?_total=accurate", headers=claims).json()
            assert told.get("total", 0) == 0, kind
    asked = web.get("/school/follow-up?district=millbrook", headers=claims)
    assert asked.json()["referrals"] == []
