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
MAX_CHARACTERS: Final = 64 * 1024
"""A model costs about 0.1 ms per kilobyte: a session or answer is one to four kilobytes."""


def check_resource(resource: Json) -> list[Issue]:
    """Return what is wrong with a resource that came from outside; empty when nothing is.

    Size and depth come first, since a model may not survive either, and modifier extensions, which
    may change what the rest means (R4 extensibility); then structure (R4 4.0.1);
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
        *misordered_periods(resource),
        *(broken_task_rules(resource) if resource["resourceType"] == "Task" else ()),
    ]


def to_bytes(resource: Json) -> bytes:
    """Return a resource as compact JSON."""
    return orjson.dumps(resource)


def _outer_fault(resource: object) -> Issue | None:
    if not isinstance(resource, dict) or resource.get("resourceType") not in TYPES:
        return Issue("Resource.resourceType", "not-supported", f"send one of: {', '.join(TYPES)}")
    name = resource["resourceType"]
    waiting: list[tuple[Json | list[Any], int]] = [(resource, 1)]
    size = 0
    while waiting:  # a loop, since depth could break a recursion
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return Issue(name, "too-long", f"nest elements at most {MAX_DEPTH} deep")
        if "modifierExtension" in value:
            return Issue(name, "extension", "leave out modifierExtension: none is understood here")
        size += _size(value)
        if size > MAX_CHARACTERS:
            return Issue(name, "too-long", "send a smaller resource")
        inner = value.values() if isinstance(value, dict) else value
        waiting += [(item, depth + 1) for item in inner if isinstance(item, dict | list)]
    return None


def _size(value: Json | list[Any]) -> int:
    """Return roughly the characters a dict or list adds, without the dicts and lists in it."""
    if isinstance(value, dict):
        return 8 + sum(
            len(name) + 6 + (len(item) if isinstance(item, str) else 0)
            for name, item in value.items()
        )
    return 8 + sum(4 + (len(item) if isinstance(item, str) else 0) for item in value)


def misordered_periods(resource: Json) -> Iterator[Issue]:
    """Yield each period of a resource of sound structure that ends before it starts."""
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
