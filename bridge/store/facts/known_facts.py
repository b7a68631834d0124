"""The facts of many students at once, by the driver: those that can change one kind of decision.

They read like :func:`bridge.store.facts.evidence.evidence_of`, which reads all there is about each.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from bridge.driver import cursor_of, listed_for, named_for, stored_instant
from bridge.store.facts.conditions import Scope

Said = tuple[str, bool | None, str, str, str, str]
"""Of a fact all that a decision can rest on, but for whose it is and who says so: the fact, its
value, element, purpose, recipient and agreement."""
_SAID: Final = itemgetter(4, 5, 6, 7, 8, 0)


class KnownFact(NamedTuple):
    """What somebody said; empty texts mean *any* (:class:`bridge.store.tables.EvidenceRow`)."""

    agreement_id: str
    student_id: str
    referral_id: str
    record_id: str
    fact: str
    value: bool | None
    element: str
    purpose: str
    recipient: str
    source_id: str

    @property
    def said(self) -> Said:
        """All that a decision can rest on, but for whose fact it is and who says so."""
        said: Said = _SAID(self)
        return said

    def is_about(self, referral_id: str, record_id: str) -> bool:
        """Tell whether it is about a record of its student."""
        return self.referral_id in ("", referral_id) and self.record_id in ("", record_id)

    def counts_in(self, scope: Scope) -> bool:
        """Tell whether it counts in a scope."""
        return (
            self.element in ("", scope.element)
            and self.agreement_id in ("", scope.agreement_id)
            and self.purpose in ("", scope.purpose)
            and self.recipient in ("", scope.recipient)
        )


@dataclass(frozen=True, slots=True)
class Sought:
    """Which facts can matter: their names, and of whatever else they are restricted to, what."""

    facts: frozenset[str]
    agreements: tuple[str, ...]
    elements: tuple[str, ...]
    purposes: tuple[str, ...]
    recipient: str


@dataclass(frozen=True, slots=True)
class Whom:
    """One recipient, with the facts that can change anything that is decided for it."""

    party: str
    purposes: tuple[str, ...]
    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What is known at an instant.

    Attributes:
        of: by student, what is said of that one; "" for what holds for anybody.
        until: by student, as the driver spells it, the instant from which something that was said
            already holds no longer, or only then; none where all goes on.
        later: whether something is known only from an instant after it.
    """

    of: dict[str, list[KnownFact]]
    until: dict[str, Any]
    later: bool


COLUMNS: Final = ", ".join(f"e.{name}" for name in KnownFact._fields)
_LATER: Final = "(e.recorded_at > :at OR COALESCE(e.superseded_at > :at, FALSE))"
_STANDS: Final = "(e.valid_to > :at AND (e.superseded_at IS NULL OR e.superseded_at > :at))"
_FROM: Final = {
    # In this order: the index begins with the student. (A list of facts that is joined as well is
    # read anew for each of them: half as much again.)
    "sqlite": (
        "json_each(:students) s CROSS JOIN evidence e WHERE e.student_id = s.value"
        " AND e.fact IN (SELECT value FROM json_each(:facts))"
        " AND e.agreement_id IN (SELECT value FROM json_each(:agreements))"
        " AND e.element IN (SELECT value FROM json_each(:elements))"
        " AND e.purpose IN (SELECT value FROM json_each(:purposes))"
        " AND e.recipient IN ('', :recipient)"
    ),
    "postgresql": (
        "evidence e WHERE e.student_id = ANY(:students) AND e.fact = ANY(:facts)"
        " AND e.agreement_id = ANY(:agreements) AND e.element = ANY(:elements)"
        " AND e.purpose = ANY(:purposes) AND e.recipient IN ('', :recipient)"
    ),
}


def known_facts(
    connection: Connection, students: Collection[str], sought: Sought, at: datetime
) -> KnownFacts:
    """Return what is known of the facts sought, about some students and about anybody."""
    dialect, instant = connection.dialect.name, stored_instant(connection.dialect.name, at)
    said = f"{COLUMNS}, e.valid_from, e.valid_to, {_LATER}"
    sql = f"SELECT {said} FROM {_FROM[dialect]} AND ({_STANDS} OR {_LATER})"  # noqa: S608 - names of ours
    lists = {
        "students": sorted({*students, ""}),
        "facts": sorted(sought.facts),
        "agreements": ["", *sought.agreements],
        "elements": ["", *sought.elements],
        "purposes": ["", *sought.purposes],
    }
    given = {name: listed_for(dialect, texts) for name, texts in lists.items()}
    given |= {"recipient": sought.recipient, "at": instant}
    with cursor_of(connection) as cursor:
        found: Sequence[Any] = cursor.execute(named_for(dialect, sql), given).fetchall()
    return _known(found, instant)


def _known(found: Sequence[Any], at: Any) -> KnownFacts:  # noqa: ANN401 - as the driver spells it
    of: dict[str, list[KnownFact]] = {}
    until: dict[str, Any] = {}
    for *columns, valid_from, valid_to, _ in found:
        known, holds = KnownFact._make(columns), valid_from <= at
        if holds:
            of.setdefault(known.student_id, []).append(known)
        changes = valid_to if holds else valid_from
        until[known.student_id] = min(changes, until.get(known.student_id, changes))
    return KnownFacts(of, until, any(row[-1] for row in found))
