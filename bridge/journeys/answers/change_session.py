"""A provider corrects a session it recorded: the same session, of the same referral."""

from dataclasses import replace as changed

from sqlalchemy import Connection

from bridge.errors import ConflictError, Finding, NotFoundError, UnprocessableError
from bridge.gate import Gate, ReleasedResource, Seen, keep_views
from bridge.identity import Caller
from bridge.journeys.answers.count_sessions import count_sessions
from bridge.journeys.answers.record_encounter import (
    SentSession,
    author_of,
    names_another,
    session_id_of,
    session_record,
)
from bridge.journeys.answers.sent_change import SentChange, checked, same_version
from bridge.parts import Parts
from bridge.store.intake import replace, take_turn

_STAY = ("basedOn", "subject")


def change_session(
    connection: Connection, of: tuple[Parts, Gate], caller: Caller, change: SentChange
) -> ReleasedResource:
    """Check and keep a changed session, and release it as it now is.

    It stays with its referral, so it can be corrected after the referral's consent is withdrawn.

    Raises:
        NotFoundError: no such session of this provider.
        ConflictError: 428 without If-Match, 412 when it has changed since.
        UnprocessableError: a broken rule, or it would become another session.
    """
    parts, gate = of
    take_turn(connection)
    key = (change.kind, change.record_id)
    seen = gate.see(connection, caller, *key)
    # A school may see a session as well; it is its author's to change.
    if seen is None or caller.party != "provider":
        raise NotFoundError
    same_version(seen, change.if_match)
    checked(change.resource, key)
    sent = SentSession(change.resource)
    _same_session(parts, caller, sent, seen)
    request = changed(seen, id=seen.referral_id)
    author = author_of(connection, gate.asking(connection, caller).viewer)
    record = session_record(author, sent, request, seen.id)
    replace(connection, record, parts.clock.now())
    keep_views(connection, parts, [key])
    count_sessions(connection, parts, author.agreements, seen.student_id)
    released = gate.read_within(connection, caller, *key)
    if released is None:
        raise ConflictError(409, "The session could not be kept.")
    return released


def _same_session(parts: Parts, caller: Caller, sent: SentSession, seen: Seen) -> None:
    """Refuse what would make another session of it.

    INVARIANT: what is kept of one student is never replaced by something of another.

    Raises:
        UnprocessableError: another identifier, referral or student than before.
    """
    findings = [
        Finding("business-rule", "A session stays with its referral.", f"{sent.kind}.{name}")
        for name in _STAY
        if sent.resource.get(name) != seen.content.get(name)
    ]
    before = SentSession(seen.content)
    if sent.naming("Patient") - before.naming("Patient"):
        findings.append(names_another(sent.kind))
    if sent.naming("ServiceRequest") - before.naming("ServiceRequest"):
        text = "A session stays with its referral."
        findings.append(Finding("business-rule", text, sent.kind))
    if session_id_of(parts, caller, sent.resource) != seen.id:
        text = "The identifier names another session; record that one instead."
        findings.append(Finding("business-rule", text, f"{sent.kind}.identifier"))
    if findings:
        raise UnprocessableError(*findings)
