"""Maps and code tables as FHIR R4 resources, and value tables back from a ConceptMap.

A value table and a ConceptMap say the same, one to one, so they go both ways. A StructureMap is
written for documentation alone: its language suits flat files badly, and nothing here runs it.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from documents import DocumentError, Problem
from mappings.fhir.canonicals import BASE
from mappings.fhir.terminology import TABLES, table
from mappings.language import DICTIONARY, MapDocument, explain_map
from mappings.language.document import FieldRule
from mappings.language.value_tables import HEADER, normal
from mappings.lineage import elements_of

Json = dict[str, Any]
# What a ConceptMap may say for a text to have that code (R4 concept-map-equivalence).
_SAME: Final = ("equal", "equivalent")
_MAX: Final = 2_000_000


def map_bundle(document: MapDocument) -> Json:
    """Return a collection: the StructureMap of a map and a ConceptMap for each value table."""
    entries = [structure_map(document), *concept_maps(document)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": each["url"], "resource": each} for each in entries],
    }


def code_bundle() -> Json:
    """Return a collection: CodeSystem and ValueSet of every code table of ours."""
    entries = [each for name in TABLES for each in (code_system(name), value_set(name))]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": each["url"], "resource": each} for each in entries],
    }


def code_system(name: str) -> Json:
    """Return one code table as a CodeSystem; it speaks of no person."""
    concepts = [{"code": c, "display": row["display"]} for c, row in table(name).rows.items()]
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": table(name).system,
        "name": _name(name),
        "status": "active",
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }


def value_set(name: str) -> Json:
    """Return all codes of one table as a ValueSet."""
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{BASE}/ValueSet/{name}",
        "name": _name(name),
        "status": "active",
        "compose": {"include": [{"system": table(name).system}]},
    }


def concept_maps(document: MapDocument) -> list[Json]:
    """Return a ConceptMap for each field that has a value table."""
    rules = [rule for rule in document.fields if rule.values]
    return [_concept_map(document, rule, number) for number, rule in enumerate(rules, 1)]


def _concept_map(document: MapDocument, rule: FieldRule, number: int) -> Json:
    elements = [
        {
            "code": " ".join(value.text.split()),
            "target": [{"code": value.code, "equivalence": "equivalent"}],
        }
        for value in rule.values or ()
    ]
    columns = " or ".join(word.text for word in rule.columns)
    return {
        "resourceType": "ConceptMap",
        "id": f"{document.id[:50]}-{number}",
        "url": f"{BASE}/ConceptMap/{document.id}-{number}",
        "name": _name(f"{document.id}-{rule.goes_to.text}"),
        "title": f"{columns} to {rule.goes_to.text}",
        "status": "active",
        "purpose": f"A text that is not listed: {rule.otherwise}. There is no default.",
        "group": [
            {
                "source": f"{BASE}/map/{document.id}/{rule.source}",
                "target": f"{BASE}/canonical/{rule.goes_to.text}",
                "element": elements,
            }
        ],
    }


def structure_map(document: MapDocument) -> Json:
    """Return what a map does as a StructureMap, for readers of FHIR; it is not for running."""
    return {
        "resourceType": "StructureMap",
        "id": document.id,
        "url": f"{BASE}/StructureMap/{document.id}",
        "name": _name(document.id),
        "title": document.title,
        "status": "active",
        "description": "Written for documentation; the map itself is what runs.",
        "structure": [
            {"url": f"{BASE}/map/{document.id}", "mode": "source", "alias": "Row"},
            {"url": f"{BASE}/canonical/{document.kind}", "mode": "target", "alias": "Record"},
        ],
        "group": [
            {
                "name": "Rows",
                "typeMode": "none",
                "input": [{"name": s.role, "mode": "source"} for s in document.sources]
                + [{"name": "record", "type": "Record", "mode": "target"}],
                "rule": list(_rules(document)),
            }
        ],
    }


def _rules(document: MapDocument) -> Iterator[Json]:
    paths = elements_of(document.kind)
    for number, line in enumerate(explain_map(document), 1):
        if line.goes_to not in DICTIONARY[document.kind] or not line.columns:
            continue
        elements = ", ".join(paths.get(line.goes_to, ())) or "none"
        names = [f"v{n}" for n in range(1, len(line.columns) + 1)]
        pairs = zip(line.columns, names, strict=True)
        yield {
            "name": f"rule-{number}",
            "source": [
                {"context": line.source, "element": column, "variable": name}
                for column, name in pairs
            ],
            "target": [
                {
                    "context": "record",
                    "contextType": "variable",
                    "element": line.goes_to,
                    "transform": "copy",
                    "parameter": [{"valueId": names[0]}],
                }
            ],
            "documentation": f"{line.how}; otherwise {line.otherwise}; FHIR: {elements}",
        }


def value_table_of(source: bytes, document: str) -> str:
    """Return the value table (CSV) that a ConceptMap says.

    Args:
        source: the ConceptMap as JSON.
        document: the name used in messages.

    Raises:
        DocumentError: it is no ConceptMap, or says something a value table cannot: a default, two
            codes for one text, a code that is only nearly right.
    """
    problems: list[Problem] = []
    rows: list[tuple[str, str]] = []
    for place, element, default in _elements(source, document):
        if default:
            problems.append(Problem(document, 1, 1, f"{place}: a default is never taken over"))
            continue
        target, wrong = _target(element)
        if wrong:
            problems.append(Problem(document, 1, 1, f"{place}: {wrong}"))
        else:
            rows.append((str(element.get("code", "")), target))
    twice = {normal(text) for text, _ in rows}
    if len(twice) < len(rows):
        problems.append(Problem(document, 1, 1, "one text stands twice; keep one line of each"))
    if problems:
        raise DocumentError(problems)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEADER, *rows])
    return out.getvalue()


def _elements(source: bytes, document: str) -> Iterator[tuple[str, Json, bool]]:
    """Yield place and content of each element, and each default, of a ConceptMap."""
    try:
        found = json.loads(source) if len(source) <= _MAX else None
    except (ValueError, RecursionError):
        found = None
    known = found if isinstance(found, dict) else {}
    groups = known.get("group")
    if not isinstance(groups, list) or known.get("resourceType") != "ConceptMap":
        raise DocumentError([Problem(document, 1, 1, "is no ConceptMap with groups, as JSON")])
    for number, group in enumerate(groups, 1):
        elements = group.get("element") if isinstance(group, dict) else None
        if not isinstance(elements, list):
            raise DocumentError([Problem(document, 1, 1, f"group {number} has no elements")])
        if "unmapped" in group:
            yield f"group {number}.unmapped", {}, True
        for place, element in enumerate(elements, 1):
            whole = element if isinstance(element, dict) else {}
            yield f"group {number}, element {place}", whole, False


def _target(element: Json) -> tuple[str, str]:
    """Return the one code of an element, or what is wrong with it."""
    targets = element.get("target")
    if not str(element.get("code", "")).strip():
        return "", "has no code: the text of the source is needed"
    if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], dict):
        return "", "needs exactly one target"
    said, code = targets[0].get("equivalence"), targets[0].get("code")
    if said not in _SAME:
        return "", "is not equal or equivalent to its target; a person decides which code it is"
    return (code, "") if isinstance(code, str) and code else ("", "its target has no code")


def _name(text: str) -> str:
    """Return a name fit for programs (R4 invariants cmd-0, vsd-0, csd-0)."""
    return "".join(
        part.capitalize() for part in text.replace("_", "-").replace(".", "-").split("-")
    )
