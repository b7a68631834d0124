"""Which interactions each type has: the one table behind routes, capabilities and description."""

from collections.abc import Mapping
from typing import Final

from bridge.store.search.index import PARAMETERS

READING: Final = ("read", "vread", "history-instance", "search-type")
SESSIONS: Final = ("Encounter", "Appointment")
DIRECTORY: Final = ("HealthcareService", "Location", "Practitioner", "PractitionerRole")
"""What a party keeps of its own in the directory, over the API or by command."""
_WRITING: Final[Mapping[str, tuple[str, ...]]] = {
    # A referral comes in through a district's map, never as a bare Task: nothing is defaulted. What
    # is created is a district's request to stop one (bridge.journeys.referrals.request_stop), and
    # an intermediary's order that passes one on (bridge.journeys.referrals.order_onward).
    "ServiceRequest": ("create",),
    "Task": ("create", "update", "patch"),
    **dict.fromkeys((*SESSIONS, *DIRECTORY), ("create", "update", "patch")),
}
ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {"Group": ("read", "search-type")}
"""What types with routes of their own have; what no such route takes, they do not offer."""
CODES_OF_METHODS: Final[Mapping[tuple[str, bool], str]] = {
    ("GET", False): "search-type",
    ("POST", False): "create",
    ("GET", True): "read",
    ("PUT", True): "update",
    ("PATCH", True): "patch",
}
"""The interaction of a method on a type, and on one resource of it."""


def interactions_of(kind: str) -> tuple[str, ...]:
    """Return the FHIR codes of the interactions a type has; none for one that is not served."""
    return (*READING, *_WRITING.get(kind, ())) if kind in PARAMETERS else ()


def offers(kind: str, code: str) -> bool:
    """Return whether a type has an interaction."""
    return code in ELSEWHERE.get(kind, ()) or code in interactions_of(kind)


def methods_of(kind: str, *, one: bool) -> tuple[str, ...]:
    """Return the methods offered on a type, or on one resource of it, for the header Allow."""
    found = tuple(
        method
        for (method, of_one), code in CODES_OF_METHODS.items()
        if of_one is one and offers(kind, code)
    )
    return (*found, "HEAD", "OPTIONS")
