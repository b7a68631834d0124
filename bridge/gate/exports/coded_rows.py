"""A hub's coded rows, decided set-wise: a part of a file at a time.

All rows whose question and facts are the same share one decision, taken as for one record
(:func:`bridge.gate.decisions.decide`), and one answer of the search filter, asked of the database
for one of them; if the two disagree nothing leaves. The facts that can change either are read in
one statement for all students of a part, after they are locked, and rows are told apart by them.
What is known of a student is remembered for a file, while the version of the student is the same
and no fact begins or ends (:mod:`bridge.store.state_versions`).

INVARIANT: a part is decided as its rows would be one by one. What is not sure to come out so is
left to that: a duty that somebody carries out afterwards, a consent whose scope rides along, and
facts of an instant that has not come (another machine's clock is ahead).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection

from bridge.driver import stored_instant
from bridge.errors import GateError
from bridge.gate.authorise import CODED_ELEMENTS, Authorised, Viewer, authorised, scope_of
from bridge.gate.decisions import ElementDecision, RecordDecision, decide
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.duties.carried import QUEUED
from bridge.gate.exports.row_plans import Coding, RowPlan
from bridge.gate.exports.student_facts import StudentFacts, said_of, sought_by
from bridge.gate.released import GATE_MARK, ReleasedLines, ReleasedResource
from bridge.gate.scope_limits import within_scopes
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.listing import Listed, ListedRows
from bridge.parts import Parts
from bridge.store.facts.conditions import Scope
from bridge.store.facts.evidence import EvidenceView, lock_students
from bridge.store.facts.known_facts import KnownFact, KnownFacts, Sought, known_facts
from bridge.store.vault import Chain, FoundRow, Order, Query, admitted, candidates
from consent.duties import ConsentScope

_MOST_KNOWN: Final = 25_000
"""Of so many students what is known is remembered before it is forgotten (half a kilobyte each).

Sessions follow each other by their change, so those of a student are weeks of everybody's apart.
"""
_ANY: Final[Sequence[KnownFact]] = ()
_NOTHING: Final = frozenset[object]()


class _OneByOneError(Exception):
    """A part is left to be decided record by record."""


@dataclass(frozen=True, slots=True)
class _Set:
    """Rows that are decided alike: the decision, and how they are cut."""

    decided: RecordDecision
    plan: RowPlan
    scopes: tuple[Scope, ...]
    common: Sequence[KnownFact]
    shared: tuple[str, ...] = ()

    def sources(self, said: Sequence[KnownFact]) -> tuple[str, ...]:
        """Return who said what a decision rests on, of a record of which something is said."""
        own = any(fact.source_id for fact in said)
        return self.worked_out(said) if own else self.shared

    def worked_out(self, said: Sequence[KnownFact]) -> tuple[str, ...]:
        """Do :meth:`sources` anew."""
        found = (
            self._sources(each, scope, said)
            for each, scope in zip(self.decided.elements, self.scopes, strict=True)
            if each.decision.permitted
        )
        return tuple(sorted({source for sources in found for source in sources}))

    def _sources(self, each: ElementDecision, scope: Scope, said: Sequence[KnownFact]) -> set[str]:
        return {
            fact.source_id
            for fact in (*said, *self.common)
            if fact.source_id and fact.value
            if fact.fact in each.facts and fact.counts_in(scope)
        }


@dataclass(slots=True)
class _Part:
    """One part, being made: who asks, of when, and what was told so far."""

    viewer: Viewer
    sight: Authorised
    now: datetime
    common: Sequence[KnownFact]
    adults: dict[str, date]
    sets: dict[object, "_Alike"] = field(default_factory=dict)
    minors: dict[object, bool] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)

    def is_minor(self, row: FoundRow) -> bool:
        """Tell whether a record's student is no adult, as its agreement counts."""
        key = (row.birth_date, row.agreement_id)
        known = self.minors.get(key)
        if known is None:
            known = self.minors[key] = _is_minor(row, self.adults)
        return known


@dataclass(slots=True)
class _Alike:
    """Rows of a part that are decided alike; none of them leaves where there is no set."""

    of: _Set | None
    first: FoundRow
    rows: ListedRows = field(default_factory=ListedRows)


