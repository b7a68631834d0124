"""The condition that authorises a caller, put into every query the gate runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, text

from bridge.gate.agreements import VIEWS, CompiledAgreement
from bridge.store.facts.conditions import (
    WRITTEN,
    Scope,
    all_of,
    any_of,
    binds,
    clause,
    quoted,
)
from consent.minimise import anchor_of
from consent.model import Slice

DIRECTORY_TYPES = (
    *("Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService"),
)
"""Public entries of the parties: names, places and services, nothing about a student."""
SESSION_TYPES = ("Encounter", "Appointment")
OWN_TYPES = {"provider": SESSION_TYPES}
# What a session under 42 CFR Part 2 counts as: its coded row, and the session itself.
PART2_ROW, PART2_RECORD = "sud.row", "sud.record"
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


def scope_of(agreement: CompiledAgreement, slice_: Slice, constants: dict[str, bool]) -> Scope:
    """Return the scope in which the facts of one slice are read."""
    return Scope(
        agreement_id=agreement.id,
        element=slice_.element,
        purpose=slice_.purpose,
        recipient=slice_.recipient,
        constants=constants,
        free_text=agreement.is_free_text(slice_.element),
    )


@dataclass(frozen=True, slots=True)
class Authorised:
    """A condition on ``record``, what to bind when it runs, and where and as whom it looks.

    Attributes:
        bins: the agreements whose records can be meant, and "" for the directory; all if empty.
        standing: whose views of changes hold; "" for the operator, who sees each change.
        kind: the type whose records it is a condition on; "" for any.
    """

    condition: TextClause
    binds: dict[str, object]
    bins: tuple[str, ...] = ()
    standing: str = ""
    kind: str = ""


# Conditions by what they are made of. There are few: one for each registered standing, type and
# state of the agreements.
_CONDITIONS: dict[tuple[object, ...], TextClause] = {}
_MOST_CONDITIONS = 10_000
_Asked = tuple[datetime, str]
"""At which instant, and by the dialect of which database."""


def authorised(viewer: Viewer, kind: str, now: datetime, dialect: str) -> Authorised:
    """Return the condition under which a viewer may know that a record of a type exists.

    ``dialect`` is the name of the database's: it says the same in each, in another form.
    """
    key = (dialect, kind, *_standing(viewer, now))
    found = _CONDITIONS.get(key)
    if found is None:
        found = _kept(key, _made(viewer, kind, (now, dialect)), viewer)
    bins = ("",) if kind in DIRECTORY_TYPES else tuple(a.id for a in viewer.agreements)
    return Authorised(found, _binds(viewer, now), bins or ("",), standing_of(viewer), kind)


def told_of(
    viewer: Viewer, sender: str, elements: tuple[str, str], now: datetime, dialect: str
) -> Authorised:
    """Return the condition under which a viewer is told an element of a record as of one sender.

    Args:
        viewer: who asks.
        sender: the party it is decided as coming from, whoever keeps the record.
        elements: the element, and what it is of a record under 42 CFR Part 2.
        now: the instant.
        dialect: the name of the database's.
    """
    key = (dialect, sender, elements, *_standing(viewer, now))
    found = _CONDITIONS.get(key)
    if found is None:
        found = _kept(key, _told(viewer, sender, elements, (now, dialect)), viewer)
    return Authorised(found, _binds(viewer, now), tuple(a.id for a in viewer.agreements))


def _told(viewer: Viewer, sender: str, elements: tuple[str, str], at: _Asked) -> Iterator[str]:
    for agreement in viewer.agreements:
        for same, element in zip(("<>", "="), elements, strict=True):
            yield all_of(
                (
                    f"record.agreement_id = {quoted(agreement.id)}",
                    f"record.element {same} {quoted(PART2_ROW)}",
                    _permitted(viewer, agreement, (sender, element), at),
                )
            )


def _standing(viewer: Viewer, now: datetime) -> tuple[object, ...]:
    """Return all that a condition is made of, but for what it is about."""
    return (
        *(viewer.party, viewer.organization, viewer.role, viewer.purposes),
        *((a.id, a.table.digest, *a.constants(now, "").values()) for a in viewer.agreements),
    )


def _kept(key: tuple[object, ...], parts: Iterator[str], viewer: Viewer) -> TextClause:
    if len(_CONDITIONS) >= _MOST_CONDITIONS:
        _CONDITIONS.clear()
    made = _CONDITIONS[key] = clause(any_of(parts), [a.id for a in viewer.agreements])
    return made


def _binds(viewer: Viewer, now: datetime) -> dict[str, object]:
    return binds(now, {a.id: a.adult_since(now) for a in viewer.agreements})


def standing_of(viewer: Viewer) -> str:
    """Return the standing a viewer's views are kept under: all that a decision asks of it."""
    return "|".join((viewer.party, viewer.organization, viewer.role, *viewer.purposes))


