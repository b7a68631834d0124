"""Telling many rows at once: rows whose JSON has one layout, cut up together.

Rows of one layout are as long as each other and say the same but for holes, which are in the same
places: the record's own id, the ids of whom it refers to, members that say now this and now that
(a period), and strings in members that are not read. So they are cut at those places in one go, and
what leaves is joined column by column: no row costs a call of its own.

INVARIANT: a row fits a layout only if taking it apart (:mod:`bridge.gate.exports.row_plans`) would
find the same members, and leaves as that would have it leave. Outside of holes it is letter by
letter a row that was taken apart. In a hole is a text that ends where that row's did, as no
quotation mark and nothing escaped is in it; or a member that is letter by letter one of another row
that was taken apart. Each layout is proved on the row it was learned from.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from struct import Struct
from typing import Final, NamedTuple

from bridge.gate.exports.row_pieces import Left, Pattern, Piece, templates_of, texts_of

_MOST_LAYOUTS: Final = 4
"""Of so many layouts one length of rows has at most; each costs a row that fits none a look."""
_MOST_TRIES: Final = 32
"""So often a layout is sought for rows of one length."""
_MOST_LENGTHS: Final = 200
_MOST_VALUES: Final = 2_000
"""So many values of one member are remembered before they are forgotten."""
_STRING: Final = re.compile(rb'"[^"]*"(?=:)|"([^"]*)"')
_PLACE: Final[Piece] = (b"%b", b"%b")

ToldLine = tuple[bytes, bytes, bytes]
"""What leaves of one record: its id and digest, as the ledger names them, and its line."""


class Field(NamedTuple):
    """A piece of a row that another row may have otherwise: from where to where.

    ``who`` is 0 for the record's own id, and counts from 1 whom it refers to; ``name`` is that of a
    member. A piece with neither is a string that is not read.
    """

    start: int
    end: int
    who: int = -1
    name: str = ""


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A row that was taken apart, in which nothing is escaped.

    Attributes:
        patterns: of members that are read and refer to a person, how.
        left: what is left of the members.
    """

    text: bytes
    members: Mapping[str, bytes]
    patterns: Mapping[str, Pattern | None]
    left: Left


@dataclass(frozen=True, slots=True)
class Coder:
    """What makes rows a hub's.

    Attributes:
        kind: the type of the resource, as JSON.
        meta: what is told of the rows themselves.
        read: names of the members that are read.
        fixed: of them, those on which it depends whether a row may leave at all.
        pseudonyms, seals: of many at once.
        people: the pseudonyms of those whom rows refer to.
    """

    kind: bytes
    meta: Mapping[str, object]
    read: frozenset[str]
    fixed: frozenset[str]
    pseudonyms: Callable[[Iterable[bytes]], list[bytes]]
    seals: Callable[[Iterable[bytes]], list[bytes]]
    people: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """One layout.

    Attributes:
        first: a row that has it.
        fields: of it, all that may ever be a hole.
        holes: those that are, in order.
        same: what is before, between and after them.
        plain, sealed: what stands before, between and after what is put in, and what that is: of
            the record and whom it refers to (0, 1, ..), then of the members that are holes.
    """

    first: bytes
    fields: tuple[Field, ...]
    holes: tuple[Field, ...]
    same: tuple[bytes, ...]
    cut: Callable[[bytes], Iterator[tuple[bytes, ...]]]
    plain: tuple[tuple[bytes, ...], tuple[int, ...]]
    sealed: tuple[tuple[bytes, ...], tuple[int, ...]]


@dataclass(slots=True)
class _Lot:
    """What is known of rows of one length."""

    layouts: list[_Layout] = field(default_factory=list)
    tries: int = 0


