"""Cutting many coded rows alike: a hub's rows, of one type under one decision.

What is left of a member of a resource follows from the member alone, and rows say much the same:
it is worked out once for all that say the same there, and once for all that differ in nothing but
whom they refer to, whose pseudonym is put in its place. The bytes are joined.

INVARIANT: a row is byte for byte what :func:`bridge.gate.projection.project` makes of it. What a
plan is not sure of, that makes; and the first row of each outline is made both ways and compared.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.errors import GateError
from bridge.gate.authorise import CODED_ELEMENTS, Viewer
from bridge.gate.decisions import RecordDecision
from bridge.gate.projection import PERSON_TYPES, coded_member, project
from bridge.gate.released import GATE_MARK, ReleasedResource
from bridge.gate.riding import codes_of, labelled, riding
from bridge.identifiers import Identifiers
from bridge.store.vault import FoundRow, Stored
from consent.minimise import (
    anchoring,
    load_projection,
    may_leave,
    members_of,
    minimise_member,
    surely_keeps_its_meaning,
)

_MOST_KEPT: Final = 5_000
"""So many values of one member are remembered before they are forgotten."""
_MOST_PEOPLE: Final = 50_000
"""Of so many people, and referrals, pseudonyms are remembered before they are forgotten."""
_PERSONS: Final = frozenset(kind.encode() for kind in PERSON_TYPES)
_REFERENCE: Final = b'"reference":"'
_HOLE: Final = b"the-pseudonym-of-a-person"
_FIRST: Final = ("resourceType", "id", "meta")

_Halves = tuple[bytes, bytes]
_Piece = tuple[_Halves, _Halves]
"""What is left of a member, as it stands in a row and as it is sealed. Where it refers to a person
each has two halves, and the pseudonym stands between them; else the second is empty."""
_NOTHING: Final[_Piece] = ((b"", b""), (b"", b""))


@dataclass(frozen=True, slots=True)
class Coding:
    """For which hub rows are coded, and with what.

    Attributes:
        pseudonym: of an identifier, in UTF-8.
        seal: of what a row says.
    """

    viewer: Viewer
    identifiers: Identifiers
    pseudonym: Callable[[bytes], str]
    seal: Callable[[bytes], str]

    @classmethod
    def of(cls, viewer: Viewer, identifiers: Identifiers) -> "Coding":
        """Make it for a hub."""
        hub = viewer.organization
        return cls(
            viewer,
            identifiers,
            identifiers.pseudonymiser(hub),
            identifiers.sealer(hub, viewer.role),
        )


class RowPlan:
    """How rows of one type leave under one decision."""

    def __init__(self, kind: str, decided: RecordDecision, coding: Coding) -> None:
        self._kind, self._decided, self._coding = kind, decided, coding
        self._rides = riding(codes_of(decided))
        self._meta = labelled({}, self._rides, ())
        zone = decided.agreement.agreement.effective.tz if decided.agreement else "UTC"
        self._projection = load_projection(decided.view, zone)
        self._permitted = frozenset(e.slice.element for e in decided.permitted)
        names = members_of(kind, self._permitted, self._projection)
        # A Meta that is told, or a view that keeps no id: made one by one.
        sure = kind in CODED_ELEMENTS and "id" in names and "meta" not in names
        self._pieces: dict[str, dict[object, _Piece]] = {
            name: {} for name in (names.difference(_FIRST) if sure else ())
        }
        self._sure = sure
        told = orjson.dumps(self._meta)
        self._begun = b'{"resourceType":"%b","id":"%%b"' % kind.encode()
        self._begun += b',"meta":%b' % told.replace(b"%", b"%%") if self._meta else b""
        self._type = b'"resourceType":"%b"' % kind.encode()
        self._sealed_meta = b'"meta":%b' % orjson.dumps(self._meta, option=orjson.OPT_SORT_KEYS)
        self._people: dict[bytes, bytes] = {}
        self._anchoring = anchoring(kind, self._projection)
        self._leaves: dict[bytes, bool] = {}
        self._open: dict[tuple[str, bytes, bytes, bytes], _Piece | None] = {}
        self._outlines: dict[tuple[str, ...], tuple[int, ...]] = {}

    def row(self, found: FoundRow) -> ReleasedResource | None:
        """Return what leaves of one record, or None where nothing may.

        Raises:
            GateError: the two ways of making it disagree.
        """
        if not (self._sure and surely_keeps_its_meaning(found.body)):
            return self._whole(found.stored())
        resource: dict[str, Any] = orjson.loads(found.body)
        asked = [resource.get(name) for name in self._anchoring]
        known = self._leaves.get(said := orjson.dumps(asked))
        if known is None:
            known = self._learn_leaving(said, resource)
        if (
            not known
            or resource.get("resourceType") != found.type
            or type(resource.get("id")) is not str
        ):
            return self._whole(found.stored())
        return self._joined(found, resource)

    def _whole(self, stored: Stored) -> ReleasedResource | None:
        coding = self._coding
        asked = (stored, self._decided)
        return project(coding.viewer, asked, frozenset(), coding.identifiers, ())

    def _learn_leaving(self, said: bytes, resource: dict[str, Any]) -> bool:
        if len(self._leaves) >= _MOST_KEPT:
            self._leaves.clear()
        known = self._leaves[said] = may_leave(resource, self._permitted, self._projection)
        return known

    def _joined(self, found: FoundRow, resource: dict[str, Any]) -> ReleasedResource:
        own = self._coding.pseudonym(resource["id"].encode())
        named = own.encode()
        # In an order of its own; resourceType, id and meta come first in every row.
        names, plain = [*_FIRST], [self._begun % named]
        ordered = [self._type, b'"id":"%b"' % named, self._sealed_meta]
        for name, value in resource.items():
            if name in self._pieces:
                whole, sealed = self._member(name, value)
                if whole:
                    names.append(name)
                    plain.append(whole)
                    ordered.append(sealed)
        outline = tuple(names)
        proved = self._outlines.get(outline)
        order = proved or tuple(sorted(range(len(names)), key=names.__getitem__))
        made = ReleasedResource(
            type=found.type,
            id=own,
            version=self._coding.seal(b"{%b}" % b",".join([ordered[at] for at in order])),
            last_updated=found.last_updated,
            body=b",".join(plain) + b"}",
            notices=self._rides.notices,
            mark=GATE_MARK,
        )
        if proved is None:
            self._prove(found, made)
            self._outlines[outline] = order
        return made

    def _member(self, name: str, value: object) -> tuple[bytes, bytes]:
        """Return what is left of a member of one row; empty bytes for nothing."""
        known = self._pieces[name]
        said = value if isinstance(value, str) else orjson.dumps(value)
        piece, person = known.get(said), b""
        if piece is None:
            piece, person = self._worked_out(name, value, said)
        (before, after), (first, last) = piece
        if not after:
            return before, first
        other = self._people.get(person) or self._person(person)
        return before + other + after, first + other + last

    def _prove(self, found: FoundRow, made: ReleasedResource) -> None:
        if self._whole(found.stored()) != made:
            raise GateError("two ways of making a row disagree; nothing was released")

    def _person(self, person: bytes) -> bytes:
        if len(self._people) >= _MOST_PEOPLE:
            self._people.clear()
        other = self._people[person] = self._coding.pseudonym(person).encode()
        return other

    def _worked_out(self, name: str, value: object, said: object) -> tuple[_Piece, bytes]:
        """Return what is left of a member, and to whom it refers where it is open."""
        halved = _halved(said) if isinstance(said, bytes) else None
        if halved is not None:
            before, kind, person, after = halved
            key = (name, before, kind, after)
            if key not in self._open:
                self._open[key] = self._opened(name, value, person.decode())
                self._outlines.clear()  # each is proved again with it
            piece = self._open[key]
            if piece is not None:
                return piece, person
        kept = self._pieces[name]
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        left = self._left(name, value)
        piece = _NOTHING if left is None else _piece(name, left)
        kept[said] = piece
        return piece, b""

    def _left(self, name: str, value: object) -> object | None:
        kept = minimise_member((self._kind, name, value), self._permitted, self._projection)
        left: object | None = coded_member(kept, lambda i: self._coding.pseudonym(i.encode()))
        return left

    def _opened(self, name: str, value: object, person: str) -> _Piece | None:
        """Return a member with a place for the pseudonym; None where it has none, or several."""
        kept = minimise_member((self._kind, name, value), self._permitted, self._projection)
        left = coded_member(kept, lambda i: _HOLE.decode() if i == person else i)
        if left is None:
            return None
        (plain, _), (ordered, _) = _piece(name, left)
        told = person.encode() in plain
        if told or plain.count(_HOLE) != 1:
            return None
        (before, after), (first, last) = plain.split(_HOLE), ordered.split(_HOLE)
        return (before, after), (first, last)


def _piece(name: str, left: object) -> _Piece:
    said = {name: left}
    ordered = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return (orjson.dumps(said)[1:-1], b""), (ordered[1:-1], b"")


def _halved(said: bytes) -> tuple[bytes, bytes, bytes, bytes] | None:
    """Return a member that refers to one person: what is before, the type, the id, what is after.

    Nothing in it is escaped, so a quotation mark ends a text.
    """
    if said.count(_REFERENCE) != 1:
        return None
    before, _, reference = said.partition(_REFERENCE)
    target, _, after = reference.partition(b'"')
    kind, _, person = target.partition(b"/")
    return (before, kind, person, after) if kind in _PERSONS and person else None
