"""Sets of coded rows that are decided alike, and what is remembered of them for a file.

All rows whose question and facts are the same share one decision, taken as for one record
(:func:`bridge.gate.decisions.decide`). It follows from who asks, under which agreements, from what
holds for anybody, and of a row from its kin, whether its student is a minor, and what is said. So
it is taken once for a file, and all are forgotten when any of the first is another in a later part.

INVARIANT: the search filter is asked in each part, of one row of each set; where the two disagree
nothing leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import scope_of
from bridge.gate.decisions import RecordDecision, decide
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.duties.carried import QUEUED
from bridge.gate.exports.alike_rows import Alike, DecidedSet, PartMade, Read
from bridge.gate.exports.row_coding import Coding
from bridge.gate.exports.row_plans import CodedRow, RowPlan
from bridge.gate.released import GATE_MARK, ReleasedResource
from bridge.identifiers import Identifiers
from bridge.ledger.entry import Entry
from bridge.store.facts.evidence import EvidenceView
from bridge.store.facts.known_facts import KnownFact
from bridge.store.vault import Candidate, FoundRow, admitted
from consent.duties import ConsentScope

_ID: Final = Candidate._fields.index("id")
_VIEW: Final = "to-hub"
_MOST_KEPT: Final = 2_000
"""So many sets are remembered before they are forgotten."""
_NO_FACTS: Final[Sequence[KnownFact]] = ()


class OneByOneError(Exception):
    """A part is left to be decided record by record."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was decided on a set.

    Attributes:
        of: how its rows leave; None where they do not.
        odd: whether it was permitted, and the row that was asked about is too odd to leave.
    """

    of: DecidedSet | None
    odd: bool = False


@dataclass(slots=True)
class RowSets:
    """The sets of the rows of one file."""

    identifiers: Identifiers
    _plans: dict[object, RowPlan] = field(default_factory=dict)
    _kept: dict[object, _Answer] = field(default_factory=dict)
    _standing: object = None

    def begin(self, made: PartMade) -> None:
        """Forget all where a part is of another viewer, or something else holds for everybody."""
        constants = [each.constants(made.now, _VIEW) for each in made.viewer.agreements]
        standing = (made.kind, made.viewer, constants, made.common)
        if self._standing != standing or len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
            self._standing = standing

    def alike(self, row: Read, key: object, said: Sequence[KnownFact]) -> Alike:
        """Begin with rows of a part that are as one row is.

        Args:
            row: one of them.
            key: all that tells it from rows that are decided otherwise.
            said: what is said of it.

        Raises:
            OneByOneError: what it asks for is done record by record.
        """
        answer = self._kept.get(key)
        if answer is None:
            answer = self._answer(row.made, row.whole(), said)
            if not answer.odd:  # the next need not be
                self._kept[key] = answer
        alike = Alike.begun(answer.of, row.row[_ID], odd=answer.odd)
        row.made.sets.append(alike)
        return alike

    def agree(self, connection: Connection, made: PartMade) -> None:
        """Ask the search filter about one row of each set of a part.

        Raises:
            GateError: the filter and the decision disagree.
            OneByOneError: a row that may leave is too odd for it.
        """
        first = [each.first for each in made.sets]
        there = admitted(connection, made.kind, first, made.sight) if first else ()
        wrong = [each for each in made.sets if (each.first in there) != (each.of is not None)]
        if not all(each.odd for each in wrong):
            raise GateError("the search filter and the decision disagree; nothing was released")
        if wrong:
            raise OneByOneError

    def _answer(self, made: PartMade, row: FoundRow, said: Sequence[KnownFact]) -> _Answer:
        """Decide for all rows that are as one is; none leaves where nothing binds them."""
        # INVARIANT: facts that students share name one of them; here they are this row's own.
        own_facts = [fact._replace(student_id=row.student_id or "") for fact in said]
        evidence = EvidenceView([*own_facts, *made.common])
        decided = decide(made.viewer, row.stored(), evidence, made.now)
        if decided is None or decided.agreement is None:
            return _Answer(None)
        for each in decided.permitted:
            scoped = any(isinstance(duty.payload, ConsentScope) for duty in each.decision.duties)
            if scoped or QUEUED.intersection(each.decision.obligations):
                raise OneByOneError
        plan = self._plan(made, decided, decided.agreement)
        one = plan.row(row)
        if one is None:
            return _Answer(None, odd=bool(decided.permitted))
        constants = decided.agreement.constants(made.now, decided.view)
        scopes = (scope_of(decided.agreement, each.slice, constants) for each in decided.elements)
        common = made.common if row.student_id else _NO_FACTS
        entry = self._entry(made, row, (decided, one))
        return _Answer(DecidedSet(decided, plan, tuple(scopes), common, entry))

    def _plan(
        self, made: PartMade, decided: RecordDecision, agreement: CompiledAgreement
    ) -> RowPlan:
        """Return how rows are cut of which the same is permitted."""
        alike = (
            *(agreement.id, agreement.table.digest, decided.view),
            tuple((each.slice.element, each.decision.obligations) for each in decided.permitted),
        )
        if alike not in self._plans:
            coding = Coding.of(made.viewer, self.identifiers)
            self._plans[alike] = RowPlan(made.kind, decided, coding)
        return self._plans[alike]

    def _entry(
        self, made: PartMade, row: FoundRow, leaves: tuple[RecordDecision, CodedRow]
    ) -> Entry:
        """Return what the ledger says of all that leave as one row, but for the request."""
        decided, (named, digest, _) = leaves
        told = ReleasedResource(row.type, named, digest, row.last_updated, b"", GATE_MARK)
        disclosed = Disclosure(row.stored(), decided, told)
        entry = entry_of(made.viewer, disclosed, self.identifiers, "")
        if entry is None:
            raise GateError("a coded row without an agreement; nothing was released")
        return replace(entry, subject=None, resource=None, evidence=())
