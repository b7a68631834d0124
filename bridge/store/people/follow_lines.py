"""How a district's referrals stand for one viewer, kept so that a page need not ask them all.

A line says where a referral stands in the order of the board and in which choices of rows it is,
as it was decided; :mod:`bridge.gate.people.follow_pages` decides, and says until when it holds.
Lines give order and counts. What is shown of a referral is decided again when it is shown.

INVARIANT: no line outlives what it rests on unnoticed. Whatever moves ``student.version`` puts the
student on the list of those to be decided anew, by a trigger, in the transaction of the change;
other changes of records are found by the numbers of the changes; time by ``until``; and what holds
for everybody is in the head's ``basis``. On PostgreSQL the reference from the list to the head lets
who releases hold the list still (:func:`hold`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.driver import cursor_of, read_instant, spelled_for, stored_instant
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.people.follow_tables import ORDER, PAGED

KINDS: Final = ("Task", "ServiceRequest", "Patient", "Encounter", "Appointment")
"""Types of the records a line is made from."""


@dataclass(frozen=True, slots=True)
class FollowHead:
    """One row of :class:`bridge.store.people.follow_tables.FollowHeadRow`."""

    whose: str
    basis: str
    seen: int
    at: datetime
    until: datetime
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FollowLine:
    """One row of :class:`bridge.store.people.follow_tables.FollowLineRow`, whoever's.

    ``marks`` names the choices it is in.
    """

    request_id: str
    student_id: str
    key: str
    until: datetime
    rest: int
    since: str
    number: str
    status: str
    sent_on: str
    status_on: str
    stage: str
    owner: str = ""
    marks: frozenset[str] = frozenset()

    def choices(self) -> set[str]:
        """Return the choices of rows it counts in."""
        more = (*(() if self.rest else ("act",)), *((self.stage,) if self.stage else ()))
        return {"all", *self.marks, *more}


_PLAIN: Final = tuple(each.name for each in fields(FollowLine) if each.name != "marks")
_COLUMNS: Final = ", ".join((*_PLAIN, *PAGED))
Place = tuple[str, str]
"""Of a line: the id of its ServiceRequest, and of its student."""
Sent = tuple[str, str]
"""Of a line: the day it was sent, and the id of its ServiceRequest: neither ever changes."""


def head_of(connection: Connection, whose: str, *, hold: bool = True) -> FollowHead | None:
    """Return a viewer's head, held against whoever else would bring its lines up to date."""
    sql = "SELECT basis, seen, at, until, counts FROM follow_head WHERE whose = ?"
    if hold and connection.dialect.name != "sqlite":
        # Who puts a student on the list refers to the row: that lock this one lets pass.
        sql += " FOR NO KEY UPDATE"
    row = _one(connection, sql, whose)
    if row is None:
        return None
    at, until = (read_instant(each) or ALWAYS_TO for each in row[2:4])
    return FollowHead(whose, row[0], row[1], at, until, orjson.loads(row[4] or "{}"))


def keep_head(connection: Connection, head: FollowHead) -> None:
    """Keep a viewer's head in place of what was kept."""
    dialect = connection.dialect.name
    sql = (
        "INSERT INTO follow_head (whose, basis, seen, at, until, counts) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (whose) DO UPDATE SET basis = excluded.basis, seen = excluded.seen,"
        " at = excluded.at, until = excluded.until, counts = excluded.counts"
    )
    instants = (stored_instant(dialect, each) for each in (head.at, head.until))
    counts = orjson.dumps(head.counts).decode()
    _do(connection, sql, (head.whose, head.basis, head.seen, *instants, counts))


def last_change(connection: Connection) -> int:
    """Return the number of the last change; 0 where there was none."""
    row = _one(connection, "SELECT last FROM change_counter")
    return 0 if row is None else int(row[0])


def begin_anew(connection: Connection, whose: str, agreement_ids: Collection[str]) -> None:
    """Forget a viewer's lines, and list every student there is one to be made of."""
    _do(connection, "DELETE FROM follow_line WHERE whose = ?", (whose,))
    listed_since(connection, whose, agreement_ids, 0)


def listed_since(
    connection: Connection, whose: str, agreement_ids: Collection[str], seen: int
) -> None:
    """List the students of whom a record was changed after a change of that number."""
    agreements = sorted(agreement_ids)
    found = (
        f"SELECT DISTINCT ?, student_id FROM record WHERE type IN ({_marks(KINDS)})"  # noqa: S608 - values are bound
        f" AND agreement_id IN ({_marks(agreements)}) AND change > ? AND student_id IS NOT NULL"
    )
    _do(connection, _LISTING.format(found), (whose, *KINDS, *agreements, seen))


def listed_by_time(connection: Connection, whose: str, now: datetime) -> None:
    """List the students of whom something has changed by itself."""
    found = "SELECT DISTINCT whose, student_id FROM follow_line WHERE whose = ? AND until <= ?"
    at = stored_instant(connection.dialect.name, now)
    _do(connection, _LISTING.format(found), (whose, at))


