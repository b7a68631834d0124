"""Which records may be of care that a minor sought alone, and what may be told of them even so.

INVARIANT: as many rows come back whether nobody has said on whose consent care is given, or that it
is the minor's own (docs/adr/0054): the database says which are not, and that there are others.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, String

from bridge.gate.agreements import CompiledAgreement
from bridge.ledger.firsts import Hidden
from bridge.parts import Parts
from bridge.store.facts.conditions import (
    FALSE,
    Scope,
    all_of,
    any_of,
    binds,
    clause,
    condition,
    quoted,
)
from consent.model import FactName, Filter, Literal, Slice
from consent.table import DecisionTable

MINOR: Final = "minor_consented_care"
THREAT: Final = "threat_documented"
_SENDERS: Final = ("lea", "provider")
_IS_SO: Final = Filter((((Literal(FactName(MINOR)),),),))
_RECORDS: Final = "FROM record WHERE record.student_id = :student"
# No record is asked about unless somebody said of some care that it is not the minor's own.
_OTHERS: Final = """
SELECT record.id, CASE WHEN {referred} THEN 1 ELSE 0 END AS referred
FROM record JOIN student ON student.id = record.student_id
WHERE record.student_id = :student AND (NOT ({referred}) OR (
 EXISTS (SELECT 1 FROM evidence a WHERE a.student_id IN (:student, '') AND a.element = ''
  AND a.fact = 'minor_consented_care' AND a.value IS FALSE)
 AND NOT {own}))
"""


class MinorsOwn:
    """The records of one student that may be of care sought alone, for a guardian who asks.

    ``any``: whether there is one. Not of these is what belongs to no referral (the student's own
    data), nor where every provider has said that the care is not the minor's own.
    """

    def __init__(
        self,
        connection: Connection,
        parts: Parts,
        student_id: str,
        bound: Sequence[CompiledAgreement],
    ) -> None:
        self._bound = bound
        # Who may ask as a guardian asks about a minor: nobody is too old.
        young = {agreement.id: date.min for agreement in bound}
        given = {"student": student_id, **binds(parts.clock.now(), young)}
        ids = [agreement.id for agreement in bound]
        referred = _referred(ids)
        counted = clause(f"SELECT count(*) {_RECORDS} AND {referred}", ids)
        others = clause(_OTHERS.format(referred=referred, own=_own(bound)), ids)
        found = connection.execute(others, given).all()
        told = sum(row.referred for row in found)
        self.any = connection.scalar(counted, {"student": student_id}) > told
        self._student_id, self._referred = student_id, referred
        self._others = [row.id for row in found]
        self._identifiers = parts.identifiers

    def hidden(self) -> Hidden:
        """Return what is kept from the guardian of what the ledger says."""
        hubs = sorted({a.entry.hub for a in self._bound if a.entry.hub})
        coded = f"said.receiving IN ({', '.join(map(quoted, hubs))})" if hubs else FALSE
        # A hub knows rows by pseudonym: those of what may be told are worked out, of no others.
        own = (
            f"(said.thing NOT IN :others AND ({coded} OR EXISTS"
            f" (SELECT 1 {_RECORDS} AND record.id = said.thing AND {self._referred})))"
        )
        told = any_of(
            all_of((f"first.log = {quoted(a.id)}", f"element.value IN ({', '.join(told_of)})"))
            for a in self._bound
            if (told_of := [quoted(n) for n in tellable(a.table, tuple(a.template.elements))])
        )
        pseudonym = self._identifiers.pseudonym
        names = (*self._others, *(pseudonym(hub, each) for hub in hubs for each in self._others))
        values = {"student": (self._student_id, String()), "others": (names, String())}
        return Hidden(own, told, THREAT, values)


@lru_cache(maxsize=256)
def tellable(table: DecisionTable, elements: tuple[str, ...]) -> tuple[str, ...]:
    """Return the elements of which a guardian may be told, of some sender, of care sought alone."""
    return tuple(
        name
        for name in elements
        if any(
            may_know(table, (sender, name), facts)
            for sender in _SENDERS
            for facts in ((MINOR,), (MINOR, THREAT))
        )
    )


def may_know(table: DecisionTable, asked: tuple[str, str], facts: Iterable[str]) -> bool:
    """Ask an agreement whether no prohibition keeps an element, of a sender, from guardians.

    Only prohibitions are asked: an account shows that something went, never what it said, so flows
    and reviews of free text do not come into it.
    """
    sender, element = asked
    votes = table.explain(Slice(sender, "family", "guardian", "rights", element), set(facts))
    barred = (v for v in votes if v.layer.startswith("prohibition:") and not v.agrees)
    return bool(votes) and not any(barred)


def _referred(agreement_ids: Sequence[str]) -> str:
    named = ", ".join(map(quoted, agreement_ids))
    return f"COALESCE(record.referral_id, '') <> '' AND record.agreement_id IN ({named})"


def _own(bound: Sequence[CompiledAgreement]) -> str:
    return any_of(
        all_of(
            (
                f"record.agreement_id = {quoted(agreement.id)}",
                condition(_IS_SO, Scope(agreement.id, "", "", "", {})),
            )
        )
        for agreement in bound
    )
