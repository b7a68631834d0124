"""What each resource type can be found by: FHIR search parameters and where their values stand.

A parameter may be listed only if every element it looks at leaves with the record's envelope in
every view (a parameter on a withheld element would let a caller bisect its value). One visible line
per parameter; the CapabilityStatement and the strict search parser read the same table.
Source of the parameters: FHIR R4 search-parameters; SDOHCC 3.0.0 and US Core 6.1 server SHALLs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TOKEN, REFERENCE = "token", "reference"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter: its FHIR kind and the dotted path of the element it looks at."""

    name: str
    kind: str
    path: str


def _parameters(*rows: tuple[str, str, str]) -> tuple[Parameter, ...]:
    return tuple(Parameter(*row) for row in rows)


PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Task": _parameters(
        ("status", TOKEN, "status"),
        ("code", TOKEN, "code"),
        ("intent", TOKEN, "intent"),
        ("identifier", TOKEN, "identifier"),
        ("business-status", TOKEN, "businessStatus"),
        ("patient", REFERENCE, "for"),
        ("focus", REFERENCE, "focus"),
        ("owner", REFERENCE, "owner"),
        ("requester", REFERENCE, "requester"),
    ),
    "ServiceRequest": _parameters(
        ("status", TOKEN, "status"),
        ("intent", TOKEN, "intent"),
        ("category", TOKEN, "category"),
        ("code", TOKEN, "code"),
        ("identifier", TOKEN, "identifier"),
        ("patient", REFERENCE, "subject"),
        ("performer", REFERENCE, "performer"),
    ),
    "Patient": _parameters(),
    "RelatedPerson": _parameters(("patient", REFERENCE, "patient")),
    "Observation": _parameters(
        ("status", TOKEN, "status"),
        ("category", TOKEN, "category"),
        ("patient", REFERENCE, "subject"),
    ),
    "Consent": _parameters(("patient", REFERENCE, "patient")),
    "Provenance": _parameters(("target", REFERENCE, "target")),
    "Encounter": _parameters(
        ("status", TOKEN, "status"),
        ("class", TOKEN, "class"),
        ("type", TOKEN, "type"),
        ("identifier", TOKEN, "identifier"),
        ("patient", REFERENCE, "subject"),
        ("based-on", REFERENCE, "basedOn"),
    ),
    "Appointment": _parameters(
        ("status", TOKEN, "status"),
        ("identifier", TOKEN, "identifier"),
        ("based-on", REFERENCE, "basedOn"),
    ),
    "Organization": _parameters(("identifier", TOKEN, "identifier")),
    "Location": _parameters(),
}

# Who gets a type with less of its elements may search it by what always leaves and by nothing else.
# A coded row carries no identifier and no time of day: a search by a referral number, a student or
# an instant would tell which row is whose. Of a session a school is not told the kind.
SHOWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("hub", "ServiceRequest"): ("status", "intent", "code", "performer"),
    ("hub", "Encounter"): ("status", "class", "type"),
    ("lea", "Encounter"): ("status", "patient", "based-on"),
    ("lea", "Appointment"): ("status", "based-on"),
}
CODED = ("hub",)
"""Parties that get those types as coded rows, without id or date of their own."""


def searchable(party: str, kind: str) -> tuple[Parameter, ...]:
    """Return what a party may search a type by: INVARIANT: elements that it is always shown."""
    shown = SHOWN.get((party, kind))
    return tuple(p for p in PARAMETERS[kind] if shown is None or p.name in shown)


TARGETS = {
    "patient": ("Patient",),
    "focus": ("ServiceRequest",),
    "based-on": ("ServiceRequest",),
    "owner": ("Organization",),
    "requester": ("Organization",),
    "performer": ("Organization",),
    "target": ("ServiceRequest", "Task", "Patient"),
}

INCLUDES: dict[str, dict[str, str]] = {
    "Task": {"focus": "focus", "patient": "for", "owner": "owner", "requester": "requester"},
    "ServiceRequest": {
        "patient": "subject",
        "requester": "requester",
        "performer": "performer",
        "supporting-info": "supportingInfo",
    },
    "Encounter": {"patient": "subject", "based-on": "basedOn"},
}


@dataclass(frozen=True, slots=True, order=True)
class SearchValue:
    """One value a record is found by; ``system`` is empty where the value has none."""

    param: str
    system: str
    value: str


def search_values(resource: Mapping[str, object]) -> tuple[SearchValue, ...]:
    """Return what a resource is found by, without repeats."""
    found: set[SearchValue] = set()
    for parameter in PARAMETERS[str(resource["resourceType"])]:
        for node in nodes_at(resource, parameter.path):
            found.update(_values(parameter, node))
    return tuple(sorted(found))


def nodes_at(node: object, path: str) -> Iterator[object]:
    """Yield what stands at a dotted path; lists are looked into at every step."""
    head, _, rest = path.partition(".")
    if isinstance(node, list):
        for item in node:
            yield from nodes_at(item, path)
    elif isinstance(node, Mapping) and head in node:
        below = node[head]
        items = below if isinstance(below, list) else [below]
        for item in items:
            if rest:
                yield from nodes_at(item, rest)
            else:
                yield item


def _values(parameter: Parameter, node: object) -> Iterator[SearchValue]:
    if parameter.kind == REFERENCE:
        if isinstance(node, Mapping) and isinstance(node.get("reference"), str):
            yield SearchValue(parameter.name, "", node["reference"])
    elif isinstance(node, Mapping):
        for coding in node.get("coding", [node]):
            code = coding.get("code", coding.get("value"))
            if code is not None:
                yield SearchValue(parameter.name, str(coding.get("system", "")), str(code))
    else:
        yield SearchValue(parameter.name, "", str(node))