class Layouts:
    """The layouts of the rows of one plan, learned from rows that were taken apart."""

    def __init__(self, coder: Coder) -> None:
        self._coder = coder
        self._lots: dict[int, _Lot] = {}
        self._plain: dict[str, dict[bytes, bytes]] = {}
        self._sealed: dict[str, dict[bytes, bytes]] = {}

    def told(self, bodies: Sequence[bytes]) -> list[ToldLine | None]:
        """Return what leaves of rows; None for each that fits no layout."""
        told: list[ToldLine | None] = [None] * len(bodies)
        lengths = list(map(len, bodies))
        for length in set(lengths) & self._lots.keys():
            rest = [n for n, each in enumerate(lengths) if each == length]
            for layout in self._lots[length].layouts:
                rest = self._tell(layout, bodies, rest, told) if rest else rest
        return told

    def _tell(
        self,
        layout: _Layout,
        some: Sequence[bytes],
        at: Sequence[int],
        told: list[ToldLine | None],
    ) -> list[int]:
        """Tell those rows that fit a layout; returns which do not."""
        cut = list(layout.cut(b"".join([some[n] for n in at])))
        same = layout.same
        fits = [n for n, row in enumerate(cut) if row[::2] == same]
        chosen = cut if len(fits) == len(at) else [cut[n] for n in fits]
        columns = self._columns(layout, chosen)
        if columns is None:
            fits = [n for n in fits if self._columns(layout, [cut[n]]) is not None]
            columns = self._columns(layout, [cut[n] for n in fits])
        if not columns:
            return list(at)
        for n, one in zip(fits, self._joined(layout, columns), strict=True):
            told[at[n]] = one
        if len(fits) == len(at):
            return []
        fitting = set(fits)
        return [n for place, n in enumerate(at) if place not in fitting]

    def _columns(
        self, layout: _Layout, cut: Sequence[tuple[bytes, ...]]
    ) -> list[tuple[bytes, ...]] | None:
        """Return what is in the holes of rows; None where it does not fit in one of them."""
        columns = list(zip(*cut, strict=True))[1::2]
        holes = list(zip(layout.holes, columns, strict=False))
        opened = b"".join([b"".join(column) for hole, column in holes if not hole.name])
        if b'"' in opened or b"\\" in opened:
            return None
        for hole, column in holes:
            if hole.name and not self._plain[hole.name].keys() >= set(column):
                return None
        return columns

    def _joined(self, layout: _Layout, columns: Sequence[Sequence[bytes]]) -> Iterator[ToldLine]:
        """Put together what leaves of rows, of what is in their holes."""
        coder, holes = self._coder, list(zip(layout.holes, columns, strict=True))
        who = {hole.who: column for hole, column in holes if hole.who >= 0}
        own = coder.pseudonyms(who.pop(0))
        named = [own, *(list(map(coder.people.__getitem__, who[n])) for n in sorted(who))]
        values = [(hole.name, column) for hole, column in holes if hole.name]
        plain = [list(map(self._plain[name].__getitem__, column)) for name, column in values]
        sealed = [list(map(self._sealed[name].__getitem__, column)) for name, column in values]
        digests = coder.seals(_filled(layout.sealed, [*named, *sealed]))
        return zip(own, digests, _filled(layout.plain, [*named, *plain]), strict=True)

    def seeks(self, body: str) -> bool:
        """Tell whether a row that fits none is to be taken apart for its layout, now it came."""
        length = len(body) if body.isascii() else len(body.encode())
        lot = self._lots.get(length)
        if lot is None:
            if len(self._lots) < _MOST_LENGTHS:
                self._lots[length] = _Lot()
            return False  # such a row may never come again
        return lot.tries < _MOST_TRIES

    def learn(self, row: TakenApart, alone: Callable[[], ToldLine | None]) -> bool:
        """Learn the layout of a row of a length that is sought for.

        Tells whether the row comes out as it does when it is made alone.
        """
        lot, fields = self._lots.get(len(row.text)), _fields(self._coder, row)
        if lot is None or fields is None:
            return True
        holes = {each for each in fields if each.who >= 0}
        old = next((each for each in lot.layouts if _is_like(each, row.text, fields)), None)
        if old:
            holes |= {*old.holes, *_differing(old.first, row.text, fields)}
        self._remember(row, [each.name for each in holes if each.name])
        if old and len(holes) == len(old.holes):
            return True  # it has this layout, and a member that says something new
        lot.tries += 1
        if not old and len(lot.layouts) >= _MOST_LAYOUTS:
            return True
        made, told = self._made(row, fields, holes), list[ToldLine | None]([None])
        self._tell(made, [row.text], [0], told)
        lot.layouts = [made, *(each for each in lot.layouts if each is not old)]
        return told == [alone()]

    def _remember(self, row: TakenApart, names: Iterable[str]) -> None:
        """Keep what is left of members that say now this and now that."""
        for name in names:
            plain, sealed = self._plain.setdefault(name, {}), self._sealed.setdefault(name, {})
            if len(plain) >= _MOST_VALUES:
                plain.clear()
                sealed.clear()
            text, (piece, ordered) = row.members[name], row.left[name][0]
            plain[text], sealed[text] = piece % (), ordered % ()

    def _made(self, row: TakenApart, fields: Sequence[Field], holes: Iterable[Field]) -> _Layout:
        inside = tuple(sorted(holes))
        names = [each.name for each in inside if each.name]
        first = 1 + max(each.who for each in inside)
        places = {name: (_PLACE, first + n) for n, name in enumerate(names)}
        left = {name: places.get(name, piece) for name, piece in row.left.items()}
        written = templates_of(self._coder.kind, self._coder.meta, left)
        texts = _between(row.text, inside)
        lengths = [len(text) for text in texts]
        for n, hole in enumerate(inside):
            lengths.insert(2 * n + 1, hole.end - hole.start)
        return _Layout(
            *(row.text, tuple(fields), inside, texts),
            Struct("".join(f"{length}s" for length in lengths)).iter_unpack,
            (texts_of(written.plain), written.in_plain),
            (texts_of(written.sealed), written.in_sealed),
        )


