"""One entry for many releases: a part of a file that went to one recipient under one decision.

The entry says what they share (who, to whom, why, under which terms and ruling, which elements)
and commits to its rows; each row says the rest of one release: whose, which resource, and what it
rests on. Rows stand in blocks, found by the person (:mod:`bridge.ledger.blocks`). Read back, each
row counts as one release (:mod:`bridge.ledger.lookup`).

INVARIANT: an entry commits to all of its rows and their order. One row can be erased without the
others: it leaves the digest that the entry commits to, which without the row's salt tells nothing.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, Final, Self

import orjson

from bridge.driver import spelled_for
from bridge.ledger.blocks import blocks_of
from bridge.ledger.entry import Entry, Kind, Recorded, Resource
from bridge.ledger.verifier import row_digest, rows_digest

_SALT_BYTES: Final = 16
_NEW_BLOCK: Final = (
    "INSERT INTO ledger_block (log, position, last, block, body) VALUES (?, ?, ?, ?, ?)"
)

_WRITTEN: Final = (b'{"digest":"', b'","evidence":', b',"id":"', b'","subject":"', b'"}')


@dataclass(frozen=True, slots=True)
class ListedRows:
    """What releases say besides their entry: of each whose it is, and its body."""

    subjects: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def add(self, subject: str, thing: str, digest: str, evidence: Sequence[str] = ()) -> None:
        """Add one: its subject, logical id and digest of the resource, what it rests on."""
        said = {"digest": digest, "evidence": evidence, "id": thing, "subject": subject}
        self.subjects.append(subject)
        self.bodies.append(orjson.dumps(said))  # in order and ASCII: canonical (RFC 8785)

    def add_issued(
        self,
        subjects: Sequence[str],
        things: Iterable[bytes],
        digests: Iterable[bytes],
        evidence: Iterable[bytes],
    ) -> None:
        """Do :meth:`add` for many names we issued: letters and digits, in JSON as they are.

        The evidence is given as :func:`evidence_text` writes it.
        """
        self.subjects.extend(subjects)
        whose = [subject.encode() for subject in subjects]
        before, after, thing, subject, end = (repeat(text, len(whose)) for text in _WRITTEN)
        columns = zip(
            *(before, digests, after, evidence, thing, things, subject, whose, end), strict=True
        )
        # What the writer of JSON gives is a piece of a larger one: a million cost 2 s to keep.
        self.bodies.extend(map(b"".join, columns))


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of kind ``releases`` to add, with its rows as they are written.

    Attributes:
        entry: its resource names the type, and commits to the rows.
        rows: they; each has the salt of the same place.
    """

    entry: Entry
    rows: ListedRows
    salts: list[bytes]

    @classmethod
    def of(cls, shared: Entry, kind: str, rows: ListedRows) -> Self:
        """Make it of what the releases share, the type of the resources, and the rows.

        Raises:
            ValueError: there are no rows.
        """
        if not rows.bodies:
            raise ValueError("an entry of several releases names at least one")
        drawn = secrets.token_bytes(_SALT_BYTES * len(rows.bodies))
        salts = [drawn[at : at + _SALT_BYTES] for at in range(0, len(drawn), _SALT_BYTES)]
        resource = Resource(kind, "", rows_digest(map(row_digest, salts, rows.bodies)))
        return cls(
            replace(shared, kind=Kind.RELEASES, subject=None, resource=resource), rows, salts
        )

    @property
    def log(self) -> str:
        """The log it goes to."""
        return self.entry.log

    def write(self, cursor: Any, dialect: str, position: int) -> None:  # noqa: ANN401 - the driver's
        """Write the rows of the entry at a place."""
        blocks = blocks_of(self.rows.subjects, self.rows.bodies, self.salts)
        # As arrays: of bytes SQLite's driver looks each time for somebody who adapts them.
        lines = [
            (self.entry.log, position, bytearray(last), number, bytearray(body))
            for last, number, body in blocks
        ]
        cursor.executemany(spelled_for(dialect, _NEW_BLOCK), lines)


def evidence_text(evidence: Sequence[str]) -> bytes:
    """Write what releases rest on as a row says it."""
    return orjson.dumps(evidence)


def as_release(listing: Recorded, nth: int, body: bytes) -> Recorded:
    """Return what one row of an entry says: a release of its own, at the entry's place and time.

    Raises:
        ValueError: it is no such row, or the entry has none.
    """
    entry, shared = listing.entry, listing.entry.resource
    try:
        said = orjson.loads(body)
        resource = Resource(shared.type if shared else "", said["id"], said["digest"])
        evidence, subject = tuple(said["evidence"]), said["subject"]
    except (KeyError, TypeError, ValueError):
        raise ValueError("not a row of this ledger") from None
    if entry.kind is not Kind.RELEASES or shared is None:
        raise ValueError("an entry without rows")
    told = replace(entry, kind=Kind.RELEASE, subject=subject, resource=resource, evidence=evidence)
    return replace(listing, entry=told, row=nth)
