"""Sending less of a release than may be sent: ``_elements`` and ``_summary`` (R4 search.html).

INVARIANT: it cuts what was released and reads nothing else, so no wish of a client can bring back
what was withheld. The version stays the one of the whole view.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import orjson

from bridge.gate.released import ReleasedResource

_ALWAYS: Final = ("resourceType", "id", "meta", "implicitRules")
_SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
MANDATORY: Final[dict[str, tuple[str, ...]]] = {
    "Task": ("status", "intent"),
    "ServiceRequest": ("status", "intent", "subject"),
    "RelatedPerson": ("patient",),
    "Observation": ("status", "code"),
    "Consent": ("status", "scope", "category"),
    "Provenance": ("target", "recorded", "agent"),
    "Encounter": ("status", "class"),
    "Appointment": ("status", "participant"),
    "QuestionnaireResponse": ("status",),
    "DocumentReference": ("status", "content"),
}
"""Top-level elements a resource of R4 4.0.1 is not valid without."""
_SUMMARY: Final[dict[str, tuple[str, ...]]] = {
    "Task": (
        *("identifier", "basedOn", "groupIdentifier", "partOf", "status", "statusReason"),
        *("businessStatus", "intent", "code", "description", "focus", "for", "encounter"),
        *("executionPeriod", "lastModified", "requester", "owner", "location"),
    ),
    "ServiceRequest": (
        *("identifier", "basedOn", "replaces", "requisition", "status", "intent", "category"),
        *("priority", "doNotPerform", "code", "orderDetail", "quantityQuantity", "subject"),
        *("encounter", "occurrenceDateTime", "occurrencePeriod", "authoredOn", "requester"),
        *("performerType", "performer", "locationCode", "locationReference", "reasonCode"),
        *("reasonReference", "specimen", "bodySite", "patientInstruction"),
    ),
    "Patient": (
        *("identifier", "active", "name", "telecom", "gender", "birthDate", "deceasedBoolean"),
        *("address", "managingOrganization", "link"),
    ),
    "RelatedPerson": (
        *("identifier", "active", "patient", "relationship", "name", "telecom", "gender"),
        *("birthDate", "address"),
    ),
    "Observation": (
        *("identifier", "basedOn", "partOf", "status", "code", "subject", "encounter"),
        *("effectiveDateTime", "effectivePeriod", "issued", "performer", "valueQuantity"),
        *("valueCodeableConcept", "valueString", "valueBoolean", "hasMember", "derivedFrom"),
    ),
    "Consent": (
        *("identifier", "status", "scope", "category", "patient", "dateTime", "performer"),
        *("organization", "sourceAttachment", "sourceReference", "policyRule", "provision"),
    ),
    "Provenance": ("target", "recorded", "agent", "entity"),
    "Encounter": (
        *("identifier", "status", "class", "type", "priority", "subject", "episodeOfCare"),
        *("participant", "appointment", "reasonCode", "reasonReference", "diagnosis", "basedOn"),
    ),
    "Appointment": (
        *("identifier", "status", "cancelationReason", "serviceCategory", "serviceType"),
        *("specialty", "appointmentType", "reasonCode", "participant", "start", "end"),
    ),
    "Organization": ("identifier", "active", "type", "name", "partOf"),
    "Location": ("identifier", "status", "name", "mode", "type", "managingOrganization"),
    "Practitioner": (
        *("identifier", "active", "name", "telecom", "address", "gender", "birthDate"),
    ),
    "PractitionerRole": (
        *("identifier", "active", "period", "practitioner", "organization", "code"),
        *("specialty", "location", "telecom"),
    ),
    "HealthcareService": (
        *("identifier", "active", "providedBy", "category", "type", "specialty", "location"),
        *("name", "comment", "photo"),
    ),
}
"""Top-level elements that R4 4.0.1 marks as of the summary (the sign Σ)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of what is released a client wants.

    Attributes:
        elements: names of top-level elements, whatever else; none for all.
        summary: ``true``, ``text``, ``data``, ``count`` or "" for all.
    """

    elements: tuple[str, ...] = ()
    summary: str = ""

    @property
    def counts_only(self) -> bool:
        """Whether nothing but the number is wanted."""
        return self.summary == "count"


def shaped(released: ReleasedResource, shape: Shape) -> ReleasedResource:
    """Return a release with only the elements wanted, marked as cut; whole where all are."""
    wanted = _wanted(released.type, shape)
    if wanted is None:
        return released
    whole: dict[str, Any] = orjson.loads(released.body)
    kept = {name: value for name, value in whole.items() if _plain(name) in wanted}
    meta = dict(kept.get("meta", {}))
    kept["meta"] = {**meta, "tag": [*meta.get("tag", []), _SUBSETTED]}
    return replace(released, body=orjson.dumps(kept))


@lru_cache(maxsize=64)
def _wanted(kind: str, shape: Shape) -> frozenset[str] | None:
    must = (*_ALWAYS, *MANDATORY.get(kind, ()))
    match shape.summary:
        case "true":
            names: tuple[str, ...] = _SUMMARY.get(kind, ())
        case "text":
            names = ("text",)
        case _ if shape.elements:
            names = shape.elements
        case _:  # nothing that leaves has a narrative: all of it is data
            return None
    return frozenset((*must, *names))


def _plain(name: str) -> str:
    """Return an element's name without the mark of its extensions (``_birthDate``)."""
    return name.removeprefix("_")