_LISTING: Final = "INSERT INTO follow_due (whose, student_id) {} ON CONFLICT DO NOTHING"


def due_students(connection: Connection, whose: str, most: int) -> list[str]:
    """Return up to so many students whose lines are to be made anew."""
    sql = "SELECT student_id FROM follow_due WHERE whose = ? ORDER BY student_id"
    return [row[0] for row in _all(connection, f"{sql} LIMIT {int(most)}", (whose,))]


def any_students(
    connection: Connection, whose: str, most: int, stages: Sequence[str] = ()
) -> list[str]:
    """Return up to so many students of whom there is a line; of any stage unless some are given."""
    within = f" AND stage IN ({_marks(stages)})" if stages else ""
    sql = f"SELECT student_id FROM follow_line WHERE whose = ?{within}"  # noqa: S608 - values are bound
    return [row[0] for row in _all(connection, f"{sql} LIMIT {int(most)}", (whose, *stages))]


def put_lines(
    connection: Connection, whose: str, students: Sequence[str], lines: Iterable[FollowLine]
) -> dict[str, int]:
    """Put lines in the place of those there are of some students, which are then on no list.

    Returns by how much the number of lines in each choice of rows went up.
    """
    there = {line.request_id: line for line in _lines_of(connection, whose, students)}
    made = {line.request_id: line for line in lines}
    gone = [line for line in there.values() if made.get(line.request_id) != line]
    new = [line for line in made.values() if there.get(line.request_id) != line]
    moved: dict[str, int] = {}
    for some, by in ((gone, -1), (new, 1)):
        for choice in (choice for line in some for choice in line.choices()):
            moved[choice] = moved.get(choice, 0) + by
    if gone:
        sql = "DELETE FROM follow_line WHERE whose = ? AND request_id = ?"
        _many(connection, sql, [(whose, line.request_id) for line in gone])
    if new:
        values = "?, " * len((*_PLAIN, *PAGED)) + "?"
        sql = f"INSERT INTO follow_line (whose, {_COLUMNS}) VALUES ({values})"  # noqa: S608 - names of ours
        _many(connection, sql, [_row(connection, whose, line) for line in new])
    named = _marks(students)
    settled = f"DELETE FROM follow_due WHERE whose = ? AND student_id IN ({named})"  # noqa: S608 - values are bound
    _do(connection, settled, (whose, *students))
    return moved


def _lines_of(connection: Connection, whose: str, students: Sequence[str]) -> list[FollowLine]:
    sql = f"SELECT {_COLUMNS} FROM follow_line WHERE student_id IN ({_marks(students)})"  # noqa: S608 - values are bound
    return [_line(row) for row in _all(connection, f"{sql} AND whose = ?", (*students, whose))]


def _line(row: Sequence[Any]) -> FollowLine:
    plain = dict(zip(_PLAIN, row, strict=False))
    marks = zip(PAGED, row[len(_PLAIN) :], strict=True)
    until = read_instant(plain.pop("until")) or ALWAYS_TO
    return FollowLine(until=until, marks=frozenset(n for n, is_so in marks if is_so), **plain)


def _row(connection: Connection, whose: str, line: FollowLine) -> tuple[object, ...]:
    plain = {name: getattr(line, name) for name in _PLAIN}
    plain["until"] = stored_instant(connection.dialect.name, line.until)
    return (whose, *plain.values(), *(name in line.marks for name in PAGED))


def page_of(
    connection: Connection, whose: str, choice: str, cut: tuple[int, int], who: str = ""
) -> list[Place]:
    """Return the places of one page of a choice of rows, in the order of the board.

    Args:
        connection: the database.
        whose: the viewer.
        choice: ``all``, ``act``, ``mine``, one of :data:`PAGED`, or a stage of open referrals.
        cut: how many are left out before it, and how many it holds at most.
        who: of ``mine``, the handle of whose they are.
    """
    if choice == "mine":
        return _ordered(connection, "whose = ? AND owner = ?", (whose, who), cut)
    plain = {"all": "", "act": " AND rest = 0", **{name: f" AND {name}" for name in PAGED}}
    if choice in plain:
        return _ordered(connection, f"whose = ?{plain[choice]}", (whose,), cut)
    return _ordered(connection, "whose = ? AND stage = ?", (whose, choice), cut)


def owned_by(connection: Connection, whose: str, who: str) -> int:
    """Return how many lines are of referrals that somebody, by handle, follows up on."""
    return _counted(connection, "whose = ? AND owner = ?", (whose, who))


def since(
    connection: Connection, whose: str, day: str, most: int
) -> tuple[list[Place], dict[str, int]]:
    """Return the places of referrals sent, or told something of, on a day or later.

    The first of either in the order of the board, and how many there are: ``new`` and ``changed``.
    """
    new, told = "whose = ? AND sent_on >= ?", "whose = ? AND status_on >= ?"
    # Most were sent before: an index of that would find nearly all.
    ways = [(new, (whose, day)), (f"{told} AND sent_on || '' < ?", (whose, day, day))]
    places = [each for way in ways for each in _ordered(connection, *way, (0, most))]
    both = _counted(connection, f"{new} AND status_on || '' >= ?", (whose, day, day))
    changed = _counted(connection, told, (whose, day)) - both
    return places, {"new": _counted(connection, *ways[0]), "changed": changed}


