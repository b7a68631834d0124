"""What each resource type can be found by: FHIR search parameters and where their values stand.

A parameter may be listed only if every element it looks at leaves with the record in every view (a
parameter on a withheld element would let a caller bisect its value). One visible line per
parameter; the CapabilityStatement, the strict search parser and the typed index read this table.
Source of the parameters: FHIR R4 search-parameters; SDOHCC 3.0.0 and US Core 6.1 server SHALLs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ParameterKind(StrEnum):
    """The FHIR search parameter types that are offered (R4 search.html#ptypes)."""

    TOKEN = "token"  # noqa: S105 - a kind of search parameter
    REFERENCE = "reference"
    DATE = "date"
    STRING = "string"


TOKEN, REFERENCE = ParameterKind.TOKEN, ParameterKind.REFERENCE
DATE, STRING = ParameterKind.DATE, ParameterKind.STRING


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter.

    Attributes:
        paths: dotted paths of the elements it looks at, separated by ``|``; ``name(KEY=VALUE)``
            takes the entries that say so, as in the views of :mod:`consent.projections`.
        system: the code system a plain code is of, since the element does not repeat it.
    """

    name: str
    kind: ParameterKind
    paths: str
    system: str = ""

    @property
    def each_path(self) -> tuple[str, ...]:
        """The paths, one by one."""
        return tuple(self.paths.split("|"))


def _parameters(
    *rows: tuple[str, ParameterKind, str] | tuple[str, ParameterKind, str, str],
) -> tuple[Parameter, ...]:
    return tuple(Parameter(*row) for row in rows)


_HL7: Final = "http://hl7.org/fhir/"
# What another party's own identifiers are is not told; the referral number and ours are.
_NUMBER: Final = "identifier(type.coding.code=PLAC)"
_STUDENT: Final = "identifier(system=https://schoolbridge.example/fhir/NamingSystem/student)"
_ADDRESS: Final = (
    ("address", STRING, "address"),
    ("address-city", STRING, "address.city"),
    ("address-state", STRING, "address.state"),
    ("address-postalcode", STRING, "address.postalCode"),
)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Task": _parameters(
        ("status", TOKEN, "status", f"{_HL7}task-status"),
        ("code", TOKEN, "code"),
        ("intent", TOKEN, "intent", f"{_HL7}task-intent"),
        ("identifier", TOKEN, _NUMBER),
        ("business-status", TOKEN, "businessStatus"),
        ("patient", REFERENCE, "for"),
        ("subject", REFERENCE, "for"),
        ("focus", REFERENCE, "focus"),
        ("owner", REFERENCE, "owner"),
        ("requester", REFERENCE, "requester"),
        ("output", REFERENCE, "output.valueReference"),
        ("authored-on", DATE, "authoredOn"),
    ),
    "ServiceRequest": _parameters(
        ("status", TOKEN, "status", f"{_HL7}request-status"),
        ("intent", TOKEN, "intent", f"{_HL7}request-intent"),
        ("category", TOKEN, "category"),
        ("code", TOKEN, "code"),
        ("identifier", TOKEN, _NUMBER),
        ("patient", REFERENCE, "subject"),
        ("subject", REFERENCE, "subject"),
        ("performer", REFERENCE, "performer"),
        ("authored", DATE, "authoredOn"),
    ),
    "Patient": _parameters(
        ("identifier", TOKEN, _STUDENT),
        ("name", STRING, "name"),
        ("family", STRING, "name.family"),
        ("given", STRING, "name.given"),
    ),
    "RelatedPerson": _parameters(
        ("patient", REFERENCE, "patient"),
        ("name", STRING, "name"),
        ("relationship", TOKEN, "relationship"),
    ),
    "Observation": _parameters(
        ("status", TOKEN, "status", f"{_HL7}observation-status"),
        ("category", TOKEN, "category"),
        ("code", TOKEN, "code"),
        ("patient", REFERENCE, "subject"),
        ("subject", REFERENCE, "subject"),
        ("date", DATE, "effectiveDateTime"),
    ),
    "Consent": _parameters(
        ("patient", REFERENCE, "patient"),
        ("status", TOKEN, "status", f"{_HL7}consent-state-codes"),
        ("source-reference", REFERENCE, "sourceReference"),
    ),
    "Provenance": _parameters(("target", REFERENCE, "target")),
    "Encounter": _parameters(
        ("status", TOKEN, "status", f"{_HL7}encounter-status"),
        ("class", TOKEN, "class"),
        ("type", TOKEN, "type"),
        ("identifier", TOKEN, "identifier"),
        ("patient", REFERENCE, "subject"),
        ("subject", REFERENCE, "subject"),
        ("based-on", REFERENCE, "basedOn"),
        ("location", REFERENCE, "location.location"),
        ("date", DATE, "period"),
        ("discharge-disposition", TOKEN, "hospitalization.dischargeDisposition"),
    ),
    "Appointment": _parameters(
        ("status", TOKEN, "status", f"{_HL7}appointmentstatus"),
        ("identifier", TOKEN, "identifier"),
        ("patient", REFERENCE, "participant(actor.reference^=Patient/).actor"),
        ("based-on", REFERENCE, "basedOn"),
        ("date", DATE, "start"),
    ),
    "QuestionnaireResponse": _parameters(
        ("status", TOKEN, "status", f"{_HL7}questionnaire-answers-status"),
        ("patient", REFERENCE, "subject"),
        ("author", REFERENCE, "author"),
        ("authored", DATE, "authored"),
        ("questionnaire", REFERENCE, "questionnaire"),
    ),
    "DocumentReference": _parameters(
        ("status", TOKEN, "status", f"{_HL7}document-reference-status"),
        ("patient", REFERENCE, "subject"),
        ("type", TOKEN, "type"),
        ("category", TOKEN, "category"),
        ("date", DATE, "date"),
        ("period", DATE, "context.period"),
    ),
    "Organization": _parameters(
        ("identifier", TOKEN, "identifier"),
        ("active", TOKEN, "active"),
        ("name", STRING, "name|alias"),
        ("type", TOKEN, "type"),
        ("partof", REFERENCE, "partOf"),
        *_ADDRESS,
    ),
    "Location": _parameters(
        ("identifier", TOKEN, "identifier"),
        ("status", TOKEN, "status", f"{_HL7}location-status"),
        ("name", STRING, "name|alias"),
        ("type", TOKEN, "type"),
        ("organization", REFERENCE, "managingOrganization"),
        *_ADDRESS,
    ),
    "Practitioner": _parameters(
        ("identifier", TOKEN, "identifier"),
        ("active", TOKEN, "active"),
        ("name", STRING, "name"),
        ("family", STRING, "name.family"),
        ("given", STRING, "name.given"),
    ),
    "PractitionerRole": _parameters(
        ("identifier", TOKEN, "identifier"),
        ("active", TOKEN, "active"),
        ("practitioner", REFERENCE, "practitioner"),
        ("organization", REFERENCE, "organization"),
        ("specialty", TOKEN, "specialty"),
        ("role", TOKEN, "code"),
        ("location", REFERENCE, "location"),
        ("service", REFERENCE, "healthcareService"),
    ),
    "HealthcareService": _parameters(
        ("identifier", TOKEN, "identifier"),
        ("active", TOKEN, "active"),
        ("name", STRING, "name"),
        ("organization", REFERENCE, "providedBy"),
        ("location", REFERENCE, "location"),
        ("service-category", TOKEN, "category"),
        ("service-type", TOKEN, "type"),
        ("specialty", TOKEN, "specialty"),
    ),
}


def _one_for_several(kind: str) -> dict[str, str]:
    first = {(p.kind, p.paths, p.system): p.name for p in reversed(PARAMETERS[kind])}
    names = ((p.name, first[p.kind, p.paths, p.system]) for p in PARAMETERS[kind])
    return {name: stored for name, stored in names if name != stored}


STORED_AS: Final[Mapping[str, Mapping[str, str]]] = {
    kind: _one_for_several(kind) for kind in PARAMETERS
}
"""Of each type the parameters that look at what another looks at, with that other: what they find
is kept under the other's name alone (``subject`` under ``patient``)."""

MISSING: Final = ":missing"
"""What the parameter of a value that is not there ends with."""
SOUGHT_MISSING: Final = (("Task", "owner"),)
"""Values that are looked for by their absence: the open Tasks of SDOHCC 3.0.0 (Task status)."""

# Who gets a type with less of its elements may search it by what always leaves and by nothing else.
# A coded row carries no identifier and no time of day: a search by a referral number, a student or
# an instant would tell which row is whose. Of a session a school is not told the kind.
SHOWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("hub", "ServiceRequest"): ("status", "intent", "code", "performer"),
    ("hub", "Encounter"): ("status", "class", "type"),
    ("lea", "Encounter"): ("status", "patient", "subject", "based-on"),
    ("lea", "Appointment"): ("status", "patient", "based-on"),
    ("lea", "Task"): (
        *("status", "code", "intent", "identifier", "patient", "subject", "focus"),
        *("owner", "requester", "authored-on"),
    ),
}
CODED = ("hub",)
"""Parties that get those types as coded rows, without id or date of their own."""


