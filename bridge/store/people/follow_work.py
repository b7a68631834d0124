"""How much of :mod:`bridge.store.people.follow_lines` is to be made anew: asked, never changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bridge.driver import (
    among,
    cursor_of,
    listed_for,
    named_for,
    read_instant,
    spelled_for,
    stored_instant,
)
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.people.follow_lines import KINDS
from bridge.store.people.follow_tables import PAGED


@dataclass(frozen=True, slots=True)
class Kept:
    """How far the lines of one viewer are.

    Attributes:
        whose: party, organisation, role and purposes of the viewer, with ``|`` between.
        lines: how many there are.
        due: how many students are to be decided anew.
        at: when they were last brought up to date.
    """

    whose: str
    lines: int
    due: int
    at: datetime


def every_viewer(connection: Connection) -> list[str]:
    """Return whose lines are kept."""
    return [whose for (whose,) in _rows(connection, "SELECT whose FROM follow_head ORDER BY whose")]


def how_far(connection: Connection) -> list[Kept]:
    """Return how far the lines of each viewer are."""
    counted = "(SELECT count(*) FROM {} l WHERE l.whose = h.whose)"
    sql = (
        f"SELECT h.whose, {counted.format('follow_line')}, {counted.format('follow_due')}, h.at"  # noqa: S608 - names of ours
        " FROM follow_head h ORDER BY h.whose"
    )
    return [
        Kept(whose, int(lines), int(due), read_instant(at) or ALWAYS_TO)
        for whose, lines, due, at in _rows(connection, sql)
    ]


def counted(connection: Connection, whose: str) -> dict[str, int]:
    """Return how many of a viewer's lines are in each choice of rows, from the lines themselves.

    Asked after a student was erased, whose lines the database forgets.
    """
    marks = ", ".join(f"sum(CASE WHEN {mark} THEN 1 ELSE 0 END)" for mark in PAGED)
    sql = (
        f"SELECT stage, count(*), sum(1 - rest), {marks} FROM follow_line"  # noqa: S608 - names of ours
        " WHERE whose = ? GROUP BY stage"
    )
    counts: dict[str, int] = {}
    for stage, every, *more in _rows(connection, sql, whose):
        named = zip(("all", "act", *PAGED), (every, *more), strict=True)
        for name, count in (*named, *(((stage, every),) if stage else ())):
            counts[name] = counts.get(name, 0) + int(count)
    return counts


def due_count(connection: Connection, whose: str, most: int) -> int:
    """Return how many students' lines are to be made anew, counted up to so many."""
    counted = f"SELECT count(*) FROM (SELECT 1 FROM follow_due WHERE whose = ? LIMIT {int(most)}) d"  # noqa: S608 - a number
    return int(_rows(connection, counted, whose)[0][0])


def waiting(
    connection: Connection, whose: str, since: tuple[Collection[str], int, datetime], most: int
) -> int:
    """Return of how many students a line may hold no longer, counted up to about so many.

    Args:
        connection: the database.
        whose: the viewer.
        since: the agreements, the number of the last change looked at, and the instant.
        most: where to stop counting, for each way in which a line comes to hold no longer.
    """
    agreements, seen, now = sorted(since[0]), since[1], since[2]
    at = stored_instant(connection.dialect.name, now)
    ways: list[tuple[str, tuple[object, ...]]] = [
        ("SELECT 1 FROM follow_due WHERE whose = ?", (whose,)),
        ("SELECT 1 FROM follow_line WHERE whose = ? AND until <= ?", (whose, at)),
    ]
    # One agreement and type at a time: so an index answers in the order of changes.
    changed = "SELECT 1 FROM record WHERE agreement_id = ? AND type = ? AND change > ?"
    ways += [(changed, (each, kind, seen)) for each in agreements for kind in KINDS]
    found = 0
    for sql, values in ways:
        if found < most:
            found += len(_rows(connection, f"{sql} LIMIT {int(most)}", *values))
    return found


def changed_since(
    connection: Connection, agreement_ids: Collection[str], seen: int, students: Collection[str]
) -> set[str]:
    """Return those of some students of whom a record was changed after a change of that number."""
    dialect = connection.dialect.name
    listed = {"kinds": KINDS, "agreements": sorted(agreement_ids), "students": sorted(students)}
    kinds, agreements, named = (among(dialect, name) for name in listed)
    # Not an index by student: however many records there are of one, few were changed.
    index = " INDEXED BY ix_record_agreement" if dialect == "sqlite" else ""
    sql = (
        f"SELECT student_id FROM record{index} WHERE type {kinds}"  # noqa: S608 - names of ours
        f" AND agreement_id {agreements} AND change > :seen AND student_id {named}"
    )
    given = {name: listed_for(dialect, texts) for name, texts in listed.items()}
    with cursor_of(connection) as cursor:
        found = cursor.execute(named_for(dialect, sql), given | {"seen": seen}).fetchall()
    return {student for (student,) in found}


def ends_of(connection: Connection, whose: str, requests: Collection[str]) -> dict[str, datetime]:
    """Return until when what a line says holds by itself, by the id of its ServiceRequest."""
    dialect = connection.dialect.name
    listed = among(dialect, "requests")
    sql = f"SELECT request_id, until FROM follow_line WHERE whose = :whose AND request_id {listed}"  # noqa: S608 - names of ours
    given = {"whose": whose, "requests": listed_for(dialect, requests)}
    with cursor_of(connection) as cursor:
        found = cursor.execute(named_for(dialect, sql), given).fetchall()
    return {request: read_instant(until) or ALWAYS_TO for request, until in found}


def _rows(connection: Connection, sql: str, *values: object) -> list[Any]:
    with cursor_of(connection) as cursor:
        found: list[Any] = cursor.execute(
            spelled_for(connection.dialect.name, sql), values
        ).fetchall()
    return found
