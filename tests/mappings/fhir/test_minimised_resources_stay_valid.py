"""What is left of a resource after minimising still meets its profiles, whatever is withheld."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from consent.minimise import minimise
from consent.projections import VIEWS, load_projection
from mappings.canonical import Attendance
from mappings.fhir import referral_resources, session_resources
from tests.support.fhir_records import ATTENDED, BARE, CONTEXT, FULL, SESSION_CONTEXT
from tests.support.profiles import validate

pytestmark = pytest.mark.validator


def resources() -> Iterator[dict[str, Any]]:
    for referral in (BARE, FULL):
        yield from referral_resources(referral, CONTEXT)
    for attendance in Attendance:
        session = replace(ATTENDED, attendance=attendance, ends=None)
        yield from session_resources(session, SESSION_CONTEXT)


def permitted_sets(view: str) -> Iterator[frozenset[str]]:
    """Yield everything, each element alone and everything but each."""
    known = load_projection(view).resources.values()
    named = {rule.element for resource in known for rule in resource.rules}
    named |= {anchor.element for resource in known for anchor in resource.anchors}
    elements = frozenset(name for name in named if not name.startswith("@"))
    yield elements
    for element in sorted(elements):
        yield frozenset({element})
        yield elements - {element}


LEAVING = {
    "to-provider": {
        *("Patient", "RelatedPerson", "ServiceRequest", "Task", "Observation", "Provenance"),
    },
    "to-school": {"Task", "Encounter", "Appointment"},
    "to-hub": {"Encounter", "ServiceRequest"},
}


@pytest.mark.parametrize("view", VIEWS)
def test_minimised_resources_meet_the_profiles_they_claim(view: str) -> None:
    projection = load_projection(view, "America/New_York")
    left: dict[str, dict[str, Any]] = {}
    # Whoever may read a Provenance may read something it is of: a request, or its own session.
    linkable = {f"{each['resourceType']}/{each['id']}" for each in resources()}
    for permitted in permitted_sets(view):
        for resource in resources():
            cut = minimise(resource, permitted, projection, linkable)
            if cut is not None:
                left[repr(cut)] = cut
    assert {cut["resourceType"] for cut in left.values()} == LEAVING[view]
    assert validate(left.values()) == []