def searchable(party: str, kind: str) -> tuple[Parameter, ...]:
    """Return what a party may search a type by: INVARIANT: elements that it is always shown."""
    shown = SHOWN.get((party, kind))
    return tuple(p for p in PARAMETERS[kind] if shown is None or p.name in shown)


def is_coded(party: str, kind: str) -> bool:
    """Return whether a party gets a type as coded rows, without id or instant."""
    return party in CODED and (party, kind) in SHOWN


TARGETS: Mapping[str, tuple[str, ...]] = {
    "patient": ("Patient",),
    "subject": ("Patient",),
    "focus": ("ServiceRequest",),
    "based-on": ("ServiceRequest",),
    "owner": ("Organization",),
    "requester": ("Organization",),
    "performer": ("Organization",),
    "target": ("ServiceRequest", "Task", "Patient"),
    "output": ("Encounter", "Appointment", "ServiceRequest"),
    "source-reference": ("DocumentReference",),
    "author": ("Patient", "Organization", "Practitioner", "PractitionerRole"),
    "partof": ("Organization",),
    "organization": ("Organization",),
    "practitioner": ("Practitioner",),
    "location": ("Location",),
    "service": ("HealthcareService",),
    "questionnaire": ("Questionnaire",),
}
"""What a reference may be to: an id without a type is looked for as each of them."""

