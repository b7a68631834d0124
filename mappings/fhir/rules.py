"""The rules of ``resource_rules.csv``: what our resources must meet beyond their structure.

fhir.resources checks structure and types, but neither required value sets, nor profiles, nor what
a reference may point to; the table holds those of the elements we use, each with the page it
comes from.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mappings.fhir.canonicals import ACT_CODE
from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue

Rule = tuple[tuple[str, ...], str, frozenset[str]]

ENCOUNTER_CLASSES: Final = frozenset(
    ["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"]
)
"""HL7 v3 ActEncounterCode; extensible, so only a code of v3-ActCode itself is held to it."""

_REFERENCE: Final = re.compile(
    r"#[A-Za-z0-9.\-]{1,64}"
    r"|urn:(uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|oid:[0-2](\.(0|[1-9][0-9]*))+)"
    r"|(https?://[^\s?#]+/)?(?P<type>[A-Z][A-Za-z]{2,40})/[A-Za-z0-9.\-]{1,64}"
    r"(/_history/[A-Za-z0-9.\-]{1,64})?"
)


@cache
def rules_of(resource_type: str) -> tuple[Rule, ...]:
    """Return the rules of one resource type; none when the table has no such type."""
    text = (files(__package__) / "resource_rules.csv").read_text(encoding="utf-8")
    rows = (row for row in csv.DictReader(text.splitlines()))
    return tuple(
        (tuple(row["path"].split(".")[1:]), row["rule"], frozenset(row["values"].split()))
        for row in rows
        if row["path"].startswith(f"{resource_type}.")
    )


def broken_rules(resource: Json) -> Iterator[Issue]:
    """Yield every rule a resource of sound structure breaks."""
    resource_type = resource["resourceType"]
    for steps, rule, values in rules_of(resource_type):
        for parent, path in _reach(resource, steps[:-1], resource_type):
            yield from _judge(parent, steps[-1], f"{path}.{steps[-1]}", (rule, values))
    if resource_type == "Encounter":
        yield from _class(resource.get("class", {}))


def broken_references(resource: Json) -> Iterator[Issue]:
    """Yield every reference that is not written as FHIR writes one (R4 references.html)."""
    waiting: list[tuple[Any, str]] = [(resource, str(resource.get("resourceType")))]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, list):
            named = ((item, f"{path}[{index}]") for index, item in enumerate(value))
        else:
            named = ((item, f"{path}.{name}") for name, item in value.items())
            text = value.get("reference")
            if isinstance(text, str) and not _REFERENCE.fullmatch(text):
                yield Issue(f"{path}.reference", "value", "write a reference as Type/id")
        waiting += [pair for pair in named if isinstance(pair[0], dict | list)]


def _reach(value: object, steps: tuple[str, ...], path: str) -> Iterator[tuple[Json, str]]:
    """Yield each element at the end of ``steps``, entering every item of a list."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _reach(item, steps, f"{path}[{index}]")
    elif isinstance(value, dict) and not steps:
        yield value, path
    elif isinstance(value, dict) and steps[0] in value:
        yield from _reach(value[steps[0]], steps[1:], f"{path}.{steps[0]}")


def _judge(parent: Json, name: str, path: str, rule: tuple[str, frozenset[str]]) -> Iterator[Issue]:
    kind, values = rule
    value = parent.get(name)
    items = value if isinstance(value, list) else [value]
    match kind:
        case "required" if value in (None, [], {}, ""):
            yield Issue(path, "required", "give this element")
        case "codes" if value is not None and not values.issuperset(map(str, items)):
            yield Issue(path, "code-invalid", f"use one of: {', '.join(sorted(values))}")
        case "targets" if not values.issuperset(_targets(items)):
            yield Issue(path, "value", f"refer to one of: {', '.join(sorted(values))}")
        case _:
            return


def _targets(items: list[Any]) -> Iterator[str]:
    """Yield the resource types referred to, as far as the references say them."""
    for item in items:
        if not isinstance(item, dict):
            continue
        found = _REFERENCE.fullmatch(str(item.get("reference", "")))
        target = (found and found["type"]) or item.get("type")
        if isinstance(target, str):
            yield target


def _class(coding: object) -> Iterator[Issue]:
    if not isinstance(coding, dict):
        return
    if coding.get("system") == ACT_CODE and coding.get("code") not in ENCOUNTER_CLASSES:
        codes = ", ".join(sorted(ENCOUNTER_CLASSES))
        yield Issue("Encounter.class.code", "code-invalid", f"use one of: {codes}")
