"""Organization of a district, school or provider (US Core 6.1.0 Organization)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mappings.fhir.canonicals import ORGANIZATION_TYPE, US_CORE
from mappings.fhir.elements import Json, meta, reference, telecom

META: Final = meta([f"{US_CORE}organization"])


class PartyKind(StrEnum):
    """What an organisation is to the bridge."""

    DISTRICT = "district"
    SCHOOL = "school"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as a deployment registers it.

    Attributes:
        organization_id: id of the resource.
        part_of: id of the Organization it belongs to (a school's district).
        identifiers: (system, value) pairs; a school needs none, a provider gives its NPI.
    """

    organization_id: str
    kind: PartyKind
    name: str
    part_of: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    phone: str | None = None
    email: str | None = None


def build(party: Party) -> Json:
    """Build the Organization."""
    organization: dict[str, Any] = {
        "resourceType": "Organization",
        "id": party.organization_id,
        "meta": META,
        "active": True,
        "type": [{"coding": [_type(party.kind)]}],
        "name": party.name,
    }
    if party.identifiers:
        pairs = party.identifiers
        organization["identifier"] = [{"system": system, "value": value} for system, value in pairs]
    if points := telecom(party.phone, party.email):
        organization["telecom"] = points
    if party.part_of is not None:
        organization["partOf"] = reference("Organization", party.part_of)
    return organization


def _type(kind: PartyKind) -> Json:
    match kind:
        case PartyKind.DISTRICT | PartyKind.SCHOOL:
            return {"system": ORGANIZATION_TYPE, "code": "edu", "display": "Educational Institute"}
        case PartyKind.PROVIDER:
            return {"system": ORGANIZATION_TYPE, "code": "prov", "display": "Healthcare Provider"}
