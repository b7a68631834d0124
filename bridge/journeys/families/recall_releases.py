"""Recalling what went out: draft a notice for every recipient, send it, and see it acknowledged.

CGS 52-146e(c) and 45 CFR 164.508(b)(5) make a revocation prospective: what went out before it was
lawful. That each recipient is told, and asked to stop, is the agreement's own term
(``consent_conflict.revoke_recall``).
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from bridge.errors import (
    BridgeError,
    ConflictError,
    Finding,
    NotFoundError,
    UnprocessableError,
)
from bridge.gate.accounts.recalls import (
    Sought,
    entry_of_recall,
    lines_of,
    release_recalls,
    went_out,
)
from bridge.gate.released import Released, ReleasedResource
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.facts.releases import release
from bridge.store.partners.recalls import Recall, keep_recall, mark, recalls
from bridge.store.referrals import referral_of

REASONS = (
    *("revoked", "revoked-before-release", "defective"),
    *("wrong-student", "not-upheld", "court-order"),
)


def draft_recalls(
    connection: Connection, parts: Parts, sought: Sought, reason: str
) -> list[Recall]:
    """Draft a notice for each recipient of what went out; returns the new ones."""
    now = parts.clock.now()
    source = sought.source_id or sought.referral_id
    drafted = [
        Recall(
            id=parts.identifiers.issue("recall", agreement_id, recipient, source, reason),
            agreement_id=agreement_id,
            recipient=recipient,
            student_id=sought.student_id,
            reason=reason,
            source_id=source,
            lines=lines_of(releases),
            drafted_at=now,
        )
        for (agreement_id, recipient), releases in sorted(
            went_out(connection, parts.identifiers, sought).items()
        )
    ]
    new = [recall for recall in drafted if keep_recall(connection, recall)]
    append(connection, [entry_of_recall(parts, recall, reason) for recall in new], parts.clock)
    return new


def recall_form(parts: Parts, release_id: str, reason: str = "defective") -> int:
    """Draft notices of everything that went out under one form; returns how many are new.

    Raises:
        BridgeError: there is no such form, or no such reason.
    """
    _check(reason)
    with write(parts.engine) as connection:
        kept = release(connection, release_id)
        if kept is None:
            raise BridgeError("there is no form of that id")
        return len(draft_recalls(connection, parts, Sought(kept.student_id, release_id), reason))


def recall_referral(parts: Parts, request_id: str, reason: str = "wrong-student") -> int:
    """Draft notices of everything that went out of one referral; returns how many are new.

    Raises:
        BridgeError: there is no such referral, or no such reason.
    """
    _check(reason)
    with write(parts.engine) as connection:
        known = referral_of(connection, request_id)
        if known is None:
            raise BridgeError("there is no such referral")
        sought = Sought(known.student_id, referral_id=request_id)
        return len(draft_recalls(connection, parts, sought, reason))


def _check(reason: str) -> None:
    if reason not in REASONS:
        raise BridgeError(f"the reason is one of: {', '.join(REASONS)}")


def send_recalls(parts: Parts) -> int:
    """Make every drafted notice available to its recipient's system; returns how many."""
    with write(parts.engine) as connection:
        waiting = [recall for recall in recalls(connection) if recall.sent_at is None]
        append(connection, [entry_of_recall(parts, r, "sent") for r in waiting], parts.clock)
        return mark(connection, [r.id for r in waiting], "sent", parts.clock.now())


def all_recalls(parts: Parts) -> list[Recall]:
    """Return every notice, for the operator."""
    with read(parts.engine) as connection:
        return recalls(connection)


def recalls_for(parts: Parts, caller: Caller) -> Released:
    """Release the notices for a caller's organisation."""
    with write(parts.engine) as connection:
        return release_recalls(connection, parts, caller)


def recall_for(parts: Parts, caller: Caller, recall_id: str) -> ReleasedResource:
    """Release one notice.

    Raises:
        NotFoundError: there is none, or it is for another organisation.
    """
    with write(parts.engine) as connection:
        return _one(connection, parts, caller, recall_id)


def acknowledge_recall(
    parts: Parts, caller: Caller, recall_id: str, answer: tuple[Mapping[str, Any], str | None]
) -> ReleasedResource:
    """Take a recipient's acknowledgement; acknowledging twice is once.

    Args:
        parts: the bridge's parts.
        caller: the recipient's system.
        recall_id: id of the notice.
        answer: the Task sent, and its If-Match.

    Raises:
        NotFoundError: there is none, or it is for another organisation.
        ConflictError: 428 without If-Match, 412 when it has changed since.
        UnprocessableError: the status is not ``completed``.
    """
    sent, if_match = answer
    with write(parts.engine) as connection:
        seen = _one(connection, parts, caller, recall_id)
        if if_match is None:
            raise ConflictError(428, "Send If-Match with the ETag of the Task as you read it.")
        if if_match.strip().removeprefix("W/").strip('"') != seen.version:
            raise ConflictError(412, "The Task has changed since you read it; read it again.")
        if sent.get("status") != "completed":
            text = "A recall is acknowledged by the status completed, and by nothing else."
            raise UnprocessableError(Finding("business-rule", text, "Task.status"))
        if mark(connection, [recall_id], "acknowledged", parts.clock.now()):
            (recall,) = (r for r in recalls(connection, caller.organization) if r.id == recall_id)
            append(connection, [entry_of_recall(parts, recall, "acknowledged")], parts.clock)
        return _one(connection, parts, caller, recall_id)


def _one(connection: Connection, parts: Parts, caller: Caller, recall_id: str) -> ReleasedResource:
    found = release_recalls(connection, parts, caller, recall_id or "-").matches
    if not found:
        raise NotFoundError
    return found[0]
