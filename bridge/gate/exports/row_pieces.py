"""What is left of a member of a coded row, and how a member refers to a person."""

from collections.abc import Callable, Sequence
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
