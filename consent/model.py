"""The words of a consent decision: question, facts, answer.

Source of the vocabulary: the worked MOU template (``consent/mou``), ``facts.csv`` and the order of
judgement beside it. Every fact has three states; *unknown never permits*: an unknown fact that a
permit needs counts as false, one that a prohibition looks at counts as the fact table says.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from consent.duties import Duty, Extent

FactName = NewType("FactName", str)
FlowId = NewType("FlowId", str)


class Outcome(StrEnum):
    """What the decision says. There is no third answer; how far a permit goes is its extent."""

    PERMIT = "permit"
    DENY = "deny"


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """One question: may an element go from a sender to a recipient in a role for a purpose?

    All five are names of the MOU documents: party roles (``lea``, ``provider``, ``hub`` ...), a
    staff role of the recipient (``intake``), a purpose (``refer``) and an element
    (``referral.reason``).
    """

    sender: str
    recipient: str
    role: str
    purpose: str
    element: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A fact that must be true (``wanted``) or must not be true."""

    fact: FactName
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """A decision's condition as data, in conjunctive normal form over alternatives.

    ``clauses``: every clause must hold. A clause holds when any of its alternatives holds; an
    alternative holds when all its literals hold. No clauses: always. ``never`` true: no facts help
    (an unknown slice, an unconditional prohibition, no flow). The store renders this to SQL; it is
    the same condition :meth:`consent.table.DecisionTable.decide` evaluates.
    """

    clauses: tuple[tuple[tuple[Literal, ...], ...], ...] = ()
    never: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one slice and one set of facts.

    Attributes:
        outcome: permit or deny.
        reasons: for a deny, ``unknown-slice``, ``prohibition:ID``, ``law:NAME``,
            ``template:no-flow`` or ``agreement:no-flow`` (``duty:CODE`` in place of these two where
            the only flows carry a duty nobody can carry out): every layer that objects, in the
            order of judgement (the first is *the* reason). For a permit, the flow and bases:
            ``flow:F1``, ``law:FERPA:ferpa.consent`` ...
        clause: the numbered clause of the paper agreement that decided ("4.1"), or "".
        obligations: codes that ride with a permitted release, sorted (empty for a deny).
        duties: the same with payload: the text of a notice, the form whose scope rides along,
            the hours within which it is reviewed.
        extent: how far the element may go. ``deny`` and ``hold-for-review`` are denials: the second
            where nothing is missing but a review.
        bases: the legal basis met under each governing law, e.g. ``("ferpa.consent",)``.
        flow: the flow that permits, or "".
        missing: the facts whose truth would lift the first objection, sorted; empty if none could.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    clause: str = ""
    obligations: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    flow: str = ""
    missing: tuple[str, ...] = field(default=())
    extent: Extent = Extent.DENY
    duties: tuple[Duty, ...] = ()

    @property
    def permitted(self) -> bool:
        """Whether the element may leave."""
        return self.outcome is Outcome.PERMIT
