"""Whose a record is and how sensitive: by what the bridge knows, not by what a record says."""

from collections.abc import Iterator

import pytest

from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.journeys.set_up import AgreementDocuments, activate_agreement
from bridge.store.engine import write
from bridge.store.index import PARAMETERS
from consent.minimise import load_projection
from consent.mou import shipped_document
from tests.leaks.callers import Opened, open_world
from tests.leaks.viewpoints import answer, read_task, send, session
from tests.support.worlds import (
    ACT_CODE,
    NOW,
    TOKEN_URL,
    Web,
    client_key,
    encounter,
    post_session,
    referral,
)

ABSENT = "00000000-0000-8000-8000-000000000000"
NEIGHBOUR = "birchfield"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Two accepted referrals of two children to one provider."""
    opened = open_world(tmp_path_factory.mktemp("whose") / "world")
    send(opened, 1, referral(1), referral(2))
    for number in (1, 2):
        answer(opened, 2 + number, number, "accepted", consent="guardian")
    opened.at(NOW)
    yield opened
    opened.world.bridge.engine.dispose()


def found(web: Web, query: str) -> int:
    answered = web.get(f"/fhir/Encounter?{query}&_total=accurate").json()
    return int(answered["total"])


def test_only_its_subject_makes_a_session_a_childs(world: Opened) -> None:
    """A session of the first child names the second one wherever it can."""
    first, second = (read_task(world, "harbor intake", number) for number in (1, 2))
    other = second["for"]["reference"]
    more = {
        "participant": [{"individual": second["for"] | {"display": "Child2 Winterbourne"}}],
        "reasonReference": [second["focus"]],
    }
    sent = post_session(world.web("harbor intake"), encounter(first, "wrong-1", **more))

    for web in (world.web("harbor intake"), world.web("coordinator")):
        assert found(web, f"patient={other}") == 0
    told = world.web("coordinator").get("/school/follow-up").json()["referrals"]
    statuses = {row["referral"]: row["status"] for row in told}
    assert statuses["R-2"] == "accepted"
    assert (sent.status_code == 201) == (statuses["R-1"] == "services-started")


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
    session(world, 9, 1, "plain-1")  # and a plain one is told
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
    session(world, 9, 1, "own-1")
    web, of = neighbour(world), world.world.id_of
    claims = {"X-District": "millbrook", "X-Organization": "millbrook"}
    for kind in ("Task", "ServiceRequest"):
        for number in ("R-1", "R-2"):
            real = web.get(f"/fhir/{kind}/{of(kind, number)}", headers=claims)
            none = web.get(f"/fhir/{kind}/{ABSENT}", headers=claims)
            assert (real.status_code, real.content) == (404, none.content)
    for kind in PARAMETERS:
        if kind not in ("Organization", "Location", "HealthcareService"):  # the public directory
            assert web.get(f"/fhir/{kind}?_total=accurate").json().get("total", 0) == 0, kind
    assert web.get("/school/follow-up?district=millbrook").json()["referrals"] == []
