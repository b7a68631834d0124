"""What is left of a member of a coded row, and how a member refers to a person."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import orjson

from bridge.gate.projection import PERSON_TYPES

_PERSONS: Final = frozenset(kind.encode() for kind in PERSON_TYPES)
_REFERENCE: Final = b'"reference":"'

Piece = tuple[bytes, bytes]
"""What is left of a member, as it stands in a row and as it is sealed: each a template of bytes,
with a place for a pseudonym where the member refers to a person."""
NOTHING: Final[Piece] = (b"", b"")
Left = Mapping[str, tuple[Piece, int]]
"""What is left of the members of a row, in its order: each piece, and which of those it refers to
has its pseudonym there; 0 where nobody."""
_ID: Final = b'"id":"%b"'
_TOKENS: Final = re.compile(rb"%b|%%|[^%]+")


@dataclass(frozen=True, slots=True)
class Templates:
    """How rows are written, and how they are sealed: templates, and who is named in each in turn.

    0 is the record itself.
    """

    plain: bytes
    sealed: bytes
    in_plain: tuple[int, ...]
    in_sealed: tuple[int, ...]


def templates_of(kind: bytes, meta: Mapping[str, Any], left: Left) -> Templates:
    """Join what is left of the members; the type of the resource is given as JSON."""
    plain = [b'"resourceType":' + kind, _ID]
    sealed = {"resourceType": (plain[0], 0), "id": (_ID, 0)}
    plain += [b'"meta":' + in_template(orjson.dumps(meta))] if meta else []
    ordered = orjson.dumps(meta, option=orjson.OPT_SORT_KEYS)
    sealed["meta"] = b'"meta":' + in_template(ordered), 0
    plain += [piece for (piece, _), _ in left.values()]
    sealed |= {name: (piece, at) for name, ((_, piece), at) in left.items()}
    in_order = [sealed[name] for name in sorted(sealed)]
    return Templates(
        b"{%b}" % b",".join(plain),
        b"{%b}" % b",".join(piece for piece, _ in in_order),
        (0, *(at for _, at in left.values() if at)),
        tuple(at for piece, at in in_order if at or piece == _ID),
    )


def texts_of(template: bytes) -> tuple[bytes, ...]:
    """Return what stands before, between and after the places of a template."""
    texts = [b""]
    for token in _TOKENS.findall(template):
        if token == b"%b":
            texts.append(b"")
        else:
            texts[-1] += b"%" if token == b"%%" else token
    return tuple(texts)


@dataclass(frozen=True, slots=True)
class Made:
    """How rows that say the same are written, and how they are sealed.

    Of the pseudonyms of the record and of the persons it refers to, in the order in which it does,
    those that ``of_plain`` and ``of_sealed`` take go into the one and the other template.
    """

    plain: bytes
    sealed: bytes
    of_plain: Callable[[Sequence[bytes]], Any]
    of_sealed: Callable[[Sequence[bytes]], Any]

    @classmethod
    def of(cls, written: Templates) -> "Made":
        """Make it of its templates."""
        picked = itemgetter(*written.in_plain), itemgetter(*written.in_sealed)
        return cls(written.plain, written.sealed, *picked)


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """How a member refers to a person: what stands before and after the id."""

    name: str
    start: bytes
    end: bytes

    @property
    def halves(self) -> tuple[str, str]:
        """What stands before and after, as text."""
        return self.start.decode(), self.end.decode()


UNKNOWN: Final = Made(b"", b"", itemgetter(0), itemgetter(0))


def piece_of(name: str, left: object) -> Piece:
    """Write what is left of a member."""
    said = {name: left}
    ordered = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return in_template(orjson.dumps(said)[1:-1]), in_template(ordered[1:-1])


def in_template(written: bytes) -> bytes:
    """Return bytes as they stand in a template."""
    return written.replace(b"%", b"%%")


def halved(said: bytes) -> tuple[bytes, bytes, bytes] | None:
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
