"""FHIR R4 JSON of visits: a Bundle, an NDJSON file, a folder or zip of them.

One row is one Encounter or Appointment, called ``Session`` where it does not matter which
(``Session.status``). What it refers to is found in the same files: its Patient, ServiceRequest,
Location, Practitioner and PractitionerRole, and what the PractitionerRole refers to. Places are
written as FHIR names elements: ``Encounter.period.start``, ``Patient.identifier.value where system
is https://...``.

A resource that was entered in error often comes as little more than its id and status; it is a row
like any other, and the map says that such a status is no visit. A visit with a modifier extension
is refused.
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

MAX_LINKED: Final = 400_000
_SESSION: Final = "Session"
_KINDS: Final = ("Encounter", "Appointment")
_LINKED: Final = ("Patient", "ServiceRequest", "Location", "Practitioner", "PractitionerRole")
RECORDS: Final = (_SESSION, *_KINDS, *_LINKED)
_LINKS: Final = (
    *("subject", "basedOn", "location.location", "participant.individual", "participant.actor"),
)

_Texts = list[list[str]]


@dataclass(frozen=True, slots=True)
class _Linked:
    """What is kept of a resource that a visit may refer to.

    Attributes:
        kind: of resource.
        texts: the texts at each place asked of its kind.
        further: addresses it refers to itself.
    """

    kind: str
    texts: _Texts
    further: tuple[str, ...] = ()


@dataclass(slots=True)
class _Visits:
    """The files read once: what visits may refer to, by address."""

    parts: list[Part]
    places: tuple[RecordPlace, ...]
    linked: dict[str, _Linked] = field(default_factory=dict)

    def prepare(self) -> None:
        """Read everything once.

        Raises:
            SourceError: there is no visit, or something that cannot be read.
        """
        visits = 0
        for part in self.parts:
            for number, (address, resource) in enumerate(resources(part), 1):
                if resource["resourceType"] in _KINDS:
                    refuse_modifier(resource, part, number)
                    visits += 1
                elif resource["resourceType"] in _LINKED:
                    refuse_modifier(resource, part, number)
                    self._keep(address, resource, part)
        if not visits:
            advice = "holds no Encounter and no Appointment; a visit in FHIR is one"
            raise SourceError(self.parts[0].file, "the whole file", advice)

    def _keep(self, address: str, resource: Record, part: Part) -> None:
        kind = resource["resourceType"]
        if len(self.linked) >= MAX_LINKED:
            advice = f"holds more than {MAX_LINKED:,} resources to join; send it in parts"
            raise SourceError(part.file, "the whole file", advice)
        texts = [place.texts(resource) for place in self._asked(kind)]
        further = values_at(resource, "practitioner.reference")
        found = _Linked(kind, texts, tuple(map(address_of, further)))
        own = [f"{kind}/{id_}" for id_ in values_at(resource, "id")]
        for key in {*own, *([address_of(address)] if address else [])}:
            known = self.linked.setdefault(key, found)
            if known != found and known.kind == kind:
                # Two versions of one resource: where they differ, neither is believed.
                both = [[*a, *b] for a, b in zip(known.texts, texts, strict=True)]
                self.linked[key] = _Linked(kind, both, known.further)

    def _asked(self, kind: str) -> list[RecordPlace]:
        return [place for place in self.places if place.record == kind]

    def rows(self) -> Iterator[Cells]:
        """Yield one row for each visit, in the order of the files."""
        for part in self.parts:
            for _, resource in resources(part):
                if resource["resourceType"] in _KINDS:
                    yield self._row(resource)

    def _row(self, visit: Record) -> Cells:
        links = [address_of(text) for at in _LINKS for text in values_at(visit, f"{at}.reference")]
        found = [(link, self.linked[link]) for link in links if link in self.linked]
        further = [key for _, linked in found for key in linked.further if key in self.linked]
        found += [(key, self.linked[key]) for key in further]
        return [place.one_of(self._texts(place, visit, found)) for place in self.places]

    def _texts(
        self, place: RecordPlace, visit: Record, found: list[tuple[str, _Linked]]
    ) -> list[str]:
        if place.record in (_SESSION, *_KINDS):
            own = place.record in (_SESSION, visit["resourceType"])
            return place.texts(visit) if own else []
        index = self._asked(place.record).index(place)
        rows = [linked.texts for linked in dict(found).values() if linked.kind == place.record]
        return [text for row in rows for text in row[index]]


def read_fhir_sessions(path: Path, places: tuple[str, ...]) -> Table:
    """Read FHIR resources as rows of visits.

    Raises:
        SourceError: no JSON of resources, no visit, a modifier extension. Raised before any row is
            given.
    """
    parts = parts_of(path, (".json", ".ndjson", ".jsonl"))
    visits = _Visits(parts, tuple(parse_place(place) for place in places))
    visits.prepare()
    return Table(path.name, places, visits.rows(), first_row=1, joined=True)
