"""Questions whose answers would tell what is withheld: searches, ids, dates, page links."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bridge.app import create_app
from bridge.journeys.families.recall_releases import send_recalls
from bridge.store.search.index import PARAMETERS, TARGETS, Parameter, ParameterKind, searchable
from consent.minimise import load_projection
from consent.projections import ENVELOPE, Rule
from consent.selectors import parse_selector
from tests.leaks.broken_gates import KeepsOldVersionsWhole
from tests.leaks.callers import Opened, open_world
from tests.leaks.viewpoints import (
    Variant,
    answer,
    for_hub,
    read_task,
    revoke,
    send,
    session,
)
from tests.support.worlds import NOW, Web, referral

FORGERIES = 10_000


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A world with coded rows for the hub."""
    opened = open_world(tmp_path_factory.mktemp("oracles") / "hub")
    for_hub(opened, Variant.FULL)
    opened.at(NOW)
    yield opened
    opened.world.bridge.engine.dispose()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A world with four referrals a provider may read."""
    opened = open_world(tmp_path_factory.mktemp("oracles") / "provider")
    for number in (1, 2, 3, 4):
        send(opened, number, referral(number))
    opened.at(NOW)
    yield opened
    opened.world.bridge.engine.dispose()


def always(view: str, kind: str) -> list[Rule]:
    """Return the rules of what leaves whenever a resource of a type leaves in a view."""
    found = load_projection(view).resources.get(kind)
    if found is None:
        return []
    anchors = {anchor.element for anchor in found.anchors}
    sure = {ENVELOPE} | (anchors if len(anchors) == 1 else set())
    return [rule for rule in found.rules if rule.element in sure]


def is_shown(path: str, rules: list[Rule]) -> bool:
    """Whether all that stands at a parameter's path is named by rules, with no more conditions."""
    first = re.fullmatch(r"([A-Za-z]+)(?:\(([^)]*)\))?.*", path)
    assert first is not None
    wanted = parse_selector(first[2]) if first[2] else None
    return any(
        rule.segments[0].name == first[1]
        and rule.segments[0].selector in (None, wanted)
        and all(segment.selector is None for segment in rule.segments[1:])
        and not rule.day
        for rule in rules
    )


def hidden_parameters(view: str, kind: str, names: set[str]) -> set[str]:
    """Return which parameters look at what a view may withhold."""
    offered, rules = [p for p in PARAMETERS[kind] if p.name in names], always(view, kind)
    return {
        p.name
        for p in offered
        if TARGETS.get(p.name) != LINKED_SAFELY.get((kind, p.name), ())
        and not all(is_shown(path, rules) for path in p.each_path)
    }


def test_what_a_provenance_speaks_of_besides_cannot_be_asked_for(provider: Opened) -> None:
    told = provider.web("harbor intake").found("/fhir/Provenance")
    assert told
    others = {t["reference"] for each in told for t in each["target"]}
    for link in (*others, "Observation/x", "Consent/x", "https://elsewhere.example/Task/1"):
        asked_for = asked(provider, "harbor intake", f"/fhir/Provenance?target={link}")
        safe = link.partition("/")[0] in LINKED_SAFELY["Provenance", "target"]
        assert asked_for.status_code == (200 if safe else 400), link


# Governed by what it refers to: a search may name those types alone that always leave where their
# Provenance does, since the Task, which goes by the same element, names them.
LINKED_SAFELY = {("Provenance", "target"): ("ServiceRequest", "Task", "Patient")}
VIEWS = {"provider": "to-provider", "lea": "to-school", "hub": "to-hub"}
KNOWN = [(p, kind) for p, view in VIEWS.items() for kind in PARAMETERS if always(view, kind)]


@pytest.mark.parametrize(("party", "kind"), KNOWN)
def test_every_search_parameter_looks_at_what_always_leaves(party: str, kind: str) -> None:
    offered = {p.name for p in searchable(party, kind)}

    assert hidden_parameters(VIEWS[party], kind, offered) == set()