def _counted(connection: Connection, where: str, values: Sequence[object]) -> int:
    sql = f"SELECT count(*) FROM follow_line WHERE {where}"  # noqa: S608 - values are bound
    return int(_one(connection, sql, *values)[0])


def sent_after(
    connection: Connection, whose: str, after: Sent | None, most: int
) -> tuple[list[Place], Sent | None]:
    """Return the places of a part of all lines, in the order in which they were sent.

    Args:
        connection: the database.
        whose: the viewer.
        after: where the part before it ended; None for the first.
        most: how many it holds at most.

    Returns:
        The part, and where it ends; None for the last.
    """
    day, request = after or ("", "")
    sql = (
        "SELECT request_id, student_id, sent_on FROM follow_line WHERE whose = ?"  # noqa: S608 - values are bound
        " AND sent_on >= ? AND (sent_on > ? OR request_id > ?)"
        f" ORDER BY sent_on, request_id LIMIT {int(most)}"
    )
    found = _all(connection, sql, (whose, day, day, request))
    ends = (found[-1][2], found[-1][0]) if len(found) == most else None
    return [(row[0], row[1]) for row in found], ends


def with_keys(connection: Connection, whose: str, keys: Sequence[str]) -> list[Place]:
    """Return the places of what stands in addresses as these keys."""
    if not keys:
        return []
    where = f"whose = ? AND key IN ({_marks(keys)})"
    return _ordered(connection, where, (whose, *keys), (0, len(keys)))


def with_requests(
    connection: Connection, whose: str, requests: Sequence[str], stages: Sequence[str]
) -> list[Place]:
    """Return the places of some lines by what they are of, where they are of one of some stages."""
    where = f"whose = ? AND request_id IN ({_marks(requests)}) AND stage IN ({_marks(stages)})"
    return _ordered(connection, where, (whose, *requests, *stages), (0, len(requests)))


def _ordered(
    connection: Connection, where: str, values: Sequence[object], cut: tuple[int, int]
) -> list[Place]:
    # Written in: SQLite would compile a statement whose LIMIT is bound anew at each run.
    sql = (
        f"SELECT request_id, student_id FROM follow_line WHERE {where}"  # noqa: S608 - values are bound
        f" ORDER BY {', '.join(ORDER)} LIMIT {int(cut[1])} OFFSET {int(cut[0])}"
    )
    return [(row[0], row[1]) for row in _all(connection, sql, values)]


def hold(connection: Connection, whose: str) -> bool:
    """Keep any student from coming on a viewer's list until the transaction ends.

    False where one is on it, or is just being put there: then what was read may not stand. Nothing
    is waited for, so ask for it last.
    """
    if connection.dialect.name != "sqlite":
        sql = "SELECT 1 FROM follow_head WHERE whose = ? FOR UPDATE SKIP LOCKED"
        if _one(connection, sql, whose) is None:
            return False
    return not due_students(connection, whose, 1)


def await_writers(connection: Connection, whose: str) -> None:
    """Wait until nobody is putting a student on a viewer's list; in a transaction of its own."""
    if connection.dialect.name != "sqlite":
        _one(connection, "SELECT 1 FROM follow_head WHERE whose = ? FOR UPDATE", whose)


def hold_every_viewer(connection: Connection) -> None:
    """Wait for pages that are being made, and keep others from being begun, for who erases.

    INVARIANT: a page holds its viewer's head before students and the ledger. Where records are
    deleted a trigger changes heads: hold them first, or each would wait for the other.
    """
    if connection.dialect.name != "sqlite":
        _all(connection, "SELECT 1 FROM follow_head ORDER BY whose FOR NO KEY UPDATE", ())


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values)) or "NULL"


def _one(connection: Connection, sql: str, *values: object) -> Any:  # noqa: ANN401 - the driver's
    found = _all(connection, sql, values)
    return found[0] if found else None


def _all(connection: Connection, sql: str, values: Sequence[object]) -> Sequence[Any]:
    with cursor_of(connection) as cursor:
        found: Sequence[Any] = cursor.execute(
            spelled_for(connection.dialect.name, sql), tuple(values)
        ).fetchall()
    return found


def _do(connection: Connection, sql: str, values: Sequence[object]) -> None:
    with cursor_of(connection) as cursor:
        cursor.execute(spelled_for(connection.dialect.name, sql), tuple(values))


def _many(connection: Connection, sql: str, rows: Sequence[Sequence[object]]) -> None:
    with cursor_of(connection) as cursor:
        cursor.executemany(spelled_for(connection.dialect.name, sql), rows)
