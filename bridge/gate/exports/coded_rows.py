"""A hub's coded rows, decided set-wise: a part of a file at a time.

All rows whose question and facts are the same share one decision, taken as for one record, and one
answer of the search filter, asked of the database for one of them; if the two disagree nothing
leaves (:mod:`bridge.gate.exports.row_sets`). The facts that can change either are read in
one statement for all students of a part, after they are locked, and rows are told apart by them.
What is known of a student is remembered for a file, while the version of the student is the same
and no fact begins or ends (:mod:`bridge.store.state_versions`).

INVARIANT: a part is decided as its rows would be one by one. What is not sure to come out so is
left to that: a duty that somebody carries out afterwards, a consent whose scope rides along, and
facts of an instant that has not come (another machine's clock is ahead).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection

from bridge.driver import stored_instant, stored_value
from bridge.gate.authorise import CODED_ELEMENTS, Viewer, authorised
from bridge.gate.exports.alike_rows import Alike, KinRows, PartMade, Read, told_of, whole_row
from bridge.gate.exports.row_sets import OneByOneError, RowSets
from bridge.gate.exports.student_facts import StudentFacts, named_in, said_of, sought_by
from bridge.gate.released import GATE_MARK, ReleasedLines
from bridge.gate.scope_limits import within_scopes
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.listing import Listed, evidence_text
from bridge.parts import Parts
from bridge.store.facts.evidence import lock_students
from bridge.store.facts.known_facts import KnownFact, KnownFacts, Sought, known_facts
from bridge.store.vault import Candidate, Chain, Order, Query, RawRow, candidates

_MOST_KNOWN: Final = 25_000
"""Of so many students what is known is remembered before it is forgotten (half a kilobyte each).

