"""Ed-Fi students and what else an export says of them, whether it is XML or the API's JSON.

One row is one Student. Records that name the student (their education organisation, their school)
and the contacts linked to them are found by ``StudentUniqueId`` and ``ContactUniqueId``, as the
Ed-Fi Data Standard (v3 to v5) defines, or by the ``ref`` of a bulk file. Contacts are called
Parent up to version 4; a map says Contact. They are numbered from 1, the primary contact first.

A descriptor (``uri://ed-fi.org/SexDescriptor#Female``) is given on as its code value, ``Female``:
the namespace is each district's own. A school the student has left counts only when there is no
other; ``@open`` of a school's record is ``true`` unless it says when the student left.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part
from mappings.readers.record_places import RecordPlace, parse_place, values_at
from mappings.readers.table import Cells, Table

MAX_RECORDS: Final = 400_000
Record = dict[str, Any]
ReadRecords = Callable[[Part], Iterator[tuple[str, Record]]]
"""Gives the kind (in the map's words) and content of each record of a part."""
_Texts = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class EdfiWords:
    """How one binding of Ed-Fi names what the join needs.

    Attributes:
        records: every kind a map may name: the student, contacts, their link, then the others.
        student_key, contact_key: the identifier in the record itself.
        student_ref, contact_ref: the paths of the identifier in a record that points there.
        primary: member of a link that marks the primary contact.
        left: member of a school's record that says the student has left.
    """

    records: tuple[str, ...]
    student_key: str
    contact_keys: tuple[str, ...]
    student_ref: str
    contact_refs: tuple[str, ...]
    primary: str
    left: str

    @property
    def student(self) -> str:
        """Kind of the students' records."""
        return self.records[0]

    @property
    def contact(self) -> str:
        """Kind of the contacts' records."""
        return self.records[1]

    @property
    def link(self) -> str:
        """Kind of the records that link the two."""
        return self.records[2]


@dataclass(slots=True)
class _Said:
    """What one record says at the places asked of its kind."""

    texts: _Texts
    contact: str = ""
    rank: int = 0


@dataclass(slots=True)
class EdfiJoin:
    """An export read once, ready to give the rows of its students."""

    parts: list[Part]
    read: ReadRecords
    words: EdfiWords
    places: tuple[RecordPlace, ...]
    _contacts: dict[str, _Texts] = field(default_factory=dict, repr=False)
    _of_student: dict[str, dict[str, list[_Said]]] = field(default_factory=dict, repr=False)
    _students: int = 0
    _kept: int = 0

    def prepare(self) -> None:
        """Read everything once: prove it, and keep what belongs to students.

        Raises:
            SourceError: a part cannot be read, there is no student, or there is too much.
        """
        kinds: dict[str, None] = {}
        for part in self.parts:
            for kind, record in self.read(part):
                kinds[kind[:40]] = None
                self._take(kind, plain(record), part)
        if not self._students:
            held = ", ".join(list(kinds)[:5]) or "no record"
            advice = f"holds no {self.words.student} ({held}); give the students' file as well"
            raise SourceError(self.parts[0].file, "the whole file", advice)

    def _take(self, kind: str, record: Record, part: Part) -> None:
        if kind == self.words.student:
            self._students += 1
            return
        asked = [place for place in self.places if place.record == kind]
        if kind == self.words.contact:
            self._take_contact(record, asked, part)
        elif kind in self.words.records and (asked or kind == self.words.link):
            for student in values_at(record, self.words.student_ref)[:1]:
                said = self._said(kind, record, asked, part)
                self._of_student.setdefault(student, {}).setdefault(kind, []).append(said)
                self._count(part)

    def _take_contact(self, record: Record, asked: list[RecordPlace], part: Part) -> None:
        texts = tuple(tuple(place.texts(record)) for place in asked)
        keys = [key for path in self.words.contact_keys for key in values_at(record, path)]
        keys += [f"{part.file}#{key}" for key in values_at(record, "@id")]
        for key in keys:
            known = self._contacts.setdefault(key, texts)
            if known is not texts:
                # Two records of one contact: where they differ, nobody knows which is meant.
                self._contacts[key] = tuple(a + b for a, b in zip(known, texts, strict=True))
        self._count(part)

    def _said(self, kind: str, record: Record, asked: list[RecordPlace], part: Part) -> _Said:
        left = bool(values_at(record, self.words.left))
        opened = {**record, "@open": not left}
        texts = tuple(tuple(place.texts(opened)) for place in asked)
        if kind != self.words.link:
            return _Said(texts, rank=1 if left else 0)
        keys = [key for path in self.words.contact_refs for key in values_at(record, path)]
        refs = [f"{part.file}#{ref}" for ref in values_at(record, "ContactReference.@ref")]
        refs += [f"{part.file}#{ref}" for ref in values_at(record, "ParentReference.@ref")]
        primary = "true" in values_at(record, self.words.primary)
        return _Said(texts, next(iter([*keys, *refs]), ""), 0 if primary else 1)

    def _count(self, part: Part) -> None:
        self._kept += 1
        if self._kept > MAX_RECORDS:
            advice = f"holds more than {MAX_RECORDS:,} records to join; send one district at a time"
            raise SourceError(part.file, "the whole file", advice)

    def rows(self) -> Iterator[Cells]:
        """Yield one row for each student, in the order of the files."""
        for part in self.parts:
            for kind, record in self.read(part):
                if kind == self.words.student:
                    yield self._row(plain(record))

    def _row(self, record: Record) -> Cells:
        known = values_at(record, self.words.student_key)
        others = self._of_student.get(known[0], {}) if known else {}
        links = sorted(others.get(self.words.link, ()), key=lambda said: said.rank)
        return [place.one_of(self._texts(place, record, others, links)) for place in self.places]

    def _texts(
        self,
        place: RecordPlace,
        record: Record,
        others: dict[str, list[_Said]],
        links: list[_Said],
    ) -> Iterable[str]:
        if place.record == self.words.student:
            return place.texts(record)
        index = [p for p in self.places if p.record == place.record].index(place)
        if place.record in (self.words.contact, self.words.link):
            if not 0 < place.number <= len(links):
                return ()
            link = links[place.number - 1]
            found = link.texts if place.record == self.words.link else None
            texts = self._contacts.get(link.contact, ()) if found is None else found
            return texts[index] if texts else ()
        said = others.get(place.record, [])
        open_ = [one for one in said if not one.rank] or said
        return [text for one in open_ for text in one.texts[index]]


def edfi_table(
    file: str, parts: list[Part], reading: tuple[ReadRecords, EdfiWords], places: tuple[str, ...]
) -> Table:
    """Return the students as rows, one cell for each place.

    Raises:
        SourceError: see :meth:`EdfiJoin.prepare`.
    """
    read, words = reading
    join = EdfiJoin(parts, read, words, tuple(parse_place(place) for place in places))
    join.prepare()
    return Table(file, places, join.rows(), first_row=1, joined=True)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a record with each descriptor as its code value.

    >>> plain({"Sex": "uri://ed-fi.org/SexDescriptor#Female"})
    {'Sex': 'Female'}
    """
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and value.startswith("uri://") and "#" in value:
        return value.partition("#")[2]
    return value
