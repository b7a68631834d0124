"""What a form asks leave for: which party may tell which other what, and why, by the agreement.

Worked out from the agreement's own flows, so that a form never names what could not leave anyway,
nor leaves out what could. What passes on other grounds (danger, the family's own right, coded rows)
is on no form.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from consent.mou.agreement import Agreement
from consent.mou.template import Template
from consent.mou.terms.flows import Flow

PARTIES = ("lea", "provider")


class FormKind(StrEnum):
    """Which paper it is. Those that must stand alone are papers of their own.

    ``SHARE`` is about school and health records. Session notes need an authorization for nothing
    else (45 CFR 164.508(a)(2)); substance-use records have one of their own here, so that nobody
    signs for them in passing (42 CFR 2.31 asks it of counselling notes and legal proceedings).
    """

    SHARE = "share"
    PART2 = "part2"
    PSYNOTE = "psynote"


_KINDS_OF_ELEMENT = {
    FormKind.SHARE: frozenset({"education_record", "treatment_record"}),
    FormKind.PART2: frozenset({"part2_record"}),
    FormKind.PSYNOTE: frozenset({"psychotherapy_note"}),
}
_NOT_BY_FORM = frozenset(
    {"safety", "emergency", "bill", "report", "evaluate", "research", "rights"}
)


@dataclass(frozen=True, slots=True)
class Passing:
    """One direction: what becomes one signed release of the register.

    Attributes:
        elements, purposes: in the order of the template.
    """

    discloser: str
    recipient: str
    elements: tuple[str, ...]
    purposes: tuple[str, ...]


def passings(template: Template, agreement: Agreement, kind: FormKind) -> tuple[Passing, ...]:
    """Return what a paper of a kind asks leave for; none if the agreement has no use for it."""
    found = []
    for discloser, recipient in (PARTIES, PARTIES[::-1]):
        flows = [f for f in agreement.flows if _passes(f, discloser, recipient)]
        elements = _named(template.elements, (f.elements for f in flows))
        elements = tuple(
            e for e in elements if template.elements[e].kind in _KINDS_OF_ELEMENT[kind]
        )
        flows = [f for f in flows if set(f.elements) & set(elements)]
        purposes = _named(template.purposes, (_by_form(f) for f in flows))
        if elements:
            found.append(Passing(discloser, recipient, elements, purposes))
    return tuple(found)


def _passes(flow: Flow, discloser: str, recipient: str) -> bool:
    there = discloser in flow.senders and recipient in flow.to and bool(flow.recipients)
    return there and bool(_by_form(flow))


def _by_form(flow: Flow) -> tuple[str, ...]:
    return tuple(purpose for purpose in flow.purposes if purpose not in _NOT_BY_FORM)


def _named(order: Iterable[str], lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    there = {name for names in lists for name in names}
    return tuple(name for name in order if name in there)
