"""FHIR R4 resources out of JSON: alone, one after another (NDJSON), in lists or in Bundles.

Modifier extensions are not understood here, so a resource that has one is refused: it may mean the
opposite of what it says (FHIR R4, Extensibility).
"""

from collections.abc import Iterator
from typing import Any

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part
from mappings.readers.json_records import json_records

Record = dict[str, Any]


def resources(part: Part) -> Iterator[tuple[str, Record]]:
    """Yield each resource with the address its Bundle gives it, or an empty one.

    Raises:
        SourceError: the part is no JSON of resources.
    """
    for number, record in enumerate(json_records(part), 1):
        kind = record.get("resourceType")
        if not isinstance(kind, str):
            raise SourceError(part.file, f"object {number}", "is no FHIR resource (resourceType)")
        if kind == "Bundle":
            yield from _entries(record, part)
        else:
            yield "", record


def _entries(bundle: Record, part: Part) -> Iterator[tuple[str, Record]]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise SourceError(part.file, "Bundle.entry", "is no list")
    for number, entry in enumerate(entries, 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            advice = "holds no resource; send a Bundle whose entries hold one each"
            raise SourceError(part.file, f"Bundle.entry {number}", advice)
        address = entry.get("fullUrl")
        yield address if isinstance(address, str) else "", resource


def refuse_modifier(resource: Record, part: Part, number: int) -> None:
    """Refuse what may mean the opposite of what it says.

    Raises:
        SourceError: the resource has a modifier extension.
    """
    if "modifierExtension" in resource:
        advice = "has a modifierExtension, which is not understood; send it without"
        raise SourceError(part.file, f"resource {number}", advice)


def address_of(reference: str) -> str:
    """Return ``Type/id`` of a literal or absolute reference, or the ``urn:`` as it is.

    >>> address_of("https://ehr.example/fhir/Patient/7/_history/2")
    'Patient/7'
    """
    if reference.startswith("urn:"):
        return reference
    plain = reference.partition("/_history/")[0]
    return "/".join(plain.rsplit("/", 2)[-2:])
