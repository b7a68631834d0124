"""What a resource must meet before it is stored, and before it is sent."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import orjson

from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue
from mappings.fhir.rules import broken_references, broken_rules
from mappings.fhir.structure import TYPES, broken_structure
from mappings.fhir.task_states import broken_task_rules

MAX_DEPTH: Final = 24
MAX_ELEMENTS: Final = 4_000
MAX_CHARACTERS: Final = 256 * 1024


def check_resource(resource: Json) -> list[Issue]:
    """Return what is wrong with a resource that came from outside; empty when nothing is.

    Size and depth come first, since a model may not survive either; then structure (R4 4.0.1);
    then required codes, reference targets and profile requirements (``resource_rules.csv``), the
    Task rules of SDOH Clinical Care and the order of a period (R4 per-1).

    INVARIANT: raises nothing whatever the JSON, and no issue quotes a value of it.
    """
    if (fault := _outer_fault(resource)) is not None:
        return [fault]
    if structure := broken_structure(resource):
        return list(structure)
    return [
        *broken_references(resource),
        *broken_rules(resource),
        *_modifiers(resource),
        *_periods(resource),
        *(broken_task_rules(resource) if resource["resourceType"] == "Task" else ()),
    ]


def to_bytes(resource: Json) -> bytes:
    """Return a resource as compact JSON."""
    return orjson.dumps(resource)


def _outer_fault(resource: object) -> Issue | None:
    if not isinstance(resource, dict) or resource.get("resourceType") not in TYPES:
        return Issue("Resource.resourceType", "not-supported", f"send one of: {', '.join(TYPES)}")
    name = resource["resourceType"]
    characters = 0
    for elements, (value, depth) in enumerate(_walk(resource)):
        characters += len(value) if isinstance(value, str) else 0
        if depth > MAX_DEPTH:
            return Issue(name, "too-long", f"nest elements at most {MAX_DEPTH} deep")
        if elements > MAX_ELEMENTS or characters > MAX_CHARACTERS:
            return Issue(name, "too-long", "send a smaller resource")
    return None


def _walk(resource: Json) -> Iterator[tuple[Any, int]]:
    """Yield every value and element name with its depth; no recursion, so depth cannot hurt."""
    waiting: list[tuple[Any, int]] = [(resource, 1)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if isinstance(value, dict):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]


def _modifiers(resource: Json) -> Iterator[Issue]:
    """Yield a fault where an extension may change the meaning (R4 extensibility, isModifier)."""
    for value, _ in _walk(resource):
        if isinstance(value, dict) and "modifierExtension" in value:
            text = "leave out modifierExtension: this server understands none"
            yield Issue(resource["resourceType"], "extension", text)
            return


def _periods(resource: Json) -> Iterator[Issue]:
    name = resource["resourceType"]
    pairs = ((f"{name}.period", resource.get("period")), (name, resource))
    for path, period in pairs:
        start, end = (period or {}).get("start"), (period or {}).get("end")
        if start and end and _later(start, end):
            yield Issue(path, "invariant", "let the end not come before the start")


def _later(start: str, end: str) -> bool:
    """Say whether ``start`` is after ``end``; of two precisions, the coarser one decides."""
    try:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    except ValueError:  # a year or a month: compare as far as both go
        shared = min(len(start), len(end), 10)
        return start[:shared] > end[:shared]
    if first.tzinfo is None or last.tzinfo is None:
        return first.date() > last.date()
    return first > last
