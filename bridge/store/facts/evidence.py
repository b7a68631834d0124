"""Facts as they are recorded and as a decision reads them.

Every row has two clocks: when it holds (``valid_from`` to ``valid_to``, half open) and when the
bridge learned of it (``recorded_at`` to ``superseded_at``). Nothing is deleted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final

from sqlalchemy import Connection, and_, insert, or_, select, update

from bridge.driver import among, cursor_of, listed_for, named_for, read_instant, stored_instant
from bridge.store.facts.conditions import EVIDENCE, OTHERS, Scope
from bridge.store.facts.held_facts import AskedFacts, Held, Place, RecordFacts, read_fact
from bridge.store.facts.known_facts import COLUMNS, KnownFact, Whom
from bridge.store.facts.openings import keep_openings

_HOLDS: Final = (
    "e.valid_from <= :as_of AND e.valid_to > :as_of AND e.recorded_at <= :known_at"
    " AND (e.superseded_at IS NULL OR e.superseded_at > :known_at)"
)
_OF: Final = {
    # In this order: the index begins with the student.
    "sqlite": "json_each(:students) s CROSS JOIN evidence e WHERE e.student_id = s.value",
    "postgresql": "evidence e WHERE e.student_id = ANY(:students)",
}
_OF_STUDENTS: Final = "SELECT id, version FROM student WHERE id = ANY(%s) ORDER BY id FOR "
_HELD: Final = {True: _OF_STUDENTS + "SHARE", False: _OF_STUDENTS + "UPDATE"}
ALWAYS_TO = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """One fact to record; empty texts mean *any* (see :class:`bridge.store.tables.EvidenceRow`).

    ``value`` None: whoever supplies the fact cannot say.
    """

    id: str
    fact: str
    valid_from: datetime
    recorded_at: datetime
    source: str
    source_id: str = ""
    value: bool | None = True
    valid_to: datetime = ALWAYS_TO
    agreement_id: str = ""
    student_id: str = ""
    referral_id: str = ""
    record_id: str = ""
    element: str = ""
    purpose: str = ""
    recipient: str = ""


def lock_students(
    connection: Connection, student_ids: Collection[str], *, share: bool
) -> dict[str, int]:
    """Lock students against a change of their consent until the transaction ends.

    Returns the version of each that has to be locked, as it stands then. On SQLite there are none:
    what was read in the transaction stands.

    INVARIANT: a release takes the shared lock before it reads evidence, a change of evidence takes
    the exclusive one before it writes; so no release commits after an acknowledged revocation.
    ``SERIALIZABLE`` alone does not give this. On SQLite the write transaction is already exclusive.
    """
    if connection.dialect.name == "sqlite" or not student_ids:
        return {}
    given = listed_for(connection.dialect.name, sorted(student_ids))
    with cursor_of(connection) as cursor:
        return dict(cursor.execute(_HELD[share], (given,)).fetchall())


def record_evidence(connection: Connection, rows: Iterable[NewEvidence]) -> int:
    """Record facts; a row whose id is already there is left alone. Returns how many were new."""
    wanted = {row.id: row for row in rows}
    lock_students(connection, {r.student_id for r in wanted.values()} - {""}, share=False)
    ids = list(wanted)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        there = select(EVIDENCE.c.id).where(EVIDENCE.c.id.in_(part))
        for (known,) in connection.execute(there):
            del wanted[known]
    if wanted:
        connection.execute(insert(EVIDENCE), [_values(row) for row in wanted.values()])
        keep_openings(connection, wanted.values(), ALWAYS_TO)
    return len(wanted)


def _values(row: NewEvidence) -> dict[str, object]:
    return {name: getattr(row, name) for name in NewEvidence.__slots__}


def supersede(
    connection: Connection,
    source_id: str,
    student_id: str,
    at: datetime,
    since: datetime | None = None,
) -> int:
    """End everything recorded from one source (a revoked release); returns the rows ended.

    Both clocks are kept: what was known before stays as it was known, and from ``at`` on it is
    known that each fact held until ``since`` and no longer.

    Args:
        connection: the database.
        source_id: the source.
        student_id: whose facts.
        at: when the bridge learns of it.
        since: when it ended, where that is another instant; earlier for what is entered late.
    """
    lock_students(connection, {student_id}, share=False)
    ends, row = since or at, EVIDENCE.c
    open_yet = and_(
        row.source_id == source_id,
        row.student_id == student_id,
        row.superseded_at.is_(None),
        row.valid_to > ends,
    )
    ended = connection.execute(select(EVIDENCE).where(open_yet)).mappings().all()
    connection.execute(update(EVIDENCE).where(open_yet).values(superseded_at=at))
    known_now = {"recorded_at": at, "valid_to": ends}
    closed = [
        {**each, "id": f"{each['id']}/{at.isoformat()}", **known_now}
        for each in ended
        if each["valid_from"] < ends
    ]
    if closed:
        connection.execute(insert(EVIDENCE), closed)
    return len(ended)


def not_before_known(
    connection: Connection, student_ids: Collection[str], now: datetime
) -> datetime:
    """Return the instant to decide at: now, or the last change of what is known, if that is later.

    INVARIANT: another machine's clock may be ahead of this one's by a little. What it recorded, a
    revocation above all, is known from then on, whatever this one's clock says.
    """
    if not student_ids:
        return now
    dialect = connection.dialect.name
    sql = (
        "SELECT MAX(e.recorded_at), MAX(e.superseded_at) FROM evidence e"  # noqa: S608 - names of ours
        f" WHERE e.student_id {among(dialect, 'students')}"
    )
    given = {"students": listed_for(dialect, sorted(student_ids))}
    with cursor_of(connection) as cursor:
        found = cursor.execute(named_for(dialect, sql), given).fetchone()
    return max([now, *(known for each in found if (known := read_instant(each)))])


def evidence_of(
    connection: Connection,
    student_ids: Collection[str],
    at: datetime,
    known_at: datetime | None = None,
    whom: Whom | None = None,
) -> "EvidenceView":
    """Read every fact that holds at an instant about some students, and about any.

    Args:
        connection: the database.
        student_ids: whose.
        at: when the facts hold.
        known_at: as the bridge knew it when; ``at`` itself if not given.
        whom: the one recipient it is asked for: what cannot matter to it is left out, which is most
            of it; None for all of it.
    """
    dialect = connection.dialect.name
    given = {
        "students": listed_for(dialect, sorted({*student_ids, ""})),
        "as_of": stored_instant(dialect, at),
        "known_at": stored_instant(dialect, known_at or at),
    }
    mine = ""
    if whom is not None:
        given["recipient"] = whom.party
        given["purposes"] = listed_for(dialect, ["", *whom.purposes])
        given["facts"] = listed_for(dialect, sorted(whom.facts))
        mine = (
            f" AND e.recipient IN ('', :recipient) AND e.purpose {among(dialect, 'purposes')}"
            f" AND e.fact {among(dialect, 'facts')}"
        )
    sql = f"SELECT {COLUMNS} FROM {_OF[dialect]}{mine} AND {_HOLDS}"  # noqa: S608 - names of ours
    with cursor_of(connection) as cursor:
        return EvidenceView(cursor.execute(named_for(dialect, sql), given).fetchall())


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one record, whoever says it.

    Attributes:
        pattern: the same for all of which the same is said by as many.
        sources: who says it, as the pattern numbers them.
    """

    pattern: tuple[int, ...]
    sources: tuple[str, ...]


