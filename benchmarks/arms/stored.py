"""What a reference server stores: resources, what a search finds, and what was written.

For programs that are compared, in whatever environment: nothing but SQLite is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pysqlite3 import dbapi2 as sqlite

COUNT = 20
_TABLES = (
    "CREATE TABLE resource (type, id, body, PRIMARY KEY (type, id))",
    "CREATE TABLE found (place INTEGER PRIMARY KEY, type, party, status, id, patient)",
    "CREATE INDEX by_party ON found (type, party, status, place)",
    "CREATE TABLE written (id INTEGER PRIMARY KEY, body)",
)
FOUND = (
    "SELECT r.body, p.body FROM found f JOIN resource r ON r.type = f.type AND r.id = f.id"
    " LEFT JOIN resource p ON p.type = 'Patient' AND p.id = f.patient"
    " WHERE f.type = ? AND f.party = ? AND f.status = ? AND f.place > ? ORDER BY f.place"
    " LIMIT 20"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource a search of its type finds, in that order.

    Attributes:
        place: ``Type/id``.
        party, status: what it is found by.
        patient: id of the Patient to include; "" for none.
    """

    place: str
    body: bytes
    party: str = ""
    status: str = ""
    patient: str = ""


def bundle_of(rows: Sequence[tuple[bytes, bytes | None]]) -> bytes:
    """Return the Bundle of what :data:`FOUND` found."""
    entries = [b'{"resource":' + body + b',"search":{"mode":"match"}}' for body, _ in rows]
    extra = dict.fromkeys(patient for _, patient in rows if patient is not None)
    entries += [b'{"resource":' + body + b',"search":{"mode":"include"}}' for body in extra]
    head = b'{"resourceType":"Bundle","type":"searchset","entry":['
    return head + b",".join(entries) + b"]}"


def connected(database: str) -> "sqlite.Connection":
    """Return a connection whose commits are on disk."""
    connection = sqlite.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def fill(database: str, stored: Sequence[Stored]) -> None:
    """Store resources and what they are found by."""
    with sqlite.connect(database) as connection:
        for statement in _TABLES:
            connection.execute(statement)
        rows = [(*each.place.split("/"), each.body) for each in stored]
        connection.executemany("INSERT OR IGNORE INTO resource VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO found VALUES (NULL, ?, ?, ?, ?, ?)", _found(stored))


def _found(stored: Sequence[Stored]) -> Iterator[tuple[str, str, str, str, str]]:
    for each in stored:
        kind, _, record_id = each.place.partition("/")
        if each.party:
            yield kind, each.party, each.status, record_id, each.patient
