"""Rows of the leak matrix opened again, each by one planted fault: the test that closes it notices.

Every fault is a mistake that could be made. The named test is then called on the bridge that makes
it, and must fail; that it holds on the real one is seen where it stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from fastapi import Request

import bridge.context
from bridge.api import fhir, hot, interactions
from bridge.api.hot import HotLane
from bridge.api.interactions import Interaction
from bridge.api.negotiation import preferences
from bridge.api.replies import Reply
from bridge.api.search import SearchReader
from bridge.app import create_app
from bridge.context import Call, call_of
from bridge.errors import ConflictError
from bridge.gate import Query
from bridge.journeys.answers import record_encounter, record_sessions
from bridge.store.search.index import PARAMETERS
from bridge.store.vault import Match, find
from tests.leaks import test_forged_tokens as forged
from tests.leaks import test_one_door as one_door
from tests.leaks import test_whose_it_is as whose
from tests.leaks.broken_gates import EVERYTHING, CountsFirst
from tests.leaks.callers import Opened
from tests.support.worlds import World

Planting = pytest.MonkeyPatch
guarded = forged.guarded


@contextmanager
def noticed() -> Iterator[None]:
    """Hold where what is called inside notices the fault."""
    with pytest.raises(AssertionError):
        yield


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Opened]:
    """Yield a provider's world with what is its own, what is withheld, and another's."""
    opened = one_door.made(tmp_path / "world")
    yield opened
    opened.world.bridge.engine.dispose()


def served(opened: Opened, app: Any) -> Opened:  # noqa: ANN401 - an application
    """Return a world that another application answers for."""
    return replace(opened, world=replace(opened.world, app=app))


# --- searches -----------------------------------------------------------------------------------


def test_a_total_of_children_nobody_may_know_of_is_noticed(asked: Opened) -> None:
    bridge = asked.world.bridge
    broken = CountsFirst(bridge.engine, bridge.clock, bridge.identifiers)
    counting = served(asked, create_app(replace(bridge, gate=broken)))

    with noticed():
        one_door.test_nobody_finds_out_whether_a_child_is_known_here(counting, "name=Winterbourne")


def test_a_parameter_left_out_because_it_is_unknown_is_noticed(
    asked: Opened, monkeypatch: Planting
) -> None:
    def forgiving(header: str | None) -> Any:  # noqa: ANN401 - preferences
        return replace(preferences(header), lenient=True)

    monkeypatch.setattr(interactions, "preferences", forgiving)
    with noticed():
        one_door.test_a_misspelt_parameter_is_refused_and_never_left_out(asked, "Task")


def test_a_parameter_that_replaces_the_one_before_is_noticed(
    asked: Opened, monkeypatch: Planting
) -> None:
    reading = SearchReader.read

    def last(self: SearchReader, given: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - as the function it stands for
        return reading(self, list(dict(given).items()))

    monkeypatch.setattr(SearchReader, "read", last)
    with noticed():
        one_door.test_a_parameter_given_twice_narrows_and_does_not_replace(asked)


def test_a_search_by_post_with_rules_of_its_own_is_noticed(
    asked: Opened, monkeypatch: Planting
) -> None:
    performing = fhir.perform

    def perform(call: Call, told: Interaction) -> Any:  # noqa: ANN401 - a reply
        by_post = told.headers.get("content-type") == one_door.FORM["Content-Type"]
        prefer = {"prefer": "handling=lenient"} if by_post else {}
        return performing(call, replace(told, headers={**told.headers, **prefer}))

    monkeypatch.setattr(fhir, "perform", perform)
    with noticed():
        one_door.test_a_search_by_post_is_the_search_by_get(asked)


# --- writes -------------------------------------------------------------------------------------


def test_a_conditional_create_that_matches_anybodys_session_is_noticed(
    asked: Opened, monkeypatch: Planting
) -> None:
    recording = record_sessions._recorded

    def matching(connection: Any, of: Any, caller: Any, drafts: Any) -> Any:  # noqa: ANN401 - of the journey
        for n, draft in drafts:
            system, _, value = str(draft.repeat).partition("|")
            same = Query("Encounter", matches=(Match("identifier", ((system, value),)),))
            if find(connection, same, EVERYTHING)[1]:
                refused = ConflictError(412, "There is such a session.")
                raise record_sessions.SessionRefused(n, refused)
        return recording(connection, of, caller, drafts)

    # Both who answers before the routes and the routes themselves come by here.
    monkeypatch.setattr(record_sessions, "_recorded", matching)
    with noticed():
        one_door.test_a_conditional_create_matches_nothing_of_anothers(asked)


# --- whose it is --------------------------------------------------------------------------------


@pytest.fixture
def of_two(tmp_path: Path) -> Iterator[Opened]:
    """Yield two accepted referrals of two children to one provider."""
    opened = whose.made(tmp_path / "world")
    yield opened
    opened.world.bridge.engine.dispose()


def test_an_address_for_attachments_is_noticed(of_two: Opened, monkeypatch: Planting) -> None:
    monkeypatch.setitem(PARAMETERS, "Binary", ())
    # What was asked before is remembered, and what is asked here must not be.
    monkeypatch.setattr(hot, "offered", interactions.offered.__wrapped__)
    with noticed():
        whose.test_an_attachment_goes_nowhere_and_has_no_address_of_its_own(of_two)


def test_a_session_taken_that_names_another_child_is_noticed(
    of_two: Opened, monkeypatch: Planting
) -> None:
    monkeypatch.setattr(record_encounter, "_of_this_student", lambda *_: None)
    with noticed():
        whose.test_only_its_subject_makes_a_session_a_childs(of_two)


def test_a_session_of_several_people_told_on_the_consent_of_one_is_noticed(
    of_two: Opened, monkeypatch: Planting
) -> None:
    monkeypatch.setattr(record_encounter, "speaks_of_others", lambda _: False)
    with noticed():
        whose.test_a_session_of_several_people_is_not_told_on_the_consent_of_one(of_two, "group")


def believing(opened: Opened, *headers: str) -> Opened:
    """Return a world whose bridge takes the organisation from what a caller says of itself."""
    app = create_app(opened.world.bridge)
    # The fault is one of a route: plain reads must come to it as well.
    app.user_middleware = [each for each in app.user_middleware if each.cls is not HotLane]

    def believed(request: Request) -> Call:
        call = call_of(request)
        said = next((request.headers[h] for h in headers if h in request.headers), "")
        if not said:
            return call
        standing = replace(call.caller.standing, organization=said)
        return replace(call, caller=replace(call.caller, standing=standing, proof=None))

    app.dependency_overrides[call_of] = believed
    return served(opened, app)


def test_an_organisation_taken_from_a_header_is_noticed(asked: Opened) -> None:
    with noticed():
        one_door.test_what_a_caller_says_of_itself_changes_nothing(
            believing(asked, "x-organization")
        )


def test_a_district_taken_from_a_header_is_noticed(of_two: Opened) -> None:
    with noticed():
        whose.test_another_district_gets_nothing_of_this_one_whatever_it_says(
            believing(of_two, "x-district")
        )


# --- tokens and answers -------------------------------------------------------------------------


def test_a_token_taken_from_an_address_is_noticed(guarded: World, monkeypatch: Planting) -> None:
    bearing = bridge.context.bearer_of

    def anywhere(request: Request) -> str:
        query: Mapping[str, list[str]] = parse_qs(request.url.query)
        return bearing(request) or query.get("access_token", [""])[0]

    answered = HotLane._answered

    async def taking(
        lane: HotLane, wanted: hot.Wanted, headers: hot.Headers, body: bytes
    ) -> Reply | None:
        given = parse_qs(wanted.query.decode()).get("access_token", [""])[0]
        taken = replace(wanted, bearer=given) if given else wanted
        return await answered(lane, taken, headers, body)

    # Searches by GET are answered before the routes.
    monkeypatch.setattr(bridge.context, "bearer_of", anywhere)
    monkeypatch.setattr(HotLane, "_answered", taking)
    with noticed():
        forged.test_a_good_token_counts_in_the_header_alone(guarded)
