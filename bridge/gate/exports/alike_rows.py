"""Rows of a part of a coded file that are decided alike, and how each of them is told apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from bridge.gate.authorise import Authorised, Viewer
from bridge.gate.decisions import ElementDecision, RecordDecision
from bridge.gate.exports.row_layouts import ToldLine
from bridge.gate.exports.row_plans import Found, RowPlan
from bridge.ledger.entry import Entry
from bridge.ledger.listing import ListedRows, evidence_text
from bridge.store.facts.conditions import Scope
from bridge.store.facts.known_facts import KnownFact
from bridge.store.vault import Candidate, FoundRow, RawRow, whole

_ID: Final = Candidate._fields.index("id")
_BODY: Final = Candidate._fields.index("body")
_TOGETHER: Final = 256
"""So many rows are told at once: what they are cut into stays in the processor's own memory."""
_FIRST: Final = 8
"""After so many rows of which nothing is known, and twice as many, the rest is looked at again."""


@dataclass(frozen=True, slots=True)
class DecidedSet:
    """How rows leave that are decided alike: the decision, and how they are cut.

    Attributes:
        common: what is said of anybody; nothing where they are nobody's.
        entry: what the ledger says of all of them, but for the request.
    """

    decided: RecordDecision
    plan: RowPlan
    scopes: tuple[Scope, ...]
    common: Sequence[KnownFact]
    entry: Entry

    def sources(self, said: Sequence[KnownFact]) -> tuple[str, ...]:
        """Return who said what a decision rests on, of a record of which something is said."""
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
class Alike:
    """Rows of a part that are decided alike; none of them leaves where there is no set.

    Attributes:
        of: how they leave.
        first: the id of one of them.
        odd: whether that one is permitted, and too odd to leave.
        evidence: who said what the decision rests on, of a record of which nothing of its own is
            said, as the ledger writes it.
        at: where in the part they are; of each, whose it is, as the ledger names them, and who said
            what the decision rests on.
        rows: what the ledger is to say of each.
    """

    of: DecidedSet | None
    first: str
    odd: bool = False
    evidence: bytes = b""
    at: list[int] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    evidences: list[bytes] = field(default_factory=list)
    rows: ListedRows = field(default_factory=ListedRows)

    @classmethod
    def begun(cls, of: DecidedSet | None, first: str, *, odd: bool) -> "Alike":
        """Make it with no rows yet."""
        return cls(of, first, odd, evidence_text(of.sources(())) if of else b"")


@dataclass(frozen=True, slots=True)
class KinRows:
    """Rows of a part that are alike but for whose they are.

    Attributes:
        adult: the birth date of the youngest adult, as the driver spells it; None where nobody is.
        alike: by whether they are a minor's (None: nobody's) and what is said of them.
    """

    adult: Any
    alike: dict[bool | None, dict[object, Alike]] = field(
        default_factory=lambda: {True: {}, False: {}, None: {}}
    )


@dataclass(slots=True)
class PartMade:
    """One part, being made: who asks, of when, and what was told so far.

    Attributes:
        kind: the type of the records.
        common: what holds for anybody.
        adults: by agreement, the birth date of the youngest adult, as the driver spells it.
    """

    kind: str
    viewer: Viewer
    sight: Authorised
    now: datetime
    common: Sequence[KnownFact]
    adults: Mapping[str, Any]
    kin: dict[object, KinRows] = field(default_factory=dict)
    sets: list[Alike] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    def kin_of(self, key: object, agreement: str) -> KinRows:
        """Begin with rows that differ from all before; they are alike in whatever the key says."""
        made = self.kin[key] = KinRows(self.adults.get(agreement))
        return made


@dataclass(frozen=True, slots=True)
class Read:
    """A row that was found, of which all there is may be asked for."""

    connection: Connection
    made: PartMade
    row: RawRow

    @property
    def body(self) -> str:
        """What it says."""
        body: bytes = self.row[_BODY]
        return body.decode()

    def whole(self) -> FoundRow:
        """Return all there is of it."""
        return whole_row(self.connection, self.made, self.row)


def whole_row(connection: Connection, made: PartMade, row: RawRow) -> FoundRow:
    """Return all there is of a row that was found for a part."""
    return whole(connection, made.kind, row[_ID], made.sight)


def told_of(
    plan: RowPlan, bodies: Sequence[bytes], read: Callable[[int], Found]
) -> list[ToldLine] | None:
    """Return what leaves of rows that are decided alike; None where something is odd about one.

    Args:
        plan: how they leave.
        bodies: what they say, in UTF-8.
        read: gives all there is of one of them.

    Raises:
        GateError: two ways of making a row disagree.
    """
    found = list[ToldLine]()
    for start in range(0, len(bodies), _TOGETHER):
        some, step = bodies[start : start + _TOGETHER], _FIRST
        told = plan.told(some)
        while rest := [n for n, one in enumerate(told) if one is None]:
            for n in rest[:step]:
                one = plan.sought(read(start + n))
                if one is None:
                    return None
                told[n] = one[0].encode(), one[1].encode(), one[2]
            again = plan.told([some[n] for n in rest[step:]])
            for n, line in zip(rest[step:], again, strict=True):
                told[n] = line
            step *= 2
        found += [one for one in told if one is not None]
    return found
