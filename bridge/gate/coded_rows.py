"""A hub's coded rows, decided set-wise: a part of a file at a time.

All rows whose question and facts are the same share one decision, taken as for one record
(:func:`bridge.gate.decisions.decide`). The facts that can change it are read for a whole part in
one statement, after its students are locked, and rows are told apart by them.

INVARIANT: a part is decided as its rows would be one by one. What is not sure to come out so is
left to that: a duty that somebody carries out afterwards, a consent whose scope rides along, and
facts of an instant that has not come (another machine's clock is ahead).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.agreements import VIEWS
from bridge.gate.authorise import CODED_ELEMENTS, Viewer, authorised, scope_of
from bridge.gate.carried import QUEUED
from bridge.gate.decisions import ElementDecision, RecordDecision, decide
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.released import GATE_MARK, Released, ReleasedResource
from bridge.gate.row_plans import Coding, RowPlan
from bridge.gate.scope_limits import within_scopes
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.listing import Listed, ListedRow
from bridge.parts import Parts
from bridge.store.conditions import Scope
from bridge.store.evidence import EvidenceView, lock_students
from bridge.store.known_facts import KnownFact, KnownFacts, Sought, known_facts
from bridge.store.vault import Chain, FoundRow, Order, Query, found_rows
from consent.duties import ConsentScope
from consent.model import Slice

MOST_SEARCHES: Final = 8
_ANY: Final[Sequence[KnownFact]] = ()


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


@dataclass(frozen=True, slots=True)
class _Told:
    """One row: what is stored, how it was decided, what was said of it, what leaves."""

    row: FoundRow
    of: _Set
    said: Sequence[KnownFact]
    released: ReleasedResource


@dataclass(slots=True)
class CodedRows:
    """Makes the parts of one file for a hub."""

    parts: Parts
    _plans: dict[object, RowPlan] = field(default_factory=dict)

    def part(
        self, connection: Connection, caller: Caller, query: Query, request: str
    ) -> Released | None:
        """Release what a query finds, in a write transaction that the caller commits.

        None where it is to be decided record by record.

        Raises:
            GateError: the decision could not be taken or written down; nothing left.
            UnauthorizedError: what the caller came in with was taken from it meanwhile.
        """
        viewer = present_viewer(connection, caller, self.parts.clock)
        if viewer.party != "hub" or query.type not in CODED_ELEMENTS or not _is_plain(query):
            return None
        within = within_scopes(caller, query)
        if within is None:
            return Released((), mark=GATE_MARK)
        try:
            told = self._released(connection, viewer, within)
        except _OneByOneError:
            return None
        append(connection, self._entries(viewer, told, request), self.parts.clock)
        return Released(
            matches=tuple(each.released for each in told),
            total=None,
            last=(told[-1].row.place, "") if told else (0, ""),
            mark=GATE_MARK,
        )

    def _entries(self, viewer: Viewer, told: Sequence[_Told], request: str) -> list[Listed]:
        """Return what the ledger is to say: one entry for all that are decided alike."""
        alike: dict[int, list[_Told]] = {}
        for each in told:
            alike.setdefault(id(each.of), []).append(each)
        return [self._entry(viewer, some, request) for some in alike.values()]

    def _entry(self, viewer: Viewer, some: Sequence[_Told], request: str) -> Listed:
        first, issue = some[0], self.parts.identifiers.issuer()
        one = Disclosure(first.row.stored(), first.of.decided, first.released)
        shared = entry_of(viewer, one, self.parts.identifiers, request)
        if shared is None:
            raise GateError("a coded row without an agreement; nothing was released")
        rows = [
            ListedRow(
                issue("ledger-subject", each.row.student_id or ""),
                each.released.id,
                each.released.version,
                each.of.sources(each.said),
            )
            for each in some
        ]
        return Listed.of(replace(shared, evidence=()), first.row.type, rows)

    def _released(self, connection: Connection, viewer: Viewer, query: Query) -> list[_Told]:
        """Search, lock, decide; search again when a consent changed before the lock was held.

        INVARIANT: as of :meth:`bridge.gate.gate.Gate.search`: decided on facts read after the
        students are locked, as of an instant after it.
        """
        now = self.parts.clock.now()
        for _ in range(MOST_SEARCHES):
            found = found_rows(connection, query, authorised(viewer, query.type, now))
            students = {row.student_id for row in found if row.student_id}
            lock_students(connection, students, share=True)
            now = self.parts.clock.now()
            facts = known_facts(connection, students, _sought(viewer, query.type), now)
            some = any(fact.referral_id or fact.record_id for fact in facts.of.get("", _ANY))
            if facts.later or some:
                raise _OneByOneError
            told = list(self._decided(viewer, found, (facts, now)))
            if len(told) == len(found):
                return told
        raise GateError("the search filter and the decision disagree; nothing was released")

    def _decided(
        self, viewer: Viewer, found: Sequence[FoundRow], known: tuple[KnownFacts, datetime]
    ) -> Iterator[_Told]:
        facts, now = known
        sets: dict[object, _Set | None] = {}
        adults = {a.id: a.adult_since(now) for a in viewer.agreements}
        for row in found:
            said = _about(facts, row)
            key = (
                *(row.agreement_id, row.custodian, row.sender_role, row.element),
                *(bool(row.third_party), bool(row.student_id), _is_minor(row, adults)),
                frozenset(fact.said for fact in said),
            )
            if key not in sets:
                sets[key] = self._set(viewer, row, known)
            alike = sets[key]
            released = alike.plan.row(row) if alike is not None else None
            if alike is not None and released is not None:
                yield _Told(row, alike, said, released)

    def _set(
        self, viewer: Viewer, row: FoundRow, known: tuple[KnownFacts, datetime]
    ) -> _Set | None:
        """Decide for all rows that are as one is; None where nothing binds them and the viewer.

        Raises:
            _OneByOneError: what it asks for is done record by record.
        """
        facts, now = known
        evidence = EvidenceView([*_about(facts, row), *facts.of.get("", _ANY)])
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
        common = facts.of.get("", _ANY) if row.student_id else _ANY
        made = _Set(decided, self._plans[alike], scopes, common)
        return replace(made, shared=made.worked_out(_ANY))


def _is_plain(query: Query) -> bool:
    """Tell whether a query finds rows in the order of change, without following links."""
    linked = query.ids or query.reverse or any(isinstance(each, Chain) for each in query.matches)
    return query.order == Order() and not linked


def _about(facts: KnownFacts, row: FoundRow) -> Sequence[KnownFact]:
    said = facts.of.get(row.student_id, _ANY) if row.student_id else _ANY
    return [fact for fact in said if fact.is_about(row.referral_id or "", row.id)] if said else said


def _is_minor(row: FoundRow, adults: dict[str, date]) -> bool:
    since = adults.get(row.agreement_id)
    if row.birth_date is None or since is None:
        return True
    born = row.birth_date
    return (date.fromisoformat(born) if isinstance(born, str) else born) > since


def _sought(viewer: Viewer, kind: str) -> Sought:
    """Return the facts that can change whether a viewer is told a row of a type."""
    elements, party = CODED_ELEMENTS[kind], viewer.party
    facts = frozenset(
        str(fact)
        for agreement in viewer.agreements
        for sender, recipient in VIEWS
        if recipient == party
        for element in elements
        for purpose in viewer.purposes
        for fact in agreement.table.relevant_facts(
            Slice(sender, party, viewer.role, purpose, element)
        )
    )
    return Sought(facts, tuple(a.id for a in viewer.agreements), elements, viewer.purposes, party)
