"""The accounting of disclosures: who was given what of one student, when, why and on what ground.

34 CFR 99.32(a)-(d) (parties, interests, threats; parent, eligible student, custodian and auditor
may see it), 45 CFR 164.528 (date, recipient, what, why). It is itself a release: the gate makes it
and the ledger keeps that it was made.

INVARIANT: a guardian learns nothing of care a minor sought alone (CGS 19a-14c). What the agreement
keeps from ``family.guardian`` is left out, and unless every provider has said that the care is not
the minor's own, how often the rest went is left out too: repeats follow the care.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate.accounts.account_view import Withholding
from bridge.gate.accounts.requests import enter_requests
from bridge.gate.agreements import CompiledAgreement, agreements_of
from bridge.gate.released import GATE_MARK, AccountEvent, AccountLine, ReleasedAccount
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind, Recorded
from bridge.parts import Parts
from bridge.store.directory import StudentEntry, organizations
from bridge.store.facts.emergencies import KeptEmergency, emergencies
from bridge.store.facts.releases import KeptRelease, releases

_RECALLED = {"sent": "recalled", "acknowledged": "acknowledged"}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the lines of an account refer to."""

    names: dict[str, str]
    forms: dict[str, KeptRelease]
    emergencies: dict[str, KeptEmergency]


def account_of(
    connection: Connection, parts: Parts, student: StudentEntry, asker: str
) -> ReleasedAccount:
    """Release the accounting of one student, inside a write transaction that the caller commits.

    Args:
        connection: the database.
        parts: the bridge's parts.
        student: whose; of the district that answers.
        asker: ``guardian``, ``student``, ``records_custodian`` or ``auditor``, as the agreement's
            ``rights.log_inspection`` names them. That the asker *is* that is for the office to see.

    Raises:
        BridgeError: no agreement lets such an asker see it, or the right has passed to the student.
    """
    now = parts.clock.now()
    bound = agreements_of(connection, "lea", student.lea)
    _check_asker(bound, student, asker, parts)
    enter_requests(connection, parts)
    hidden = Withholding.of(connection, parts, (student, asker), bound)
    shown = hidden.shown(connection)
    known = _known(connection, shown)
    lines = [_line(each, known, hidden) for each in shown if each.entry.kind is Kind.RELEASE]
    events = [event for each in shown for event in _events(each, known, hidden)]
    append(connection, [_entry(a, student, asker, hidden.subject) for a in bound], parts.clock)
    return ReleasedAccount(
        student=student.local_key,
        asked_at=now,
        tz=bound[0].agreement.effective.tz,
        lines=tuple(_grouped(lines) if hidden.summary else lines),
        events=() if hidden.summary else tuple(events),
        mark=GATE_MARK,
    )


def _check_asker(
    bound: Sequence[CompiledAgreement], student: StudentEntry, asker: str, parts: Parts
) -> None:
    if not any(asker in a.template.settings.rights.log_inspection for a in bound):
        raise BridgeError("no agreement of the district lets such an asker see this list")
    adult_since = min(a.adult_since(parts.clock.now()) for a in bound)
    if asker == "guardian" and student.birth_date <= adult_since:
        raise BridgeError("the right to see this list has passed to the student (34 CFR 99.5)")


def _known(connection: Connection, shown: Sequence[Recorded]) -> _Known:
    ids = {source for each in shown for source in each.entry.evidence}
    return _Known(
        names={key: entry.name for key, entry in organizations(connection).items()},
        forms=releases(connection, ids),
        emergencies=emergencies(connection, ids),
    )


def _line(each: Recorded, known: _Known, hidden: Withholding) -> AccountLine:
    entry = each.entry
    forms = [known.forms[i].form for i in entry.evidence if i in known.forms]
    signed = {f.signed_on.isoformat() for f in forms if f.signed_on and not hidden.is_minors_own(f)}
    threats = [known.emergencies[i].threat for i in entry.evidence if i in known.emergencies]
    return AccountLine(
        at=each.time,
        discloser=known.names.get(entry.releasing, entry.releasing),
        recipient=known.names.get(entry.receiving, entry.receiving),
        purposes=tuple(entry.purpose.split()),
        elements=entry.elements,
        bases=entry.ruling.bases if entry.ruling else (),
        signed_on=tuple(sorted(signed)),
        threat="; ".join(sorted(set(threats))),
    )


def _events(each: Recorded, known: _Known, hidden: Withholding) -> list[AccountEvent]:
    entry = each.entry
    forms = [known.forms[i].form for i in entry.evidence if i in known.forms]
    if any(hidden.is_minors_own(form) for form in forms):
        return []
    if entry.kind is Kind.REVOCATION:
        return [AccountEvent(each.time, "revoked")] if forms else []
    if entry.kind is Kind.DENY:
        by = known.names.get(entry.receiving, entry.receiving)
        return [AccountEvent(entry.asked_at or each.time, "asked", by)]
    if entry.kind is Kind.RECALL and entry.purpose in _RECALLED:
        to = known.names.get(entry.receiving, entry.receiving)
        return [AccountEvent(each.time, _RECALLED[entry.purpose], to)]
    return []


def _grouped(lines: Sequence[AccountLine]) -> list[AccountLine]:
    """Return the first passing of each kind, without how often it was repeated.

    45 CFR 164.528(b)(3) lets repeats to one recipient for one purpose be told together.
    """
    first: dict[tuple[object, ...], AccountLine] = {}
    for line in lines:
        key = (line.discloser, line.recipient, line.purposes, line.elements, line.bases)
        first.setdefault(key, replace(line, times=0))
    return list(first.values())


def _entry(agreement: CompiledAgreement, student: StudentEntry, asker: str, subject: str) -> Entry:
    return Entry(
        log=agreement.id,
        kind=Kind.ACCOUNT,
        releasing=student.lea,
        receiving="family" if asker in ("guardian", "student") else student.lea,
        role=asker,
        purpose="rights",
        request="",
        subject=subject,
    )