GOVERNED: Final = ("target",)
"""Parameters that take a reference to those types alone: of what else a Provenance speaks, some may
be withheld, and whoever knows an id could ask for it. What these are is always told beside it."""

INCLUDES: dict[str, dict[str, str]] = {
    "Task": {
        "focus": "focus",
        "patient": "for",
        "subject": "for",
        "owner": "owner",
        "requester": "requester",
        "output": "output.valueReference",
    },
    "ServiceRequest": {
        "patient": "subject",
        "subject": "subject",
        "requester": "requester",
        "performer": "performer",
        "supporting-info": "supportingInfo",
    },
    "Encounter": {
        "patient": "subject",
        "subject": "subject",
        "based-on": "basedOn",
        "location": "location.location",
        "service-provider": "serviceProvider",
    },
    "Appointment": {"based-on": "basedOn", "patient": "participant.actor"},
    "Observation": {"patient": "subject", "subject": "subject", "performer": "performer"},
    "RelatedPerson": {"patient": "patient"},
    "Provenance": {"target": "target"},
    "Location": {"organization": "managingOrganization"},
    "PractitionerRole": {
        "practitioner": "practitioner",
        "organization": "organization",
        "location": "location",
        "service": "healthcareService",
    },
    "HealthcareService": {"organization": "providedBy", "location": "location"},
}
"""Elements whose targets can be included: read from what was released, so any reference will do."""

REVINCLUDES: dict[str, tuple[tuple[str, str], ...]] = {
    "ServiceRequest": (
        ("Task", "focus"),
        ("Encounter", "based-on"),
        ("Appointment", "based-on"),
        ("Provenance", "target"),
    ),
    "Task": (("Provenance", "target"),),
    "Patient": (
        ("Task", "patient"),
        ("ServiceRequest", "patient"),
        ("RelatedPerson", "patient"),
        ("Observation", "patient"),
        ("Encounter", "patient"),
        ("Provenance", "target"),
    ),
    **dict.fromkeys(
        ("Encounter", "Observation", "RelatedPerson", "QuestionnaireResponse", "DocumentReference"),
        (("Provenance", "target"),),
    ),
    "Organization": (
        ("HealthcareService", "organization"),
        ("PractitionerRole", "organization"),
        ("Location", "organization"),
    ),
    "Practitioner": (("PractitionerRole", "practitioner"),),
    "Location": (("HealthcareService", "location"), ("PractitionerRole", "location")),
    "HealthcareService": (("PractitionerRole", "service"),),
}
"""Who refers to a type, by which parameter: a search of its own, decided like any other."""


def reverse_includes(party: str, kind: str) -> tuple[tuple[str, str], ...]:
    """Return which types may be included because they refer to what a party searches."""
    return tuple(
        (source, name)
        for source, name in REVINCLUDES.get(kind, ())
        if not is_coded(party, source) and name in {p.name for p in searchable(party, source)}
    )
