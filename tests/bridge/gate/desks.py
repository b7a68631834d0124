"""Somebody of a provider, what a search finds of what was sent to it, and what its pages show."""

import orjson

from bridge.gate import Match, Query, Released
from bridge.gate.people.sent_pages import CHOICES, Sent, place_of
from bridge.gate.released import ReleasedResource
from bridge.identity import Caller, Party, Standing
from bridge.journeys.answers.answer_by_hand import clinic_caller
from mappings.fhir.cancellation_task import is_cancellation
from tests.support.worlds import COVE, HARBOR, World


def desk(provider: str = HARBOR) -> Caller:
    """Return somebody of a provider, signed in."""
    standing = Standing(Party.PROVIDER, provider, "", "intake", ("refer",))
    return clinic_caller(Caller("staff:desk-1", standing))


def searched(world: World, who: Caller, choice: str) -> list[ReleasedResource]:
    """Return what was sent to a provider in the order of its list, found by a search."""
    statuses = Match("status", tuple((None, status) for status in CHOICES[choice]))
    found = world.bridge.gate.search(who, Query("Task", matches=(statuses,), limit=1000)).matches
    tasks = [(orjson.loads(each.body), each) for each in found]
    kept = [(place_of(task), task["id"], each) for task, each in tasks if not is_cancellation(task)]
    return [each for *_, each in sorted(kept, key=lambda one: one[:2])]


def page(world: World, who: Caller, wanted: Sent) -> Released:
    """Return a page of what was sent to a provider."""
    return world.bridge.gate.sent_page(who, wanted)


def agree_with_searches(world: World, most: int = 2) -> None:
    """Compare each provider's pages and counts with what a search finds."""
    for who in map(desk, (HARBOR, COVE)):
        for choice in CHOICES:
            wanted, rows = searched(world, who, choice), list[ReleasedResource]()
            while shown := page(world, who, Sent(choice, len(rows), most)).matches:
                rows += shown
            assert rows == wanted
            assert page(world, who, Sent(choice, most=0)).total == len(wanted)