Sessions follow each other by their change, so those of a student are weeks of everybody's apart.
"""
_USUAL: Final = 4
"""So many kin are asked for by their number; more would have to be compared with each row."""
_ANY: Final[Sequence[KnownFact]] = ()
_NOBODY: Final = StudentFacts(0, None, _ANY, frozenset[object](), named=False, subject="")

_UNKNOWN: Final = replace(_NOBODY, version=-1)

_AT: Final = Candidate._fields.index
_VERSION: Final = itemgetter(_AT("student_id"), _AT("student_version"))
_PLACE: Final = _AT("place")
_BODY: Final = _AT("body")
_KIN: Final = _AT("kin")


@dataclass(slots=True)
class CodedRows:
    """Makes the parts of one file for a hub."""

    parts: Parts
    _sets: RowSets = field(init=False)
    _agreements: dict[object, str] = field(default_factory=dict)
    _known: dict[str, StudentFacts] = field(default_factory=dict)
    _same: dict[object, Any] = field(default_factory=dict)
    _sought: Sought | None = None
    _usual: list[RawRow] = field(default_factory=list)
    _span: tuple[Any, Any] = (None, None)
    _issue: Callable[[str, str], str] | None = None

    def __post_init__(self) -> None:
        self._sets = RowSets(self.parts.identifiers)

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
        except OneByOneError:
            return None
        entries = [
            Listed.of(replace(each.of.entry, request=request), made.kind, each.rows)
            for each in made.sets
            if each.of is not None
        ]
        append(connection, entries, self.parts.clock)
        reached = found[-1][_PLACE] if found else 0
        return ReleasedLines.of(made.lines, reached, GATE_MARK)

    def _made(
        self, connection: Connection, viewer: Viewer, query: Query
    ) -> tuple[list[RawRow], PartMade]:
        """Search, lock, decide.

        INVARIANT: as of :meth:`bridge.gate.gate.Gate.search`: decided on facts read after the
        students are locked, as of an instant after it.
        """
        now, dialect = self.parts.clock.now(), connection.dialect.name
        sight = authorised(viewer, query.type, now, dialect)
        found = candidates(connection, query, sight, self._usual)
        versions = dict(map(_VERSION, found))
        for nobody in (None, ""):
            versions.pop(nobody, None)
        versions |= lock_students(connection, versions, share=True)
        now = self.parts.clock.now()
        facts = self._learn(connection, versions, (sought_by(viewer, query.type), now))
        common = facts.of.get("", _ANY)
        if any(fact.referral_id or fact.record_id for fact in common):
            raise OneByOneError
        adults = {a.id: stored_value(dialect, a.adult_since(now)) for a in viewer.agreements}
        sight = authorised(viewer, query.type, now, dialect)
        made = PartMade(query.type, viewer, sight, now, common, adults)
        self._tell(connection, made, found)
        return found, made

    def _learn(
        self, connection: Connection, versions: dict[str, int], asked: tuple[Sought, datetime]
    ) -> KnownFacts:
        """Read what is not known of some students, and what holds for anybody.

        Raises:
            OneByOneError: something is known only from an instant that has not come.
        """
        sought, now = asked
        at, known = stored_instant(connection.dialect.name, now), self._known
        if len(known) >= _MOST_KNOWN or self._sought != sought:
            known.clear()
            self._same.clear()
        self._sought = sought
        unknown = self._unknown(versions, at)
        facts = known_facts(connection, unknown, sought, now)
        if facts.later:
            raise OneByOneError
        issue = self._issue = self._issue or self.parts.identifiers.issuer()
        for student in unknown:
            until = facts.until.get(student)
            ends = self._same.setdefault(until, until)
            said = self._shared(facts.of.get(student, _ANY))
            subject = issue("ledger-subject", student)
            known[student] = StudentFacts(versions[student], ends, *said, subject)
        self._last(facts.until.values(), at)
        return facts

    def _unknown(self, versions: Mapping[str, int], at: Any) -> list[str]:  # noqa: ANN401 - as the driver spells it
        """Return of which students something else may be said at an instant than is known."""
        known, (since, until) = self._known, self._span
        if since is not None and at < since:  # a clock that was set back
            known.clear()
        elif until is not None and at >= until:
            for student in [s for s, there in known.items() if not there.lasts(at)]:
                del known[student]
            self._span = since, min((t.until for t in known.values() if t.until), default=None)
        there = known.get
        return [s for s, v in versions.items() if there(s, _UNKNOWN).version != v]

    def _last(self, ends: Iterable[Any], at: Any) -> None:  # noqa: ANN401 - as the driver spells them
        """Note since when, and until when at least, all that is known is known."""
        until = self._span[1]
        self._span = at, min((*ends, *(() if until is None else (until,))), default=None)

    def _shared(
        self, facts: Sequence[KnownFact]
    ) -> tuple[Sequence[KnownFact], frozenset[object] | None, bool]:
        """Return what is said of a student, and of it what a decision can rest on.

        And whether it names who says so. What names no source, referral or record is kept once for
        all of whom the same is said; it then names one of them, and whoever decides on it puts the
        right one in (:mod:`bridge.gate.exports.row_sets`).
        """
        if any(fact.referral_id or fact.record_id for fact in facts):
            return facts, None, False
        said = said_of(facts)
        if named_in(facts):
            return facts, self._same.setdefault((said,), said), True
        found: tuple[Sequence[KnownFact], frozenset[object], bool]
        found = self._same.setdefault(said, (facts, said, False))
        return found

    def _tell(self, connection: Connection, made: PartMade, found: Sequence[RawRow]) -> None:
        """Tell rows, those together that are decided alike."""
        self._sets.begin(made)
        self._sort_out(connection, made, found)
        self._sets.agree(connection, made)
        lines: list[bytes] = [b""] * len(found)
        for alike in made.sets:
            for at, line in zip(alike.at, self._told(connection, made, alike, found), strict=True):
                lines[at] = line
        made.lines = [line for line in lines if line]

    def _told(
        self, connection: Connection, made: PartMade, alike: Alike, found: Sequence[RawRow]
    ) -> Sequence[bytes]:
        """Return what leaves of those decided alike, and note what the ledger is to say of each."""
        if alike.of is None or not alike.at:
            return []
        plan, at = alike.of.plan, alike.at
        bodies = [found[n][_BODY] for n in at]
        told = told_of(plan, bodies, lambda n: Read(connection, made, found[at[n]]))
        if told is None:
            raise OneByOneError
        owns, digests, lines = zip(*told, strict=True)
        alike.rows.add_issued(alike.subjects, owns, digests, alike.evidences)
        return lines

    def _sort_out(self, connection: Connection, made: PartMade, found: Sequence[RawRow]) -> None:
        """Sort rows by how they are decided; what differs from all before is decided first."""
        students, key, of = self._known, None, None
        for at, row in enumerate(found):
            kin, student, born, _, _, _, _ = row
            if of is None or kin != key:  # most are as the one before
                key = kin
                of = made.kin.get(key) or self._kin_of(connection, made, row)
            known, adult = students[student] if student else _NOBODY, of.adult
            if known.said is None:
                known = known.about(whole_row(connection, made, row))
            minor = (born is None or adult is None or born > adult) if student else None
            alike = of.alike[minor].get(known.said)
            if alike is None:
                asked, which = Read(connection, made, row), (kin, minor, known.said)
                alike = of.alike[minor][known.said] = self._sets.alike(asked, which, known.facts)
            if alike.of is not None:
                alike.at.append(at)
                alike.subjects.append(known.subject or self._nobody())
                alike.evidences.append(
                    evidence_text(alike.of.sources(known.facts)) if known.named else alike.evidence
                )

    def _kin_of(self, connection: Connection, made: PartMade, row: RawRow) -> KinRows:
        """Begin with rows of a part that differ from all before."""
        key = row[_KIN]
        if key not in self._agreements:
            kin = whole_row(connection, made, row).kin
            self._agreements[key] = kin[0]
            if kin not in self._usual and len(self._usual) < _USUAL:
                self._usual.append(kin)
        return made.kin_of(key, self._agreements[key])

    def _nobody(self) -> str:
        return self.parts.identifiers.issue("ledger-subject", "")


def _is_plain(query: Query) -> bool:
    """Tell whether a query finds rows in the order of change, without following links."""
    linked = query.ids or query.reverse or any(isinstance(each, Chain) for each in query.matches)
    return query.order == Order() and not linked
