"""FHIR R4 JSON of referrals: a Bundle, an NDJSON file, a folder or zip of them.

One row is one ServiceRequest. What it refers to is found by ``Type/id``, by the ``fullUrl`` of a
Bundle's entry or by an absolute address that ends in ``Type/id``: the Patient, the requester, and
each RelatedPerson of that patient, numbered from 1. Places are written as FHIR names elements:
``ServiceRequest.authoredOn``, ``Patient.name.family``, ``RelatedPerson.1.telecom.value where system
is phone``.

A referral or patient marked as an error is refused, and so is a modifier extension.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.fhir_resources import Record, address_of, refuse_modifier, resources
from mappings.readers.folder_parts import Part, parts_of
from mappings.readers.record_places import RecordPlace, parse_place, values_at
from mappings.readers.table import Cells, Table

RECORDS: Final = (
    *("ServiceRequest", "Patient", "RelatedPerson", "Practitioner", "PractitionerRole"),
    "Organization",
)
MAX_RESOURCES: Final = 400_000
_REFERRAL: Final = "ServiceRequest"
_REQUESTERS: Final = ("Practitioner", "PractitionerRole", "Organization")

_Texts = tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Resources:
    """The resources read once: what is asked of each, by address, and who is related to whom."""

    parts: list[Part]
    places: tuple[RecordPlace, ...]
    by_address: dict[str, _Texts] = field(default_factory=dict)
    related: dict[str, list[_Texts]] = field(default_factory=dict)
    referrals: int = 0
    kept: int = 0

    def asked(self, kind: str) -> list[RecordPlace]:
        """Return the places of one kind of resource."""
        return [place for place in self.places if place.record == kind]

    def prepare(self) -> None:
        """Read everything once."""
        for part in self.parts:
            for number, (address, resource) in enumerate(resources(part), 1):
                _refuse_unsafe(resource, part, number)
                self._take(address, resource, part)
        if not self.referrals:
            advice = "holds no ServiceRequest; a referral in FHIR is one"
            raise SourceError(self.parts[0].file, "the whole file", advice)

    def _take(self, address: str, resource: Record, part: Part) -> None:
        kind = str(resource["resourceType"])
        if kind == _REFERRAL:
            self.referrals += 1
            return
        if kind not in RECORDS:
            return
        self.kept += 1
        if self.kept > MAX_RESOURCES:
            advice = f"holds more than {MAX_RESOURCES:,} resources to join; send it in parts"
            raise SourceError(part.file, "the whole file", advice)
        texts = tuple(tuple(place.texts(resource)) for place in self.asked(kind))
        if kind == "RelatedPerson":
            for patient in values_at(resource, "patient.reference")[:1]:
                self.related.setdefault(address_of(patient), []).append(texts)
        own = [f"{kind}/{id_}" for id_ in values_at(resource, "id")]
        for key in {*own, *([address_of(address)] if address else [])}:
            known = self.by_address.setdefault(key, texts)
            if known is not texts and known != texts:
                self.by_address[key] = tuple(a + b for a, b in zip(known, texts, strict=True))

    def rows(self) -> Iterator[Cells]:
        """Yield one row for each ServiceRequest, in the order of the files."""
        for part in self.parts:
            for _, resource in resources(part):
                if resource["resourceType"] == _REFERRAL:
                    yield self._row(resource)

    def _row(self, referral: Record) -> Cells:
        subject = [address_of(text) for text in values_at(referral, "subject.reference")]
        requester = [address_of(text) for text in values_at(referral, "requester.reference")]
        found: dict[str, list[_Texts]] = {_REFERRAL: []}
        found["Patient"] = [self.by_address[key] for key in subject if key in self.by_address]
        found["RelatedPerson"] = [row for key in subject for row in self.related.get(key, ())]
        for kind in _REQUESTERS:
            keys = [key for key in requester if key.startswith(f"{kind}/") or ":" in key]
            found[kind] = [self.by_address[key] for key in keys if key in self.by_address]
        return [place.one_of(self._texts(place, referral, found)) for place in self.places]

    def _texts(
        self, place: RecordPlace, referral: Record, found: dict[str, list[_Texts]]
    ) -> list[str]:
        if place.record == _REFERRAL:
            return place.texts(referral)
        index = self.asked(place.record).index(place)
        rows = found[place.record]
        if place.number:
            rows = rows[place.number - 1 : place.number]
        return [text for row in rows if index < len(row) for text in row[index]]


def read_fhir(path: Path, places: tuple[str, ...]) -> Table:
    """Read FHIR resources as rows of referrals.

    Raises:
        SourceError: no JSON of resources, no ServiceRequest, a modifier extension, something
            entered in error. Raised before any row is given.
    """
    parts = parts_of(path, (".json", ".ndjson", ".jsonl"))
    found = _Resources(parts, tuple(parse_place(place) for place in places))
    found.prepare()
    return Table(path.name, places, found.rows(), first_row=1, joined=True)


def _refuse_unsafe(resource: Record, part: Part, number: int) -> None:
    if resource["resourceType"] not in RECORDS:
        return
    refuse_modifier(resource, part, number)
    if resource.get("status") == "entered-in-error":
        raise SourceError(part.file, f"resource {number}", "was entered in error; leave it out")
