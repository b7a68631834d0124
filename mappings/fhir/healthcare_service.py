"""A service a provider offers, and whether it has room (SDOHCC 3.0.0 Healthcare Service).

The guide's extension says capacity, no capacity, a waiting list, or that an assessment is needed
first (requirement cap-1); how many days the wait is, it has no element for, so ours stands beside.
"""

from dataclasses import dataclass
from typing import Any, Final

from mappings.fhir.elements import Json, meta, reference
from mappings.fhir.issues import Issue

SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare"
PROFILE: Final = f"{SDOHCC}/StructureDefinition/SDOHCC-HealthcareService"
CAPACITY: Final = f"{SDOHCC}/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
WAIT_DAYS: Final = "https://schoolbridge.example/fhir/StructureDefinition/wait-days"
CODES: Final = f"{SDOHCC}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
STATUSES: Final = {
    "capacity": "Has Capacity",
    "no-capacity": "No Capacity",
    "waitlist": "No Capacity - Has Waitlist",
    "additional-assessment-required": "Additional Assessment Required",
}
MOST_DAYS: Final = 3650


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a provider describes it.

    Attributes:
        identifier: system and value in the provider's own system.
        capacity: one of :data:`STATUSES`; "" where the provider says nothing of it.
        wait_days: days until a first appointment, where it says so.
    """

    name: str
    identifier: tuple[str, str]
    organization_id: str
    capacity: str = ""
    wait_days: int | None = None
    active: bool = True


def build(service: Service, service_id: str) -> Json:
    """Build the HealthcareService.

    Raises:
        ValueError: the capacity or the days are none that can be said.
    """
    system, value = service.identifier
    made: dict[str, Any] = {
        "resourceType": "HealthcareService",
        "id": service_id,
        "meta": meta([PROFILE]),
        "identifier": [{"system": system, "value": value}],
        "active": service.active,
        "providedBy": reference("Organization", service.organization_id),
        "name": service.name,
    }
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
        said = {"url": "capacityStatus", "valueCodeableConcept": {"coding": [coding]}}
        found.append({"url": CAPACITY, "extension": [said]})
    if service.wait_days is not None:
        if not 0 <= service.wait_days <= MOST_DAYS:
            raise ValueError(f"the wait is 0 to {MOST_DAYS} days")
        found.append({"url": WAIT_DAYS, "valueUnsignedInt": service.wait_days})
    return found


def broken_capacity(resource: Json) -> list[Issue]:
    """Return what is wrong with the capacity a resource says; nothing where it says none."""
    issues: list[Issue] = []
    for n, extension in enumerate(resource.get("extension", ())):
        path = f"{resource['resourceType']}.extension[{n}]"
        match extension.get("url"):
            case url if url == CAPACITY:
                issues += _capacity_issues(extension, path)
            case url if url == WAIT_DAYS:
                days = extension.get("valueUnsignedInt")
                if not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
                    issues.append(Issue(path, "value", f"the wait is 0 to {MOST_DAYS} days"))
            case _:
                issues.append(Issue(path, "extension", "leave out this extension"))
    return issues


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
