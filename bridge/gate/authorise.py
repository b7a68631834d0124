"""The condition that authorises a caller, put into every query the gate runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_

from bridge.gate.agreements import VIEWS, CompiledAgreement
from bridge.store.conditions import RECORD, Scope, binds, condition
from consent.minimise import anchor_of
from consent.model import Slice

DIRECTORY_TYPES = ("Organization", "Location")
OWN_TYPES = {"provider": ("Encounter", "Appointment")}
CODED_ELEMENTS = {"ServiceRequest": ("ref.row",), "Encounter": ("enc.row", "sud.row")}
# An Observation's element depends on what it observes; the record carries it.
OBSERVED_ELEMENTS = ("screen.score", "attendance.summary", "discipline.count", "plan504.flag")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, with the agreements that bind them: taken from the registered client alone."""

    party: str
    organization: str
    role: str
    purposes: tuple[str, ...]
    agreements: tuple[CompiledAgreement, ...]


def scope_of(agreement: CompiledAgreement, slice_: Slice, now: datetime) -> Scope:
    """Return the scope in which the facts of one slice are read."""
    return Scope(
        agreement_id=agreement.id,
        element=slice_.element,
        purpose=slice_.purpose,
        recipient=slice_.recipient,
        now=now,
        adult_since=agreement.adult_since(now),
        constants=agreement.constants(now, VIEWS[slice_.sender, slice_.recipient]),
        free_text=agreement.is_free_text(slice_.element),
    )


@dataclass(frozen=True, slots=True)
class Authorised:
    """A condition on ``record``, and what to bind when it runs."""

    condition: ColumnElement[bool]
    binds: dict[str, object]


# Conditions by what they are made of. Making one costs milliseconds; there are few: one for each
# registered standing, type and state of the agreements.
_CONDITIONS: dict[tuple[object, ...], ColumnElement[bool]] = {}
_MOST_CONDITIONS = 10_000


def authorised(viewer: Viewer, kind: str, now: datetime) -> Authorised:
    """Return the condition under which a viewer may know that a record of a type exists."""
    key = (
        *(viewer.party, viewer.organization, viewer.role, viewer.purposes, kind),
        *((a.id, a.table.digest, *a.constants(now, "").values()) for a in viewer.agreements),
    )
    found = _CONDITIONS.get(key)
    if found is None:
        if len(_CONDITIONS) >= _MOST_CONDITIONS:
            _CONDITIONS.clear()
        found = _CONDITIONS[key] = _made(viewer, kind, now)
    adults = {a.id: a.adult_since(now) for a in viewer.agreements}
    return Authorised(found, binds(now, adults))


def _made(viewer: Viewer, kind: str, now: datetime) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if kind in DIRECTORY_TYPES:
        parts.append(RECORD.c.custodian.in_(sorted(_partners(viewer))))
    if kind in OWN_TYPES.get(viewer.party, ()):
        parts.append(RECORD.c.custodian == viewer.organization)
    for agreement in viewer.agreements:
        parts.extend(_shared(viewer, agreement, kind, now))
    return or_(false(), *parts)


def _partners(viewer: Viewer) -> set[str]:
    """The organisations of the viewer's agreements: names and addresses every party may know."""
    keys = (
        a.organization(party) for a in viewer.agreements for party in ("lea", "provider", "hub")
    )
    return {key for key in keys if key}


def _shared(
    viewer: Viewer, agreement: CompiledAgreement, kind: str, now: datetime
) -> Iterator[ColumnElement[bool]]:
    for sender, recipient in VIEWS:
        if recipient != viewer.party:
            continue
        for element in anchors(sender, recipient, kind):
            permitted = _permitted(viewer, agreement, (sender, element), now)
            about = and_(
                RECORD.c.agreement_id == agreement.id,
                RECORD.c.sender_role == sender,
                permitted,
            )
            if kind == "Observation" or recipient == "hub":
                about = and_(about, RECORD.c.element == element)
            if recipient != "hub":
                about = and_(about, RECORD.c.audience == viewer.organization)
            yield about


def anchors(sender: str, recipient: str, kind: str) -> tuple[str, ...]:
    """Return the elements whose permit lets a resource of a type be known at all."""
    if recipient == "hub":
        return CODED_ELEMENTS.get(kind, ())
    if kind == "Observation" and (sender, recipient) == ("lea", "provider"):
        return OBSERVED_ELEMENTS
    found = anchor_of(VIEWS[sender, recipient], kind)
    return (found,) if found else ()


def _permitted(
    viewer: Viewer, agreement: CompiledAgreement, asked: tuple[str, str], now: datetime
) -> ColumnElement[bool]:
    sender, element = asked
    slices = [
        Slice(sender, viewer.party, viewer.role, purpose, element) for purpose in viewer.purposes
    ]
    return or_(
        false(),
        *(condition(agreement.table.filter(s), scope_of(agreement, s, now)) for s in slices),
    )
