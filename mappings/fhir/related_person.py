"""RelatedPerson from a Guardian (US Core 6.1.0 RelatedPerson)."""

from typing import Any, Final

from mappings.canonical import Guardian
from mappings.fhir.canonicals import CONTACT_PROHIBITED, ROLE_CODE, US_CORE
from mappings.fhir.elements import Json, coded_concept, meta, telecom

META: Final = meta([f"{US_CORE}relatedperson"])


def build(guardian: Guardian, related_person_id: str, patient: Json) -> Json:
    """Build the RelatedPerson; the name satisfies us-core-14 (a name or a relationship)."""
    person: dict[str, Any] = {
        "resourceType": "RelatedPerson",
        "id": related_person_id,
        "meta": META,
        "active": True,
        "patient": patient,
        "name": [{"text": guardian.name}],
    }
    if guardian.relationship is not None:
        person["relationship"] = [coded_concept(ROLE_CODE, guardian.relationship)]
    if points := telecom(guardian.phone, guardian.email):
        person["telecom"] = points
    if guardian.contact_prohibited is not None:
        flag = {"url": CONTACT_PROHIBITED, "valueBoolean": guardian.contact_prohibited}
        person["extension"] = [flag]
    return person