@dataclass(slots=True)
class CodedRows:
    """Makes the parts of one file for a hub."""

    parts: Parts
    _plans: dict[object, RowPlan] = field(default_factory=dict)
    _known: dict[str, StudentFacts] = field(default_factory=dict)
    _same: dict[object, Any] = field(default_factory=dict)
    _sought: Sought | None = None
    _issue: Callable[[str, str], str] | None = None

    def part(
        self, connection: Connection, caller: Caller, query: Query, request: str
    ) -> ReleasedLines | None:
        """Release what a query finds, in a write transaction that the caller commits.

        None where it is to be decided record by record. ``reached`` is where the part ends: what is
        told may be less than the query's limit, and even nothing where more is to come.

        Raises:
            GateError: the decision could not be taken or written down; nothing left.
            UnauthorizedError: what the caller came in with was taken from it meanwhile.
        """
        viewer = present_viewer(connection, caller, self.parts.clock)
        if viewer.party != "hub" or query.type not in CODED_ELEMENTS or not _is_plain(query):
            return None
        within = within_scopes(caller, query)
        if within is None:
            return ReleasedLines(0, b"", mark=GATE_MARK)
        try:
            found, made = self._made(connection, viewer, within)
        except _OneByOneError:
            return None
        entries = [self._entry(viewer, each, request) for each in made.sets.values() if each.of]
        append(connection, entries, self.parts.clock)
        return ReleasedLines.of(made.lines, found[-1].place if found else 0, GATE_MARK)

    def _entry(self, viewer: Viewer, alike: _Alike, request: str) -> Listed:
        """Return what the ledger is to say of all that were decided alike."""
        of, first = alike.of, alike.first
        one = of.plan.row(first) if of else None
        if of is None or one is None:
            raise GateError("a row that was withheld is among those told; nothing was released")
        named, digest, _ = one
        told = ReleasedResource(first.type, named, digest, first.last_updated, b"", GATE_MARK)
        disclosed = Disclosure(first.stored(), of.decided, told)
        shared = entry_of(viewer, disclosed, self.parts.identifiers, request)
        if shared is None:
            raise GateError("a coded row without an agreement; nothing was released")
        return Listed.of(replace(shared, evidence=()), first.type, alike.rows)

    def _made(
        self, connection: Connection, viewer: Viewer, query: Query
    ) -> tuple[list[FoundRow], _Part]:
        """Search, lock, decide.

        INVARIANT: as of :meth:`bridge.gate.gate.Gate.search`: decided on facts read after the
        students are locked, as of an instant after it.
        """
        now, dialect = self.parts.clock.now(), connection.dialect.name
        sight = authorised(viewer, query.type, now, dialect)
        found = candidates(connection, query, sight)
        versions = {row.student_id: row.student_version for row in found if row.student_id}
        versions |= lock_students(connection, versions, share=True)
        now = self.parts.clock.now()
        facts = self._learn(connection, versions, (sought_by(viewer, query.type), now))
        common = facts.of.get("", _ANY)
        if any(fact.referral_id or fact.record_id for fact in common):
            raise _OneByOneError
        adults = {a.id: a.adult_since(now) for a in viewer.agreements}
        sight = authorised(viewer, query.type, now, dialect)
        made = _Part(viewer, sight, now, common, adults)
        for row in found:
            self._tell(connection, made, row)
        return found, made

    def _learn(
        self, connection: Connection, versions: dict[str, int], asked: tuple[Sought, datetime]
    ) -> KnownFacts:
        """Read what is not known of some students, and what holds for anybody.

        Raises:
            _OneByOneError: something is known only from an instant that has not come.
        """
        sought, now = asked
        at, known = stored_instant(connection.dialect.name, now), self._known
        if len(known) >= _MOST_KNOWN or self._sought != sought:
            known.clear()
            self._same.clear()
        self._sought = sought
        unknown = [
            student
            for student, version in versions.items()
            if student not in known or not known[student].stands(version, at)
        ]
        facts = known_facts(connection, unknown, sought, now)
        if facts.later:
            raise _OneByOneError
        issue = self._issue = self._issue or self.parts.identifiers.issuer()
        for student in unknown:
            until = facts.until.get(student)
            ends = self._same.setdefault(until, until)
            said = self._shared(facts.of.get(student, _ANY))
            subject = issue("ledger-subject", student)
            known[student] = StudentFacts(versions[student], at, ends, *said, subject)
        return facts

    def _shared(
        self, facts: Sequence[KnownFact]
    ) -> tuple[Sequence[KnownFact], frozenset[object] | None]:
        """Return what is said of a student, and of it what a decision can rest on.

        What names no source, referral or record is kept once for all of whom the same is said; it
        then names one of them, and whoever decides on it puts the right one in (:meth:`_decided`).
        """
        if any(fact.referral_id or fact.record_id for fact in facts):
            return facts, None
        said = said_of(facts)
        if any(fact.source_id for fact in facts):
            return facts, said
        found: tuple[Sequence[KnownFact], frozenset[object]]
        found = self._same.setdefault(said, (facts, said))
        return found

    def _tell(self, connection: Connection, made: _Part, row: FoundRow) -> None:
        known = self._known[row.student_id] if row.student_id else None
        said, about = known.about(row) if known else (_ANY, _NOTHING)
        key = (
            *(row.agreement_id, row.custodian, row.sender_role, row.element),
            *(bool(row.third_party), bool(row.student_id), made.is_minor(row), about),
        )
        alike = made.sets.get(key)
        if alike is None:
            alike = made.sets[key] = _Alike(self._set(connection, made, row, said), row)
        if alike.of is None:
            return
        told = alike.of.plan.row(row)
        if told is None:
            raise _OneByOneError
        own, digest, line = told
        subject = known.subject if known else self.parts.identifiers.issue("ledger-subject", "")
        sources = alike.of.sources(said) if said else alike.of.shared
        alike.rows.add(subject, own, digest, sources)
        made.lines.append(line)

    def _set(
        self, connection: Connection, made: _Part, row: FoundRow, said: Sequence[KnownFact]
    ) -> _Set | None:
        """Return how all rows leave that are as one is; None where they do not.

        Raises:
            GateError: the filter and the decision disagree.
            _OneByOneError: what it asks for is done record by record.
        """
        alike = self._decided(made, row, said)
        told = alike is not None and alike.plan.row(row) is not None
        if told != admitted(connection, row, made.sight):
            if not told and alike is not None and alike.decided.permitted:
                raise _OneByOneError  # permitted, but this one is too odd to leave
            raise GateError("the search filter and the decision disagree; nothing was released")
        return alike if told else None

    def _decided(self, made: _Part, row: FoundRow, said: Sequence[KnownFact]) -> _Set | None:
        """Decide for all rows that are as one is; None where nothing binds them and the viewer."""
        viewer, now, common = made.viewer, made.now, made.common
        # INVARIANT: facts that students share name one of them; here they are this row's own.
        own_facts = [fact._replace(student_id=row.student_id or "") for fact in said]
        evidence = EvidenceView([*own_facts, *common])
        decided = decide(viewer, row.stored(), evidence, now)
        if decided is None or decided.agreement is None:
            return None
        for each in decided.permitted:
            scoped = any(isinstance(duty.payload, ConsentScope) for duty in each.decision.duties)
            if scoped or QUEUED.intersection(each.decision.obligations):
                raise _OneByOneError
        alike = (
            *(decided.agreement.id, decided.agreement.table.digest, decided.view),
            tuple((each.slice.element, each.decision.obligations) for each in decided.permitted),
        )
        if alike not in self._plans:
            coding = Coding.of(viewer, self.parts.identifiers)
            self._plans[alike] = RowPlan(row.type, decided, coding)
        agreement = decided.agreement
        constants = agreement.constants(now, decided.view)
        scopes = tuple(scope_of(agreement, each.slice, constants) for each in decided.elements)
        own = common if row.student_id else _ANY
        shared = _Set(decided, self._plans[alike], scopes, own)
        return replace(shared, shared=shared.worked_out(_ANY))


def _is_plain(query: Query) -> bool:
    """Tell whether a query finds rows in the order of change, without following links."""
    linked = query.ids or query.reverse or any(isinstance(each, Chain) for each in query.matches)
    return query.order == Order() and not linked


def _is_minor(row: FoundRow, adults: dict[str, date]) -> bool:
    since = adults.get(row.agreement_id)
    if row.birth_date is None or since is None:
        return True
    born = row.birth_date
    return (date.fromisoformat(born) if isinstance(born, str) else born) > since
