"""Cutting many coded rows alike: a hub's rows, of one type under one decision.

What is left of a member of a resource follows from the member alone, and rows say much the same:
it is worked out once for all that say the same there, and once for all that differ in nothing but
whom they refer to, whose pseudonym is put in its place. Rows that say the same in every member of
which something may leave are written by one template; the other members are not even read.

INVARIANT: a row is byte for byte what :func:`bridge.gate.projection.project` makes of it. What a
plan is not sure of, that makes; and the first row of each outline is made both ways and compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import orjson
from msgspec import MsgspecError, Raw
from msgspec.json import Decoder

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
_MOST_PEOPLE: Final = 20_000
"""Of so many people, and referrals, pseudonyms are remembered before they are forgotten."""
_PERSONS: Final = frozenset(kind.encode() for kind in PERSON_TYPES)
_REFERENCE: Final = b'"reference":"'
_HOLE: Final = b"the-pseudonym-of-a-person"
_FIRST: Final = ("resourceType", "id", "meta")

_MEMBERS: Final = Decoder(dict[str, Raw])
"""Reads the members of a resource as they are written."""

_Piece = tuple[bytes, bytes]
"""What is left of a member, as it stands in a row and as it is sealed: each a template of bytes,
with a place for a pseudonym where the member refers to a person."""
_NOTHING: Final[_Piece] = (b"", b"")


@dataclass(frozen=True, slots=True)
class _Made:
    """How rows that say the same are written, and how they are sealed.

    Of the pseudonyms of the record and of the persons it refers to, in the order in which it does,
    those that ``of_plain`` and ``of_sealed`` take go into the one and the other template.
    """

    plain: bytes
    sealed: bytes
    of_plain: Callable[[Sequence[bytes]], Any]
    of_sealed: Callable[[Sequence[bytes]], Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    """How a member refers to a person: what stands before and after the id."""

    name: str
    start: bytes
    end: bytes

    def person_in(self, said: bytes) -> bytes:
        """Return to whom a member refers that says the same otherwise; nothing where it does not.

        Without a quotation mark the id is nothing but an id (:func:`_halved`).
        """
        person = said[len(self.start) : -len(self.end)]
        same = said.startswith(self.start) and said.endswith(self.end)
        return person if same and b'"' not in person else b""


_UNKNOWN: Final = _Made(b"", b"", itemgetter(0), itemgetter(0))


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
        self._pieces: dict[str, dict[bytes, _Piece]] = {
            name: {} for name in (names.difference(_FIRST) if sure else ())
        }
        self._sure = sure
        self._type = b'"%b"' % kind.encode()
        self._anchoring = anchoring(kind, self._projection)
        self._read = frozenset({*self._pieces, *self._anchoring, "resourceType"})
        self._people: dict[bytes, bytes] = {}
        self._patterns: dict[str, _Pattern] = {}
        self._every: dict[tuple[str, bytes, bytes], _Pattern] = {}
        self._open: dict[_Pattern, _Piece | None] = {}
        self._proved: set[tuple[str, ...]] = set()
        self._known: dict[tuple[object, ...], _Made | None] = {}

    def row(self, found: FoundRow) -> ReleasedResource | None:
        """Return what leaves of one record, or None where nothing may.

        Raises:
            GateError: the two ways of making it disagree.
        """
        members = self._members(found.body)
        own = bytes(members.get("id", b"")) if members else b""
        if members is None or own[:1] != b'"':
            return self._whole(found.stored())
        said: list[object] = []
        people, patterns = [own[1:-1]], self._patterns
        for name, raw in members.items():
            if name in self._read:
                text = bytes(raw)
                pattern = patterns.get(name)
                person = pattern.person_in(text) if pattern else b""
                if not person:
                    refers = _REFERENCE in text
                    pattern, person = self._pattern(name, text) if refers else (None, b"")
                said += (name, pattern or text)
                if pattern:
                    people.append(person)
        key = tuple(said)
        made = self._known.get(key, _UNKNOWN)
        if made is _UNKNOWN:
            made = self._learn((found, people), key, members)
        return self._whole(found.stored()) if made is None else self._joined(found, made, people)

    def _members(self, body: str) -> Mapping[str, Raw] | None:
        """Return the members as they are written; None where a row is to be made alone."""
        if not (self._sure and surely_keeps_its_meaning(body)):
            return None
        try:
            return _MEMBERS.decode(body)
        except MsgspecError:  # it is no object
            return None

    def _whole(self, stored: Stored) -> ReleasedResource | None:
        coding = self._coding
        asked = (stored, self._decided)
        return project(coding.viewer, asked, frozenset(), coding.identifiers, ())

    def _learn(
        self,
        first: tuple[FoundRow, Sequence[bytes]],
        key: tuple[object, ...],
        members: Mapping[str, Raw],
    ) -> _Made | None:
        """Work out how rows that say the same are written; None where each is made alone."""
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        said = {name: bytes(raw) for name, raw in members.items() if name in self._read}
        asked = {name: orjson.loads(said[name]) for name in self._anchoring if name in said}
        asked["resourceType"] = self._kind
        made = None
        if said.get("resourceType") == self._type and may_leave(
            asked, self._permitted, self._projection
        ):
            made = self._worked_out(first, said)
        self._known[key] = made
        return made

    def _worked_out(
        self, first: tuple[FoundRow, Sequence[bytes]], said: Mapping[str, bytes]
    ) -> _Made | None:
        """Put together what leaves of the members; None where one of them is not sure."""
        left: dict[str, tuple[_Piece, int]] = {}
        number = 0
        for name, text in said.items():
            pattern, person = self._pattern(name, text)
            number += pattern is not None
            if name in self._pieces:
                piece = self._alike(pattern, (text, person)) if pattern else self._piece(name, text)
                if piece is None:
                    return None
                if piece[0]:
                    left[name] = piece, number if pattern else 0
        made = self._templates(left)
        outline = (*left,)
        if outline not in self._proved:
            self._prove(first, made)
            self._proved.add(outline)
        return made

    def _templates(self, left: Mapping[str, tuple[_Piece, int]]) -> _Made:
        """Join what is left of the members; each says the number of the person it refers to."""
        plain = [b'"resourceType":' + self._type, b'"id":"%b"']
        sealed = {"resourceType": (plain[0], 0), "id": (plain[1], 0)}
        told = orjson.dumps(self._meta)
        plain += [b'"meta":' + _text(told)] if self._meta else []
        ordered = orjson.dumps(self._meta, option=orjson.OPT_SORT_KEYS)
        sealed["meta"] = b'"meta":' + _text(ordered), 0
        plain += [piece for (piece, _), _ in left.values()]
        sealed |= {name: (piece, at) for name, ((_, piece), at) in left.items()}
        in_order = [sealed[name] for name in sorted(sealed)]
        return _Made(
            b"{%b}" % b",".join(plain),
            b"{%b}" % b",".join(piece for piece, _ in in_order),
            itemgetter(0, *(at for _, at in left.values() if at)),
            itemgetter(*(at for piece, at in in_order if at or piece == plain[1])),
        )

    def _joined(self, found: FoundRow, made: _Made, people: Sequence[bytes]) -> ReleasedResource:
        own, known = self._coding.pseudonym(people[0]), self._people
        named = [own.encode(), *[known.get(each) or self._person(each) for each in people[1:]]]
        return ReleasedResource(
            type=found.type,
            id=own,
            version=self._coding.seal(made.sealed % made.of_sealed(named)),
            last_updated=found.last_updated,
            body=made.plain % made.of_plain(named),
            notices=self._rides.notices,
            mark=GATE_MARK,
        )

    def _prove(self, first: tuple[FoundRow, Sequence[bytes]], made: _Made) -> None:
        found, people = first
        if self._whole(found.stored()) != self._joined(found, made, people):
            raise GateError("two ways of making a row disagree; nothing was released")

    def _person(self, person: bytes) -> bytes:
        if len(self._people) >= _MOST_PEOPLE:
            self._people.clear()
        other = self._people[person] = self._coding.pseudonym(person).encode()
        return other

    def _piece(self, name: str, text: bytes) -> _Piece:
        """Return what is left of a member that says just this."""
        kept = self._pieces[name]
        if text not in kept:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            left = self._left(name, text, self._pseudonym)
            kept[text] = _NOTHING if left is None else _written(name, left)
        return kept[text]

    def _pattern(self, name: str, text: bytes) -> tuple["_Pattern | None", bytes]:
        """Return how a member refers to a person, and to whom; None where it does not."""
        halved = _halved(text)
        if halved is None:
            return None, b""
        start, person, end = halved
        if len(self._every) >= _MOST_KEPT:
            for kept in (self._every, self._patterns, self._open):
                kept.clear()
        pattern = self._every.setdefault((name, start, end), _Pattern(name, start, end))
        self._patterns[name] = pattern
        return pattern, person

    def _alike(self, pattern: "_Pattern", said: tuple[bytes, bytes]) -> _Piece | None:
        """Return what is left where it refers to a person; None where that is not sure."""
        if pattern not in self._open:
            self._open[pattern] = self._opened(pattern.name, said[0], said[1].decode())
            self._proved.clear()  # each is proved again with it
        return self._open[pattern]

    def _opened(self, name: str, text: bytes, person: str) -> _Piece | None:
        left = self._left(name, text, lambda i: _HOLE.decode() if i == person else i)
        if left is None:
            return None
        plain, ordered = _written(name, left)
        if _text(person.encode()) in plain or plain.count(_HOLE) != 1:
            return None
        return plain.replace(_HOLE, b"%b"), ordered.replace(_HOLE, b"%b")

    def _left(self, name: str, text: bytes, pseudonym: Callable[[str], str]) -> object | None:
        member = (self._kind, name, orjson.loads(text))
        kept = minimise_member(member, self._permitted, self._projection)
        left: object | None = coded_member(kept, pseudonym)
        return left

    def _pseudonym(self, identifier: str) -> str:
        return self._coding.pseudonym(identifier.encode())


def _written(name: str, left: object) -> _Piece:
    said = {name: left}
    ordered = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return _text(orjson.dumps(said)[1:-1]), _text(ordered[1:-1])


def _text(written: bytes) -> bytes:
    """Return bytes as they stand in a template."""
    return written.replace(b"%", b"%%")


def _halved(said: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return a member that refers to one person: what is before the id, the id, what is after.

    Nothing in it is escaped, so a quotation mark ends a text.
    """
    if said.count(_REFERENCE) != 1:
        return None
    before, _, reference = said.partition(_REFERENCE)
    target, _, after = reference.partition(b'"')
    kind, _, person = target.partition(b"/")
    if kind not in _PERSONS or not person:
        return None
    return before + _REFERENCE + kind + b"/", person, b'"' + after
