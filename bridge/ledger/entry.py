"""What one line of the ledger says, and its one canonical spelling (RFC 8785).

The fields answer the accountings the laws ask for (34 CFR 99.32, 45 CFR 164.528, 42 CFR Part 2) and
carry what a replay of the decision needs. An entry holds no record value: element *ids*, a digest
of the version that went out and a pseudonym of the subject.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Self

import orjson
import rfc8785

FORMAT: Final = 1


class Kind(StrEnum):
    """What happened."""

    RELEASE = "release"
    RELEASES = "releases"
    AGAIN = "again"
    DENY = "deny"
    EVIDENCE = "evidence"
    REVOCATION = "revocation"
    RECALL = "recall"
    ACCOUNT = "account"
    AGREEMENT = "agreement"
    KEY = "key"
    ERASURE = "erasure"
    RESUMED = "resumed"


# Kinds by which something about a person leaves. The others only take away, or say what is.
RELEASING: Final = frozenset({Kind.RELEASE, Kind.RELEASES, Kind.AGAIN, Kind.ACCOUNT})


@dataclass(frozen=True, slots=True)
class Resource:
    """The thing released: FHIR type, logical id, digest of the released version."""

    type: str
    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The agreement decided by: MOU id, its version, digest of the compiled decision table."""

    mou: str
    version: str
    table: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision as :class:`consent.model.Decision` gave it, and the facts it was given.

    Attributes:
        facts: digest of the facts.
        bits: the facts in the table's own notation, so that the decision can be replayed.
    """

    reasons: tuple[str, ...] = ()
    flow: str = ""
    clause: str = ""
    bases: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    facts: str = ""
    bits: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, before it has a place and a time.

    Attributes:
        log: the agreement's id; entries of one agreement form one sequence.
        releasing, receiving: ids of the parties; role and purpose are the recipient's. All are
            empty where nothing goes to anybody (an agreement, a revocation).
        request: id of the request (or job) that led to it.
        subject: pseudonym of the person; None for what is public or the asker's own.
        elements: ids of the elements released (or refused), as the agreement names them.
        evidence: ids of the consent evidence relied on, or revoked.
        asked_at: when the request came in; of a revocation, when the person made it.
        refers: indexes of earlier entries of the same log this one speaks of (recall, erasure), or
            that it repeats (again): releases that were decided alike and left once more, together.
    """

    log: str
    kind: Kind
    releasing: str = ""
    receiving: str = ""
    role: str = ""
    purpose: str = ""
    request: str = ""
    subject: str | None = None
    resource: Resource | None = None
    elements: tuple[str, ...] = ()
    terms: Terms | None = None
    ruling: Ruling | None = None
    evidence: tuple[str, ...] = ()
    asked_at: datetime | None = None
    refers: tuple[int, ...] = ()


_FIELDS: Final = Entry.__slots__


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with the place and the time the ledger gave it.

    Attributes:
        repeats: where it is what an entry given again says of an earlier one
            (:mod:`bridge.ledger.repeating`): the index of the earlier one. Place, time and request
            are then those of the later.
        row: where it is one of several releases that an entry lists
            (:mod:`bridge.ledger.listing`): which one, from 0.
    """

    index: int
    time: datetime
    entry: Entry
    repeats: int | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Receipt:
    """Where an entry stands, or one row of those it lists: ``log#index``, ``log#index.row``."""

    log: str
    index: int
    row: int | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f".{self.row}"
        return f"{self.log}#{self.index}{row}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``log#index`` or ``log#index.row`` back.

        Raises:
            ValueError: for anything else; the text is not repeated.
        """
        log, mark, place = text.rpartition("#")
        index, dot, row = place.partition(".")
        numbers = (index, row) if dot else (index,)
        if not (log and mark and all(each.isascii() and each.isdigit() for each in numbers)):
            raise ValueError("a receipt is written log#index or log#index.row")
        return cls(log, int(index), int(row) if dot else None)


def body_of(recorded: Recorded) -> bytes:
    """Return the canonical bytes an entry is committed to by.

    Place and time are part of them: an entry moved elsewhere is a changed entry.

    Raises:
        ValueError: if a time has no zone.
        rfc8785.CanonicalizationError: for text that is not Unicode.
    """
    entry, asked_at = recorded.entry, recorded.entry.asked_at
    place = {"v": FORMAT, "index": recorded.index, "time": spelled(recorded.time)}
    place["asked_at"] = None if asked_at is None else spelled(asked_at)
    try:
        # Of texts, lists and small numbers under ASCII names in order this is RFC 8785 too, in a
        # tenth of the time. What it does not take is told apart by the library that says why.
        return orjson.dumps(in_order(entry, place), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return rfc8785.dumps(asdict(entry) | place)


def in_order(entry: Entry, place: dict[str, Any]) -> dict[str, Any]:
    """Return an entry's members and ``place``, which orjson writes as RFC 8785 has them.

    Raises:
        orjson.JSONEncodeError: for text that is not Unicode.
    """
    fields = {name: getattr(entry, name) for name in _FIELDS} | place
    thing = entry.resource
    fields["resource"] = thing and {"digest": thing.digest, "id": thing.id, "type": thing.type}
    fields["ruling"] = entry.ruling and orjson.Fragment(_shared(entry.ruling))
    fields["terms"] = entry.terms and orjson.Fragment(_shared(entry.terms))
    return fields


@lru_cache(maxsize=1024)
def _shared(part: Ruling | Terms) -> bytes:
    """Return the spelling of what many entries say alike."""
    named = {name: getattr(part, name) for name in part.__slots__}
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS)


def read_body(body: bytes) -> Recorded:
    """Read what :func:`body_of` wrote.

    Raises:
        ValueError: if it is not such an entry (the text names no value).
    """
    try:
        fields = json.loads(body)
        known = fields.pop("v") == FORMAT
        index, time = fields.pop("index"), datetime.fromisoformat(fields.pop("time"))
        found = Recorded(index, time, _entry(fields))
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        raise ValueError("not an entry of this ledger") from None
    if not known:
        raise ValueError("an entry of another format")
    return found


def spelled(instant: datetime) -> str:
    """Write an instant in the one way the ledger writes it: UTC, microseconds, ``Z``.

    Raises:
        ValueError: if the instant has no zone.
    """
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).isoformat("T", "microseconds")[:26] + "Z"


def _entry(fields: dict[str, Any]) -> Entry:
    resource, terms, ruling = (fields.pop(name) for name in ("resource", "terms", "ruling"))
    kind, asked_at = Kind(fields.pop("kind")), fields.pop("asked_at")
    return Entry(
        kind=kind,
        resource=None if resource is None else Resource(**resource),
        terms=None if terms is None else Terms(**terms),
        ruling=None if ruling is None else Ruling(**_tuples(ruling)),
        asked_at=None if asked_at is None else datetime.fromisoformat(asked_at),
        **_tuples(fields),
    )


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
