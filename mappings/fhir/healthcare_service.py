"""A service a provider offers, and whether it has room (SDOHCC 3.0.0 Healthcare Service).

The guide's extension says capacity, no capacity, a waiting list, or that an assessment is needed
first (requirement cap-1); how many days the wait is, the ages that are seen, which insurance is
accepted and whether public transport goes there, it has no element for, so ours stand beside.
Languages and hours are FHIR's own (communication, availableTime).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mappings.fhir.elements import Json, meta, reference
from mappings.fhir.issues import Issue

SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare"
PROFILE: Final = f"{SDOHCC}/StructureDefinition/SDOHCC-HealthcareService"
CAPACITY: Final = f"{SDOHCC}/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
_OURS: Final = "https://schoolbridge.example/fhir/StructureDefinition"
WAIT_DAYS: Final = f"{_OURS}/wait-days"
YOUNGEST: Final = f"{_OURS}/youngest-age"
OLDEST: Final = f"{_OURS}/oldest-age"
ACCEPTS: Final = f"{_OURS}/accepts"
TRANSIT: Final = f"{_OURS}/public-transport"
CODES: Final = f"{SDOHCC}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
STATUSES: Final = {
    "capacity": "Has Capacity",
    "no-capacity": "No Capacity",
    "waitlist": "No Capacity - Has Waitlist",
    "additional-assessment-required": "Additional Assessment Required",
}
PAYMENTS: Final = ("medicaid", "private-insurance", "no-insurance")
MOST_DAYS: Final = 3650
MOST_AGE: Final = 130
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ACCEPTED: Final = f"who is accepted is one of: {', '.join(PAYMENTS)}"
_LANGUAGES: Final = "urn:ietf:bcp:47"
# Our numbers: the largest, and what is said where one is none.
_NUMBERS: Final[Mapping[str, tuple[int, str]]] = {
    WAIT_DAYS: (MOST_DAYS, f"the wait is 0 to {MOST_DAYS} days"),
    YOUNGEST: (MOST_AGE, f"an age is 0 to {MOST_AGE} years"),
    OLDEST: (MOST_AGE, f"an age is 0 to {MOST_AGE} years"),
}


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a provider describes it.

    Attributes:
        capacity: one of :data:`STATUSES`; "" where the provider says nothing of it.
        wait_days: days until a first appointment, where it says so.
        languages: BCP 47 codes of the languages it is given in; none where it does not say.
        days: days of the week it is open, of :data:`WEEK`.
        ages: the youngest and the oldest it sees, in years; None where it does not say.
        accepts: of :data:`PAYMENTS`, whom it takes; none where it does not say.
        transit: whether public transport goes there; None where it does not say.
    """

    name: str
    capacity: str = ""
    wait_days: int | None = None
    active: bool = True
    languages: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    ages: tuple[int | None, int | None] = (None, None)
    accepts: tuple[str, ...] = ()
    transit: bool | None = None


def build(
    service: Service, service_id: str, identifier: tuple[str, str], organization_id: str
) -> Json:
    """Build the HealthcareService.

    Args:
        service: what the provider says of it.
        service_id: its id.
        identifier: system and value in the provider's own system.
        organization_id: id of the provider's Organization.

    Raises:
        ValueError: the capacity, the days, a language, an age or who is accepted are none that can
            be said.
    """
    system, value = identifier
    made: dict[str, Any] = {
        "resourceType": "HealthcareService",
        "id": service_id,
        "meta": meta([PROFILE]),
        "identifier": [{"system": system, "value": value}],
        "active": service.active,
        "providedBy": reference("Organization", organization_id),
        "name": service.name,
    }
    if service.languages:
        if not all(each.replace("-", "").isalnum() for each in service.languages):
            raise ValueError("a language is a code such as en or es")
        spoken = ({"system": _LANGUAGES, "code": each} for each in service.languages)
        made["communication"] = [{"coding": [coding]} for coding in spoken]
    if service.days:
        if not set(service.days) <= set(WEEK):
            raise ValueError(f"a day is one of: {', '.join(WEEK)}")
        made["availableTime"] = [{"daysOfWeek": list(service.days)}]
    if extensions := _extensions(service):
        made["extension"] = extensions
    return made


def _extensions(service: Service) -> list[Json]:
    found: list[Json] = []
    if service.capacity:
        if service.capacity not in STATUSES:
            raise ValueError(f"capacity is one of: {', '.join(STATUSES)}")
        coding = {
            "system": CODES,
            "code": service.capacity,
            "display": STATUSES[service.capacity],
        }
        status = {"url": "capacityStatus", "valueCodeableConcept": {"coding": [coding]}}
        found.append({"url": CAPACITY, "extension": [status]})
    said = dict(zip(_NUMBERS, (service.wait_days, *service.ages), strict=True))
    for url, number in said.items():
        if number is not None:
            most, text = _NUMBERS[url]
            if not 0 <= number <= most:
                raise ValueError(text)
            found.append({"url": url, "valueUnsignedInt": number})
    if not set(service.accepts) <= set(PAYMENTS):
        raise ValueError(_ACCEPTED)
    found += [{"url": ACCEPTS, "valueCode": each} for each in service.accepts]
    if service.transit is not None:
        found.append({"url": TRANSIT, "valueBoolean": service.transit})
    return found


def broken_capacity(resource: Json) -> list[Issue]:
    """Return what is wrong with the capacity a resource says; nothing where it says none."""
    issues: list[Issue] = []
    for n, extension in enumerate(resource.get("extension", ())):
        path = f"{resource['resourceType']}.extension[{n}]"
        match extension.get("url"):
            case url if url == CAPACITY:
                issues += _capacity_issues(extension, path)
            case str(url) if url in (*_NUMBERS, ACCEPTS, TRANSIT):
                if text := _no_answer(url, extension):
                    issues.append(Issue(path, "value", text))
            case _:
                issues.append(Issue(path, "extension", "leave out this extension"))
    return issues


def _no_answer(url: str, extension: Json) -> str:
    """Return what is wrong with one of our own extensions; "" for nothing."""
    if url == ACCEPTS:
        return "" if extension.get("valueCode") in PAYMENTS else _ACCEPTED
    if url == TRANSIT:
        return "" if isinstance(extension.get("valueBoolean"), bool) else "say true or false"
    number, (most, text) = extension.get("valueUnsignedInt"), _NUMBERS[url]
    return "" if isinstance(number, int) and 0 <= number <= most else text


def _capacity_issues(extension: Json, path: str) -> list[Issue]:
    parts = extension.get("extension", ())
    said = [each for each in parts if each.get("url") == "capacityStatus"]
    if len(said) != 1 or len(parts) != 1:
        # Notes are free text, which a person would have to read before it leaves.
        return [Issue(path, "extension", "say capacityStatus once, and nothing else")]
    codings = said[0].get("valueCodeableConcept", {}).get("coding", ())
    known = [c for c in codings if c.get("system") == CODES and c.get("code") in STATUSES]
    if len(codings) != 1 or not known:
        return [Issue(path, "code-invalid", f"say one of: {', '.join(STATUSES)}")]
    return []
