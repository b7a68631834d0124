"""Cutting many coded rows alike: a hub's rows, of one type under one decision.

What is left of a member of a resource follows from the member alone, and rows say much the same:
it is worked out once for all that say the same there, and once for all that differ in nothing but
whom they refer to, whose pseudonym is put in its place. Rows that say the same in every member of
which something may leave are written by one template; the other members are not even read, nor is a
row taken apart that has the shape of an earlier one (:mod:`bridge.gate.exports.row_shapes`), and
many that have one layout are told at once (:mod:`bridge.gate.exports.row_layouts`).

INVARIANT: a row is byte for byte what :func:`bridge.gate.projection.project` makes of it. What a
plan is not sure of, that makes; and the first row of each outline is made both ways and compared.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import orjson
from msgspec import MsgspecError, Raw
from msgspec.json import Decoder

from bridge.errors import GateError
from bridge.gate.authorise import CODED_ELEMENTS
from bridge.gate.decisions import RecordDecision
from bridge.gate.duties.riding import codes_of, labelled, riding
from bridge.gate.exports.row_coding import Coding, Pseudonyms
from bridge.gate.exports.row_layouts import Coder, Layouts, TakenApart, ToldLine
from bridge.gate.exports.row_pieces import (
    NOTHING,
    UNKNOWN,
    Left,
    Made,
    Pattern,
    Piece,
    halved,
    in_template,
    piece_of,
    templates_of,
)
from bridge.gate.exports.row_shapes import ESCAPE, Shape, shape_of
from bridge.gate.projection import coded_member, project
from bridge.store.vault import FoundRow
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
_MOST_SHAPES: Final = 12
"""So many shapes are tried on a row before it is taken apart."""
_HOLE: Final = b"the-pseudonym-of-a-person"
_FIRST: Final = ("resourceType", "id", "meta")

_MEMBERS: Final = Decoder(dict[str, Raw])
"""Reads the members of a resource as they are written."""

CodedRow = tuple[str, str, bytes]
"""What leaves of one record: its id and digest, as the ledger names them, and its line."""
_Halves = tuple[str, str] | None


class Found(Protocol):
    """A record that was found: what it says, and all there is of it where that is wanted."""

    @property
    def body(self) -> str:
        """What it says."""

    def whole(self) -> FoundRow:
        """Return all there is of it."""


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
        self._pieces: dict[str, dict[bytes, Piece]] = {
            name: {} for name in (names.difference(_FIRST) if sure else ())
        }
        self._sure = sure
        self._type = b'"%b"' % kind.encode()
        self._anchoring = anchoring(kind, self._projection)
        self._read = frozenset({*self._pieces, *self._anchoring, "resourceType"})
        self._people = Pseudonyms(coding.pseudonym)
        self._shapes: list[Shape] = []
        self._every: dict[tuple[str, bytes, bytes], Pattern] = {}
        self._open: dict[Pattern, Piece | None] = {}
        self._proved: set[tuple[str, ...]] = set()
        self._known: dict[tuple[object, ...], Made | None] = {}
        fixed = frozenset(self._anchoring)
        told = self._type, self._meta, self._read, fixed
        coder = Coder(*told, coding.pseudonyms, coding.seals, self._people)
        self._layouts = Layouts(coder)

    def told(self, bodies: Sequence[bytes]) -> list[ToldLine | None]:
        """Do :meth:`row` for many; None for each that is to be told by that."""
        return self._layouts.told(bodies)

    def known(self, body: str) -> CodedRow | None:
        """Do :meth:`row` for a row that says what one before it said, but for whose it is.

        None where it does not.
        """
        if ESCAPE in body:
            return None
        for n, shape in enumerate(self._shapes):
            fits = shape.fits(body)
            if fits is not None:
                if n:
                    self._shapes.insert(0, self._shapes.pop(n))
                made = shape.known.get(fits.group(*shape.said))
                if made is None:
                    return None
                return self._joined(made, fits.group(*shape.people)[:-1])
        return None

    def row(self, found: Found) -> CodedRow | None:
        """Return what leaves of one record, or None where nothing may.

        Raises:
            GateError: the two ways of making it disagree.
        """
        return self.known(found.body) or self._taken_apart(found)

    def sought(self, found: Found) -> CodedRow | None:
        """Do :meth:`row` for a row that :meth:`told` does not know, and learn from it."""
        if self._layouts.seeks(found.body):
            return self._taken_apart(found, seeking=True)
        return self.row(found)

    def _taken_apart(self, found: Found, *, seeking: bool = False) -> CodedRow | None:
        """Do :meth:`row` for a row that says what none before it said, or to learn its layout."""
        body = found.body
        members = self._members(body)
        own = bytes(members.get("id", b"")) if members else b""
        if members is None or own[:1] != b'"':
            return self._whole(found)
        said: list[object] = []
        people, halves = [own[1:-1].decode()], dict[str, _Halves]()
        for name, raw in members.items():
            if name in self._read:
                text = bytes(raw)
                pattern, person = self._pattern(name, text)
                said += (name, pattern or text)
                halves[name] = pattern.halves if pattern else None
                people += [person.decode()] if pattern else []
        key = tuple(said)
        made = self._known.get(key, UNKNOWN)
        if made is UNKNOWN:
            made = self._learn((found, people), key, members)
        if made is None:
            return self._whole(found)
        self._remember(made, body, members, halves)
        if seeking and ESCAPE not in body:
            self._lay_out(found, members)
        return self._joined(made, people)

    def _lay_out(self, found: Found, members: Mapping[str, Raw]) -> None:
        """Learn how rows leave that have the layout of one; it is proved on that."""
        texts = {name: bytes(raw) for name, raw in members.items()}
        said = {name: text for name, text in texts.items() if name in self._read}
        patterns = {name: self._pattern(name, text)[0] for name, text in said.items()}
        left = self._left_of(said)
        if left is None:
            return

        def alone() -> ToldLine | None:
            made = self._whole(found)
            return made and (made[0].encode(), made[1].encode(), made[2])

        if not self._layouts.learn(TakenApart(found.body.encode(), texts, patterns, left), alone):
            raise GateError("two ways of making a row disagree; nothing was released")

    def _remember(
        self,
        made: Made,
        body: str,
        members: Mapping[str, Raw],
        halves: Mapping[str, "_Halves"],
    ) -> None:
        """Keep how rows of one shape are written that say the same."""
        if ESCAPE in body:
            return
        shape = next((each for each in self._shapes if each.fits(body)), None)
        if shape is None and len(self._shapes) < _MOST_SHAPES:
            texts = {name: bytes(raw).decode() for name, raw in members.items()}
            shape = shape_of(texts, body, halves)
            self._shapes += [shape] if shape else []
        fits = shape and shape.fits(body)
        if shape and fits:
            if len(shape.known) >= _MOST_KEPT:
                shape.known.clear()
            shape.known[fits.group(*shape.said)] = made

    def _members(self, body: str) -> Mapping[str, Raw] | None:
        """Return the members as they are written; None where a row is to be made alone."""
        if not (self._sure and surely_keeps_its_meaning(body)):
            return None
        try:
            return _MEMBERS.decode(body)
        except MsgspecError:  # it is no object
            return None

    def _whole(self, found: Found) -> CodedRow | None:
        coding = self._coding
        asked = (found.whole().stored(), self._decided)
        made = project(coding.viewer, asked, frozenset(), coding.identifiers, ())
        return None if made is None else (made.id, made.version, made.body)

    def _learn(
        self,
        first: tuple[Found, Sequence[str]],
        key: tuple[object, ...],
        members: Mapping[str, Raw],
    ) -> Made | None:
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
        self, first: tuple[Found, Sequence[str]], said: Mapping[str, bytes]
    ) -> Made | None:
        """Put together what leaves of the members; None where one of them is not sure."""
        left = self._left_of(said)
        if left is None:
            return None
        made = Made.of(templates_of(self._type, self._meta, left))
        outline = (*left,)
        if outline not in self._proved:
            self._prove(first, made)
            self._proved.add(outline)
        return made

    def _left_of(self, said: Mapping[str, bytes]) -> Left | None:
        """Return what is left of the members; None where that is not sure of one."""
        left: dict[str, tuple[Piece, int]] = {}
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
        return left

    def _joined(self, made: Made, people: Sequence[str]) -> CodedRow:
        coding, known = self._coding, self._people
        own = coding.pseudonym(people[0].encode())
        named = [own.encode(), *[known[each.encode()] for each in people[1:]]]
        version = coding.seal(made.sealed % made.of_sealed(named))
        return own, version, made.plain % made.of_plain(named)

    def _prove(self, first: tuple[Found, Sequence[str]], made: Made) -> None:
        found, people = first
        if self._whole(found) != self._joined(made, people):
            raise GateError("two ways of making a row disagree; nothing was released")

    def _piece(self, name: str, text: bytes) -> Piece:
        """Return what is left of a member that says just this."""
        kept = self._pieces[name]
        if text not in kept:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            left = self._left(name, text, self._pseudonym)
            kept[text] = NOTHING if left is None else piece_of(name, left)
        return kept[text]

    def _pattern(self, name: str, text: bytes) -> tuple["Pattern | None", bytes]:
        """Return how a member refers to a person, and to whom; None where it does not."""
        found = halved(text)
        if found is None:
            return None, b""
        start, person, end = found
        if len(self._every) >= _MOST_KEPT:
            self._every.clear()
            self._open.clear()
        pattern = self._every.setdefault((name, start, end), Pattern(name, start, end))
        return pattern, person

    def _alike(self, pattern: "Pattern", said: tuple[bytes, bytes]) -> Piece | None:
        """Return what is left where it refers to a person; None where that is not sure."""
        if pattern not in self._open:
            self._open[pattern] = self._opened(pattern.name, said[0], said[1].decode())
            self._proved.clear()  # each is proved again with it
        return self._open[pattern]

    def _opened(self, name: str, text: bytes, person: str) -> Piece | None:
        left = self._left(name, text, lambda i: _HOLE.decode() if i == person else i)
        if left is None:
            return None
        plain, ordered = piece_of(name, left)
        if in_template(person.encode()) in plain or plain.count(_HOLE) != 1:
            return None
        return plain.replace(_HOLE, b"%b"), ordered.replace(_HOLE, b"%b")

    def _left(self, name: str, text: bytes, pseudonym: Callable[[str], str]) -> object | None:
        member = (self._kind, name, orjson.loads(text))
        kept = minimise_member(member, self._permitted, self._projection)
        left: object | None = coded_member(kept, pseudonym)
        return left

    def _pseudonym(self, identifier: str) -> str:
        return self._coding.pseudonym(identifier.encode())
