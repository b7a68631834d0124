"""Our own extensions, code systems and maps, as FHIR resources a server publishes.

Made from ``extensions.csv`` and ``terminology/*.csv``: a row added there is published.
"""

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from mappings.canonical import instruments
from mappings.fhir.canonicals import ACT_CODE, ACT_REASON, BASE, LOINC, SDOHCC_CODES, SNOMED
from mappings.fhir.elements import Json
from mappings.fhir.questionnaire_response import questionnaire_url
from mappings.fhir.terminology import TABLES, CodeTable, table

_TARGETS: Final = {
    "snomed": SNOMED,
    "loinc": LOINC,
    "encounter_class": ACT_CODE,
    "act_reason": ACT_REASON,
    "sdohcc": SDOHCC_CODES,
    "task_status": "http://hl7.org/fhir/task-status",
    "request_status": "http://hl7.org/fhir/request-status",
}
"""Column of a table -> the code system its cells are codes of; other columns are not codes."""


def extension_definitions() -> Iterator[Json]:
    """Yield the StructureDefinition of each of our extensions."""
    text = (files(__package__) / "extensions.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield _extension(row)


def code_systems() -> Iterator[Json]:
    """Yield each of our tables as a complete CodeSystem."""
    for found in map(table, TABLES):
        concepts = [{"code": code, "display": row["display"]} for code, row in found.rows.items()]
        yield _published("CodeSystem", found.name, found.system) | {
            "caseSensitive": True,
            "content": "complete",
            "count": len(concepts),
            "concept": concepts,
        }


def concept_maps() -> Iterator[Json]:
    """Yield a ConceptMap of each table that maps its codes to standard ones."""
    for found in map(table, TABLES):
        columns = next(iter(found.rows.values())).keys()
        groups = [_group(found, column) for column in columns if column in _TARGETS]
        if groups:
            url = f"{BASE}/ConceptMap/{found.name}"
            yield _published("ConceptMap", found.name, url) | {"group": groups}


def questionnaires() -> Iterator[Json]:
    """Yield a Questionnaire for each instrument whose answers we know: numbers, no wording."""
    asked: dict[str, list[Json]] = {}
    rows = table("screening-items").rows
    for item in instruments.items().values():
        kind = "boolean" if "yes" in item.answers else "integer"
        loinc = rows[item.code]["loinc"]
        code = {"code": [{"system": LOINC, "code": loinc}]} if loinc else {}
        asked.setdefault(item.instrument, []).append({"linkId": item.code, **code, "type": kind})
    for instrument, items in asked.items():
        url = questionnaire_url(instrument)
        body = {"subjectType": ["Patient"], "item": items}
        yield _published("Questionnaire", instrument, url) | body


def _published(resource_type: str, name: str, url: str) -> Json:
    return {
        "resourceType": resource_type,
        "id": name,
        "url": url,
        "version": "1.0.0",
        "name": "".join(part.capitalize() for part in name.split("-")),
        "status": "active",
        "experimental": False,
    }


def _group(found: CodeTable, column: str) -> Json:
    elements: list[Json] = []
    for code, row in found.rows.items():
        if row[column]:
            target = {"code": row[column], "equivalence": "relatedto"}
            elements.append({"code": code, "target": [target]})
    return {"source": found.system, "target": _TARGETS[column], "element": elements}


def _extension(row: dict[str, str]) -> Json:
    url = f"{BASE}/StructureDefinition/{row['name']}"
    contexts = [{"type": "element", "expression": name} for name in row["context"].split()]
    elements = list(_elements(row, url))
    return _published("StructureDefinition", row["name"], url) | {
        "description": row["text"],
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": contexts,
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "snapshot": {"element": elements},
        "differential": {"element": elements},
    }


def _elements(row: dict[str, str], url: str) -> Iterator[Json]:
    value: dict[str, Any] = {"type": [{"code": row["type"]}]}
    for name, low, high, more in (
        ("Extension", 0, "*", {"definition": row["text"]}),
        ("Extension.extension", 0, "0", {}),
        ("Extension.url", 1, "1", {"fixedUri": url}),
        ("Extension.value[x]", 1, "1", value),
    ):
        yield {"id": name, "path": name, "min": low, "max": high, **more}