def test_a_parameter_on_what_may_be_withheld_is_noticed() -> None:
    everything = {p.name for p in PARAMETERS["Encounter"]}

    assert hidden_parameters("to-school", "Encounter", everything) == {
        *("identifier", "class", "type", "date", "location", "discharge-disposition"),
    }
    assert hidden_parameters("to-hub", "Encounter", everything) == {
        *("identifier", "date", "location", "discharge-disposition"),
    }
    assert hidden_parameters("to-school", "Task", {"status", "business-status", "output"}) == {
        *("business-status", "output"),
    }
    whole = Parameter("identifier", ParameterKind.TOKEN, "identifier")
    assert not is_shown(whole.paths, always("to-provider", "Patient"))
    assert len(KNOWN) > 15


def asked(opened: Opened, caller: str, path: str) -> httpx.Response:
    return opened.web(caller).get(path)


def test_a_hub_cannot_ask_which_row_is_whose(hub: Opened) -> None:
    request = hub.world.id_of("ServiceRequest", "R-1")
    patient = hub.world.id_of("Patient", "1001")
    assert asked(hub, "hub loader", "/fhir/ServiceRequest").json()["total"] == 3
    for query in (
        "identifier=R-1",
        f"patient={patient}",
        "category=409063005",
        f"_id={request}",
        "_lastUpdated=gt2026-10-15T13:00:00Z",
        "_sort=_lastUpdated",
        "_sort=authored",
        "_sort=authored,_id",
    ):
        answer = asked(hub, "hub loader", f"/fhir/ServiceRequest?{query}")
        assert answer.status_code == 400, query
    for query in ("identifier=key-1", f"based-on={request}", f"patient={patient}"):
        assert asked(hub, "hub loader", f"/fhir/Encounter?{query}").status_code == 400, query


def test_a_school_cannot_ask_for_the_kind_of_a_session(provider: Opened) -> None:
    for query in ("type=18512000", "class=FLD", "identifier=s1"):
        assert asked(provider, "coordinator", f"/fhir/Encounter?{query}").status_code == 400