def of_agreement(agreement_id: str, custodian: str = "") -> Authorised:
    """Return the operator's own condition: all records of an agreement, or of one custodian."""
    parts = [f"record.agreement_id = {quoted(agreement_id)}"]
    parts += [f"record.custodian = {quoted(custodian)}"] if custodian else []
    return Authorised(text(all_of(parts)), {}, (agreement_id,))


def _made(viewer: Viewer, kind: str, at: _Asked) -> Iterator[str]:
    if kind in DIRECTORY_TYPES:
        yield f"record.custodian IN ({', '.join(quoted(key) for key in sorted(partners(viewer)))})"
    if kind in OWN_TYPES.get(viewer.party, ()):
        yield f"record.custodian = {quoted(viewer.organization)}"
    for agreement in viewer.agreements:
        yield from _shared(viewer, agreement, kind, at)


def partners(viewer: Viewer) -> set[str]:
    """The viewer and the parties of its agreements: names and addresses each may know."""
    roles = ("lea", "provider", "hub")
    keys = (a.organization(party) for a in viewer.agreements for party in roles)
    return {viewer.organization, *(key for key in keys if key)}


def _shared(viewer: Viewer, agreement: CompiledAgreement, kind: str, at: _Asked) -> Iterator[str]:
    for sender, recipient in VIEWS:
        if recipient != viewer.party:
            continue
        for element in anchors(sender, recipient, kind):
            parts = [
                f"record.agreement_id = {quoted(agreement.id)}",
                f"record.sender_role = {quoted(sender)}",
            ]
            if kind == "Observation" or recipient == "hub":
                parts.append(f"record.element = {quoted(element)}")
            if recipient != "hub":
                parts.append(f"record.audience = {quoted(viewer.organization)}")
            if recipient == "lea":  # a Part 2 session leaves under its own element or not at all
                same = "=" if element == PART2_RECORD else "<>"
                parts.append(f"record.element {same} {quoted(PART2_ROW)}")
            # The last: what is said of a student is asked of records that else could be told.
            yield all_of((*parts, _permitted(viewer, agreement, (sender, element), at)))


def anchors(sender: str, recipient: str, kind: str) -> tuple[str, ...]:
    """Return the elements whose permit lets a resource of a type be known at all."""
    if recipient == "hub":
        return CODED_ELEMENTS.get(kind, ())
    if kind == "Observation" and (sender, recipient) == ("lea", "provider"):
        return OBSERVED_ELEMENTS
    found = anchor_of(VIEWS[sender, recipient], kind)
    if found and recipient == "lea" and kind in SESSION_TYPES:
        return (found, PART2_RECORD)
    return (found,) if found else ()


def _permitted(
    viewer: Viewer, agreement: CompiledAgreement, asked: tuple[str, str], at: _Asked
) -> str:
    (sender, element), (now, dialect) = asked, at
    slices = [
        Slice(sender, viewer.party, viewer.role, purpose, element) for purpose in viewer.purposes
    ]
    constants = agreement.constants(now, VIEWS[sender, viewer.party])
    return any_of(
        WRITTEN[dialect](agreement.table.filter(s), scope_of(agreement, s, constants))
        for s in slices
    )