class EvidenceView:
    """Evidence held in memory for one page; mirrors :mod:`bridge.store.facts.conditions`.

    Attributes:
        answers: what was decided on it, by what it was decided on: it lives as long as the page.
    """

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take rows with the fields of :class:`KnownFact`: such facts, or what the driver gives."""
        self._given: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            self._given.setdefault(row[1], []).append(row)
        self._sorted: dict[str, dict[str, dict[str, list[Any]]]] = {}
        self._said: dict[str, dict[tuple[str, str], Said]] = {}
        self._patterns: dict[tuple[object, ...], int] = {}
        self.answers: dict[object, Any] = {}

    def said_of(self, about: RecordFacts) -> Said | None:
        """Return all that a decision on a record rests on but for itself; None if none is known."""
        if not self._given:
            return None
        pattern, sources = list[int](), list[str]()
        student, referral, record = about.student_id, about.referral_id, about.record_id
        for whose in (student, "") if student else ("",):
            groups = self._said.get(whose)
            if groups is None:
                groups = self._said[whose] = self._grouped(self._given.get(whose, ()))
            # Looked up, not gone through: a student has a group for each session there was.
            for place in product({"": 1, referral: 1}, {"": 1, record: 1}):
                if said := groups.get(place):
                    pattern += said.pattern
                    sources += said.sources
        numbers = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        return Said((*pattern, -1, *(numbers[each] for each in sources)), (*numbers,))

    def _grouped(self, rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], Said]:
        """Return what rows say by the referral and the record they are restricted to."""
        groups: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for row in rows:
            groups.setdefault((row[2], row[3]), []).append(row)
        return {of: self._noted(some) for of, some in groups.items()}

    def _noted(self, rows: Iterable[tuple[Any, ...]]) -> Said:
        """Number what rows say, whoever says it."""
        by: dict[str, int] = {}
        said = tuple(
            (each[0], each[4:9], by.setdefault(each[9], len(by)) if each[9] else -1)
            for each in rows
        )
        return Said((self._patterns.setdefault(said, len(self._patterns)),), (*by,))

    def _of(self, student: str) -> Mapping[str, Mapping[str, list[Any]]]:
        """Return a student's rows by element ("" for every one) and fact."""
        found = self._sorted.get(student)
        if found is None:
            found = self._sorted[student] = {}
            for row in map(KnownFact._make, self._given.get(student, ())):
                found.setdefault(row.element, {}).setdefault(row.fact, []).append(row)
        return found

    def true_facts(
        self, facts: Collection[str], scope: Scope, about: RecordFacts
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Return which of ``facts`` hold for one record in one scope, and their sources."""
        places = [*self._places("", about), *self._places(scope.element, about)]
        read = ((fact, *read_fact(fact, places, scope, about)) for fact in facts)
        true = [(fact, sources) for fact, holds, sources in read if holds]
        return frozenset(f for f, _ in true), frozenset(s for _, some in true for s in some)

    def held(self, asked: AskedFacts, about: RecordFacts) -> Held:
        """Read facts of one record as they hold for every element of which no row speaks.

        The scope of what is asked names no element, and says of none that it is free text.
        """
        true, sources = asked.unsaid(about), dict[int, frozenset[str]]()
        places = self._places("", about)
        for fact in {fact for place in places for fact in place if fact in asked.numbers}:
            bit, (holds, said_by) = asked.numbers[fact], asked.read(fact, places, about)
            true = true | bit if holds else true & ~bit
            if said_by:
                sources[bit] = said_by
        return Held(true, sources)

    def held_for(
        self, held: Held, asked: AskedFacts, about: RecordFacts
    ) -> tuple[int, frozenset[str]]:
        """Do :meth:`true_facts` for an element, given what holds for every one; a number of facts.

        Args:
            held: of the same record, agreement, purpose and recipient; of these facts at least.
            asked: those that count for the element, in its scope.
            about: the record.
        """
        own = self._places(asked.scope.element, about)
        odd = {fact for place in own for fact in place}
        if asked.scope.free_text:
            odd.add(OTHERS)
        anew = [(fact, bit) for fact in odd if (bit := asked.numbers.get(fact))]
        true = held.true & asked.whole & ~sum(bit for _, bit in anew)
        sources = {each for bit, some in held.sources.items() if bit & true for each in some}
        places = [*self._places("", about), *own] if anew else ()
        for fact, bit in anew:
            holds, said_by = asked.read(fact, places, about)
            if holds:
                true |= bit
                sources |= said_by
        return true, frozenset(sources)

    def _places(self, element: str, about: RecordFacts) -> list[Place]:
        """Return where there is what was said of a student and of anybody, by fact."""
        # Of a record without a student, what holds for anybody is all there is.
        whose = (about.student_id, "") if about.student_id else ("",)
        found = (self._of(each).get(element) for each in whose)
        return [place for place in found if place]


def open_students(connection: Connection, fact: str, at: datetime) -> frozenset[str]:
    """Return the students a fact currently holds for, whatever its scope."""
    rows = select(EVIDENCE.c.student_id).where(
        EVIDENCE.c.fact == fact,
        EVIDENCE.c.value,
        EVIDENCE.c.valid_from <= at,
        EVIDENCE.c.valid_to > at,
        or_(EVIDENCE.c.superseded_at.is_(None), EVIDENCE.c.superseded_at > at),
    )
    return frozenset(student for (student,) in connection.execute(rows))


def is_unknown(connection: Connection, fact: str, agreement_id: str, at: datetime) -> bool:
    """Return whether the source of a fact cannot say, for everybody under an agreement."""
    row = EVIDENCE.c
    query = select(row.id).where(
        row.student_id == "",
        row.fact == fact,
        row.agreement_id.in_(("", agreement_id)),
        row.value.is_(None),
        row.valid_from <= at,
        row.valid_to > at,
        or_(row.superseded_at.is_(None), row.superseded_at > at),
    )
    return bool(connection.scalar(select(query.exists())))