def test_a_hub_gets_the_same_answer_for_a_real_id_and_for_none(hub: Opened) -> None:
    real = hub.world.id_of("ServiceRequest", "R-1")
    answers = [
        asked(hub, "hub loader", f"/fhir/ServiceRequest/{record_id}")
        for record_id in (real, "0" * 36)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def exported(opened: Opened, caller: str, since: str) -> int:
    web = opened.web(caller)
    query = f"/fhir/$export?_type=ServiceRequest&_since={since}"
    kicked = web.get(query, headers={"Prefer": "respond-async"})
    files = web.get(kicked.headers["content-location"]).json()["output"]
    return sum(len(web.get(file["url"]).content.splitlines()) for file in files)


def test_a_hub_learns_the_day_of_a_change_and_no_hour(hub: Opened, provider: Opened) -> None:
    early, late = "2026-10-15T00:00:00Z", "2026-10-15T13:59:00Z"

    assert exported(hub, "hub loader", early) == exported(hub, "hub loader", late) == 3
    assert exported(hub, "hub loader", "2026-10-16T00:00:00Z") == 0
    # For a provider, which sees the instant in each record, the hour counts.
    assert exported(provider, "harbor intake", early) == 4
    assert exported(provider, "harbor intake", late) == 0


def next_page(opened: Opened, caller: str, query: str = "_count=1") -> str:
    bundle = asked(opened, caller, f"/fhir/Task?{query}").json()
    (url,) = (link["url"] for link in bundle["link"] if link["relation"] == "next")
    return str(url)


def test_a_page_link_tells_nothing_and_opens_for_its_own_search_and_client_alone(
    provider: Opened,
) -> None:
    first, again = next_page(provider, "harbor intake"), next_page(provider, "harbor intake")
    position = first.partition("_page=")[2]

    assert first != again
    assert len(first) == len(again)
    assert asked(provider, "harbor intake", first).status_code == 200
    assert asked(provider, "harbor billing", first).status_code == 400
    for path in (f"/fhir/Task?_count=2&_page={position}", f"/fhir/Patient?_page={position}"):
        assert asked(provider, "harbor intake", path).status_code == 400


def test_a_page_asked_for_after_a_revocation_is_decided_again(tmp_path: Path) -> None:
    opened = open_world(tmp_path / "world")
    for number in (1, 2, 3):
        send(opened, number, referral(number))
    opened.at(NOW)
    second = next_page(opened, "harbor intake")
    revoke(opened, 119, 2)
    opened.at(NOW)
    entry, _ = asked(opened, "harbor intake", second).json()["entry"]  # and the notices

    assert entry["resource"]["id"] == opened.world.id_of("Task", "R-3")


def test_no_forged_page_link_is_accepted(provider: Opened) -> None:
    names = provider.world.bridge.identifiers
    bound = ("harbor-intake-client", "Task", "_count=1")
    real = names.hide(7, *bound)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def forged() -> str:
        place, letter = secrets.randbelow(len(real)), secrets.choice(letters)
        return real[:place] + letter + real[place + 1 :]

    tried = {made for _ in range(FORGERIES) if (made := forged()) != real}
    tried |= {secrets.token_urlsafe(36) for _ in range(1000)} | {"", "7", "é", real[:-1], real * 2}

    assert names.reveal(real, *bound) == 7
    assert [made for made in tried if names.reveal(made, *bound) is not None] == []


def test_a_change_of_a_withheld_element_moves_no_date(tmp_path: Path) -> None:
    opened = open_world(tmp_path / "world")
    send(opened, 1, referral(1))
    path = f"/fhir/Patient/{opened.world.id_of('Patient', '1001')}"
    before = asked(opened, "harbor intake", path)
    opened.at(NOW + timedelta(hours=1))
    opened.world.refer([referral(1, student={"address_line": "1 Elm Row"})])
    after = asked(opened, "harbor intake", path)

    assert "Elm" in json.dumps(opened.world.stored("Patient", path.rpartition("/")[2]))
    assert after.headers["etag"] == before.headers["etag"]
    assert after.headers["last-modified"] == before.headers["last-modified"]


def test_old_versions_shown_whole_are_noticed(tmp_path: Path) -> None:
    opened = open_world(tmp_path / "world")
    send(opened, 1, referral(1))
    for n in range(2):
        opened.at(NOW + timedelta(minutes=n))
        opened.world.refer([referral(1, student={"address_line": f"{n} Elm Row"})])
    path = f"/fhir/Patient/{opened.world.id_of('Patient', '1001')}/_history"
    bridge = opened.world.bridge
    broken = KeepsOldVersionsWhole(bridge.engine, bridge.clock, bridge.identifiers)
    app = create_app(replace(bridge, gate=broken))
    sound = asked(opened, "harbor intake", path)
    whole = Web(app, opened.tokens["harbor intake"]).get(path)

    assert (sound.json()["total"], whole.json()["total"]) == (1, 3)
    assert "Elm" not in sound.text
    assert "0 Elm Row" in whole.text


def recalled(folder: Path, looks: int) -> bytes:
    """Return a provider's recall notices after a school looked so often at its follow-up."""
    opened = open_world(folder)
    send(opened, 1, referral(1), referral(2))
    answer(opened, 2, 1, "accepted", consent="guardian")
    for _ in range(looks):
        assert b'"accepted"' in asked(opened, "counselor", "/school/follow-up").content
    read_task(opened, "harbor intake", 2)
    revoke(opened, 3, 2)
    assert send_recalls(opened.world.parts) == 1
    return asked(opened, "harbor billing", "/fhir/Task/$recalls").content


def test_a_recall_notice_tells_nothing_of_what_went_to_others(tmp_path: Path) -> None:
    assert recalled(tmp_path / "one", looks=1) == recalled(tmp_path / "many", looks=9)


def test_a_part_2_session_changes_nothing_for_the_school(tmp_path: Path) -> None:

    opened = open_world(tmp_path / "world")
    send(opened, 1, referral(1))
    answer(opened, 2, 1, "accepted", consent="guardian")
    before = asked(opened, "counselor", "/school/follow-up").content
    for n, label in enumerate(("SUD", "42CFRPart2", "ETH", "OPIOIDUD", "R")):
        session(opened, 3 + n, 1, f"p2-{label}", label=label)

    assert b'"accepted"' in before
    assert asked(opened, "counselor", "/school/follow-up").content == before
    session(opened, 9, 1, "plain", label="MH")
    assert b'"services-started"' in asked(opened, "counselor", "/school/follow-up").content
