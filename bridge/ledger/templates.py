"""Entries of one decision, written again and again: only place, time and request differ.

INVARIANT: :meth:`Template.body` gives byte for byte what :func:`bridge.ledger.entry.body_of` gives
(RFC 8785); a test compares the two over drawn entries.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Self

import orjson
import rfc8785

from bridge.ledger.entry import FORMAT, Entry, in_order, spelled

_HOLES: Final = ("index", "request", "time")


@dataclass(frozen=True, slots=True)
class Template:
    """What all entries of one decision share.

    Attributes:
        log, kind, subject: as in the entry.
        pieces: the canonical bytes before, between and after the index, the request and the time.
    """

    log: str
    kind: str
    subject: str | None
    pieces: tuple[bytes, bytes, bytes, bytes]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Make the template of an entry; its request does not count.

        Raises:
            rfc8785.CanonicalizationError: for text that is not Unicode.
            ValueError: an instant has no zone.
        """
        asked_at = None if entry.asked_at is None else spelled(entry.asked_at)
        own = {"v": FORMAT, "asked_at": asked_at}
        try:  # as body_of does
            parts = _parts(in_order(entry, own), _sorted)
        except orjson.JSONEncodeError:
            parts = _parts(asdict(entry) | own, rfc8785.dumps)
        return cls(entry.log, entry.kind.value, entry.subject, _framed(parts))

    def body(self, index: int, request: bytes, time: str) -> bytes:
        """Return the canonical bytes of the entry at one place.

        Args:
            index: its place.
            request: the id of the request, as canonical JSON.
            time: its time, as :func:`bridge.ledger.entry.spelled` writes it.
        """
        before, between, after, end = self.pieces
        return b"".join((before, b"%d" % index, between, request, after, time.encode(), end))

    @property
    def size(self) -> int:
        """How many bytes it keeps."""
        return sum(map(len, self.pieces))


def _between() -> list[list[str]]:
    """Return the names of the members before, between and after those that are left out."""
    names = sorted({*Entry.__slots__, "v", *_HOLES})  # all ASCII: the order of RFC 8785
    marks = [names.index(hole) for hole in _HOLES]
    starts, stops = [0, *(mark + 1 for mark in marks)], [*marks, len(names)]
    return [names[start:stop] for start, stop in zip(starts, stops, strict=True)]


_BETWEEN: Final = _between()


def _parts(fields: dict[str, Any], written: Callable[[dict[str, Any]], bytes]) -> list[bytes]:
    said = [{name: fields[name] for name in names} for names in _BETWEEN]
    return [_shared(written(each)[1:-1]) for each in said]


def _sorted(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def _framed(parts: list[bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    first, second, third, last = parts
    return (
        b"{" + first + b',"index":',
        b"," + second + b',"request":',
        b"," + third + b',"time":"',
        b'",' + last + b"}",
    )


@lru_cache(maxsize=256)
def _shared(part: bytes) -> bytes:
    """Return one copy of what many templates say."""
    return part


def request_bytes(request: str) -> bytes:
    """Return a request's id as canonical JSON."""
    if request.isascii() and request.isalnum():  # nothing to escape
        return b'"%b"' % request.encode()
    return rfc8785.dumps(request)
