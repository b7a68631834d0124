"""What providers say of their services and whether there is room: the directory, by the gate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from bridge.gate import Gate, Query
from bridge.identity import Caller, read_scopes
from bridge.journeys.referrals.work_list import HasGate
from mappings.fhir.healthcare_service import ACCEPTS, CAPACITY, OLDEST, TRANSIT, WAIT_DAYS, YOUNGEST

_DIRECTORY: Final = read_scopes("system/HealthcareService.rs")
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class OfferedService:
    """One service, as its provider describes it; what it does not say is empty.

    Attributes:
        languages: codes without a region.
        days: days of the week it is open (``mon`` and so on).
        open_until: by day the latest time it closes (``HH:MM:SS``), where it says one.
        youngest, oldest: ages it sees, in years.
        accepts: whom it takes (:data:`mappings.fhir.healthcare_service.PAYMENTS`).
        transit: whether public transport goes there.
    """

    name: str
    capacity: str = ""
    wait_days: int | None = None
    languages: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()
    open_until: Mapping[str, str] | None = None
    youngest: int | None = None
    oldest: int | None = None
    accepts: frozenset[str] = frozenset()
    transit: bool | None = None


def offered_services(whole: HasGate, caller: Caller) -> dict[str, list[OfferedService]]:
    """Return the services that are offered, by the provider's id."""
    standing = replace(caller.standing, scopes=_DIRECTORY)
    gate: Gate = whole.gate
    asking = Caller(caller.client_id, standing)
    found: dict[str, list[OfferedService]] = {}
    for match in gate.search(asking, Query("HealthcareService", limit=_MOST)).matches:
        service = orjson.loads(match.body)
        if service.get("active") and "providedBy" in service:
            owner = str(service["providedBy"]["reference"]).partition("/")[2]
            found.setdefault(owner, []).append(_said(service))
    return found


def _said(service: Mapping[str, Any]) -> OfferedService:
    every = service.get("extension", ())
    said = {each["url"]: each for each in every}
    parts = {each["url"]: each for each in said.get(CAPACITY, {}).get("extension", ())}
    concept = parts.get("capacityStatus", {}).get("valueCodeableConcept", {})
    spoken = {code.partition("-")[0] for each in service.get("communication", ())
              for code in _codes(each)}  # fmt: skip
    numbers = [said.get(url, {}).get("valueUnsignedInt") for url in (WAIT_DAYS, YOUNGEST, OLDEST)]
    until = dict(_hours(service))
    return OfferedService(
        service.get("name", ""),
        next(_codes(concept), ""),
        numbers[0],
        frozenset(spoken),
        frozenset(until),
        {day: time for day, time in until.items() if time},
        numbers[1],
        numbers[2],
        frozenset(each["valueCode"] for each in every if each["url"] == ACCEPTS),
        said.get(TRANSIT, {}).get("valueBoolean"),
    )


def _codes(concept: Mapping[str, Any]) -> Iterator[str]:
    return (each["code"] for each in concept.get("coding", ()) if "code" in each)


def _hours(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each day on which a service is open, and until when, the latest last."""
    times = [
        (day, "24:00:00" if each.get("allDay") else str(each.get("availableEndTime", "")))
        for each in service.get("availableTime", ())
        for day in each.get("daysOfWeek", ())
    ]
    yield from sorted(times)
