"""Emergencies: a declaration, what it opens, for how long, and the review it owes.

One more basis and flow with its own elements, not an override: court orders and session notes stay
as they are. Sources: 34 CFR 99.36 (articulable and significant threat) and 99.32(a)(5) (the threat
and to whom are written down), 45 CFR 164.512(j), 42 CFR 2.51; the agreement's ``emergency`` block
says who may declare, for how many hours, and when it must have been reviewed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.model import FactName
from consent.mou.agreement import Agreement
from consent.mou.template import Template

THREAT = FactName("threat_documented")
MEDICAL = FactName("medical_emergency")


@dataclass(frozen=True, slots=True)
class Declaration:
    """An emergency as someone wrote it down. Empty: not written.

    Attributes:
        threat: the threat in words; kept for the accounting, never put into a log.
        to_whom: party role that is to receive it.
        declared_by: party and staff role (``lea.counselor``).
        recorded_at: when the bridge learned of it.
        medical: whether it is also a bona fide medical emergency (42 CFR 2.51).
    """

    threat: str
    to_whom: str
    elements: tuple[str, ...]
    declared_by: str
    declared_at: datetime | None
    recorded_at: datetime
    medical: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """One fact a declaration sets for one element, purpose and recipient, half open in time."""

    fact: FactName
    element: str
    purpose: str
    recipient: str
    valid_from: datetime
    valid_to: datetime


def problems(declaration: Declaration, agreement: Agreement, template: Template) -> list[str]:
    """Return why a declaration opens nothing; empty when it stands. No value of it is repeated."""
    return [*_unwritten(declaration, agreement), *_unfit(declaration, agreement, template)]


def _unwritten(declaration: Declaration, agreement: Agreement) -> Iterator[str]:
    for part in agreement.emergency.must_record:
        value = getattr(declaration, part)
        if not value or (isinstance(value, str) and not value.strip()):
            yield f"{part}: is not written down"


def _unfit(declaration: Declaration, agreement: Agreement, template: Template) -> Iterator[str]:
    rules = agreement.emergency
    if declaration.declared_by and declaration.declared_by not in rules.who_may_declare:
        yield f"declared_by: may be {', '.join(rules.who_may_declare)}"
    if declaration.to_whom and declaration.to_whom not in template.roles:
        yield "to_whom: is no party of the agreement"
    for element in declaration.elements:
        if element not in template.elements:
            yield "elements: one is not in the agreement's catalogue"
        elif element in rules.never:
            yield f"elements: {element} stays shut, whatever the emergency"
    yield from _times(declaration, rules.lasts_hours)


def _times(declaration: Declaration, hours: int) -> Iterator[str]:
    declared, known = declaration.declared_at, declaration.recorded_at
    if declared is None:
        return
    if declared > known:
        yield "declared_at: lies in the future"
    elif known - declared >= timedelta(hours=hours):
        yield f"declared_at: is more than {hours} hours ago, so it has lapsed; declare anew"


def opened(
    declaration: Declaration, agreement: Agreement, template: Template
) -> tuple[Opened, ...]:
    """Return the facts a declaration sets; none where something is wrong with it.

    Only for the purposes of flows that ask for a documented threat: an emergency must not lift a
    refusal for the everyday purposes (prohibitions name ``threat_documented`` too).
    """
    since = declaration.declared_at
    if since is None or problems(declaration, agreement, template):
        return ()
    until = since + timedelta(hours=agreement.emergency.lasts_hours)
    facts = (THREAT, MEDICAL) if declaration.medical else (THREAT,)
    cells = sorted(
        {
            (element, purpose)
            for flow in agreement.flows
            if THREAT in flow.requires and declaration.to_whom in flow.to
            for element in flow.elements
            for purpose in flow.purposes
            if element in declaration.elements
        }
    )
    return tuple(
        Opened(fact, element, purpose, declaration.to_whom, since, until)
        for element, purpose in cells
        for fact in facts
    )


def review_due(declaration: Declaration, agreement: Agreement) -> datetime:
    """Return when a declaration must have been reviewed.

    Raises:
        ValueError: it has no time.
    """
    if declaration.declared_at is None:
        raise ValueError("a declaration needs its time")
    return declaration.declared_at + timedelta(hours=agreement.emergency.review_within_hours)