def _fields(coder: Coder, row: TakenApart) -> tuple[Field, ...] | None:
    """Return what may differ in rows like one; None where it is not written as we write JSON."""
    written = b",".join([b'"%b":%b' % (n.encode(), text) for n, text in row.members.items()])
    if b"{%b}" % written != row.text:
        return None  # spaces, or a member twice
    at, fields, who = 1, list[Field](), 0
    for name, text in row.members.items():
        at += len(name.encode()) + len(b'"":')
        pattern = row.patterns.get(name)
        if name == "id":
            fields.append(Field(at + 1, at + len(text) - 1, 0))
        elif pattern:
            who += 1
            end = at + len(text) - len(pattern.end)
            fields.append(Field(at + len(pattern.start), end, who))
        elif name not in coder.read:
            found = (each.span(1) for each in _STRING.finditer(text) if each[1] is not None)
            fields += [Field(at + start, at + end) for start, end in found]
        elif name in row.left and name not in coder.fixed:
            fields.append(Field(at, at + len(text), name=name))
        at += len(text) + len(b",")
    return tuple(fields)


def _between(text: bytes, holes: Sequence[Field]) -> tuple[bytes, ...]:
    """Return what is before, between and after holes."""
    starts, ends = (0, *(each.end for each in holes)), (*(each.start for each in holes), len(text))
    return tuple(text[start:end] for start, end in zip(starts, ends, strict=True))


def _is_like(layout: _Layout, text: bytes, fields: tuple[Field, ...]) -> bool:
    """Tell whether a text differs from the first of a layout in nothing but what may differ."""
    return layout.fields == fields and _between(layout.first, fields) == _between(text, fields)


def _differing(one: bytes, other: bytes, fields: Sequence[Field]) -> list[Field]:
    return [f for f in fields if one[f.start : f.end] != other[f.start : f.end]]


def _filled(
    template: tuple[tuple[bytes, ...], tuple[int, ...]], columns: Sequence[Sequence[bytes]]
) -> "map[bytes]":
    """Put columns of texts into the places of a template: one line for each row."""
    (before, *texts), places = template
    parts: list[Iterable[bytes]] = [repeat(before)]
    for place, text in zip(places, texts, strict=True):
        parts += [columns[place], repeat(text)]
    return map(b"".join, zip(*parts, strict=False))  # repeats have no end
