"""A provider answers a referral: it changes the Task, by the state machine of the loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from bridge.errors import ConflictError, Finding, NotFoundError, UnprocessableError
from bridge.gate import Gate, ReleasedResource, Seen, keep_views, seen_anew
from bridge.identity import Caller
from bridge.journeys.answers.answer_cancellation import (
    answer_cancellation,
    close_requests,
    requests_to_stop,
)
from bridge.journeys.answers.record_care_consent import (
    SaidOf,
    record_care_consent,
    says_consent,
)
from bridge.journeys.answers.sent_change import checked, same_version
from bridge.journeys.referrals.passed_on import bring_back, refuse_own_answer, share_care_consent
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.intake import amend, take_turn
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.canonicals import CARE_CONSENT
from mappings.fhir.task_moves import Moved, moved_task

# What the target of a referral may say (SDOHCC 3.0.0, Task for Referral Management). Everything
# else is the requester's: it may be repeated as it was read, or left out.
_ANSWERS = (
    "status",
    "statusReason",
    "businessStatus",
    "output",
    "executionPeriod",
    "extension",
)
_IGNORED = ("resourceType", "id", "meta", "text", "lastModified", "identifier")


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """A Task as a provider sent it, and the version it was made from."""

    task_id: str
    sent: Mapping[str, Any]
    if_match: str | None


def answer_referral(
    parts: Parts, gate: Gate, caller: Caller, answer: TaskAnswer
) -> ReleasedResource:
    """Do :func:`answer_within` in a transaction of its own."""
    with write(parts.engine) as connection:
        return answer_within(connection, (parts, gate), caller, answer)


def answer_within(
    connection: Connection, of: tuple[Parts, Gate], caller: Caller, answer: TaskAnswer
) -> ReleasedResource:
    """Check a provider's change to a Task, keep it, and release the Task as it now is.

    Reading the current version, the checks and the change are one transaction, so of two answers
    made from the same version exactly one is kept.

    Raises:
        NotFoundError: no such Task for this caller.
        ConflictError: 428 without If-Match, 412 when the Task has changed since, even if back.
        UnprocessableError: a move the state machine does not have, or a broken rule.
    """
    _, gate = of
    take_turn(connection)
    seen = gate.see(connection, caller, "Task", answer.task_id)
    if seen is None:
        raise NotFoundError
    not_late(seen, answer)
    refuse_own_answer(connection, of[0], caller, seen)
    asked_to_stop = is_cancellation(dict(seen.content))
    if asked_to_stop:
        answer_cancellation(connection, of, caller, (seen, answer.sent))
    else:
        _keep(connection, of, caller, (seen, answer.sent))
    focus = seen.content["focus"]["reference"] if asked_to_stop else f"Task/{seen.id}"
    bring_back(connection, of[0], str(focus).partition("/")[2])
    released = gate.read_within(connection, caller, "Task", answer.task_id)
    if released is None:
        raise NotFoundError
    return released


def _keep(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    answer: tuple[Seen, Mapping[str, Any]],
) -> None:
    """Check and keep a change to the Task of a referral."""
    (parts, gate), (seen, sent) = of, answer
    ending = sent.get("status") == "cancelled"
    asked = requests_to_stop(connection, seen.referral_id) if ending else []
    moved, changes = judged(seen, sent, requested=bool(asked))
    _check_outputs(connection, gate, caller, sent)
    about = SaidOf(seen.type, seen.id, seen.agreement_id, seen.student_id, seen.referral_id)
    with seen_anew(connection, parts, [seen.student_id] if says_consent(sent) else ()):
        keep_changes(connection, parts, seen.id, changes)
        record_care_consent(connection, parts, about, sent)
        share_care_consent(connection, parts, seen, sent)
        keep_views(connection, parts, [("Task", seen.id)])
    if moved.status == "cancelled":
        close_requests(connection, parts, asked)


def not_late(seen: Seen, answer: TaskAnswer) -> None:
    """Refuse an answer that was not made from the Task as it is now.

    Also one made from an earlier time at which the Task looked as it does now. The version is one
    of what the caller sees: a referral that was paused and taken up again has the one it had
    before, and a late repeat of the pause would be taken for a new one. The time at which it was
    read, sent back with it, tells them apart.

    Raises:
        ConflictError: 428 without If-Match; 412, it was changed since, even if changed back.
    """
    same_version(seen, answer.if_match)
    read, now = answer.sent.get("meta"), seen.content["meta"]
    if not isinstance(read, Mapping) or read.get("versionId") != seen.version:
        return
    if _instant(read.get("lastUpdated")) < _instant(now.get("lastUpdated")):
        raise ConflictError(412, "The Task has changed since you read it; read it again.")


def _instant(written: object) -> datetime:
    """Return an instant; one that is not there or cannot be read is later than any."""
    try:
        return datetime.fromisoformat(str(written)).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def judged(
    seen: Seen, sent: Mapping[str, Any], *, requested: bool = False
) -> tuple[Moved, dict[str, Any]]:
    """Return the move a provider's answer makes, and what it changes of the Task.

    Args:
        seen: the Task as the provider sees it.
        sent: the Task as it is to be.
        requested: whether a request of the school to cancel stands.

    Raises:
        UnprocessableError: a move the state machine does not have, or a broken rule.
    """
    checked(sent, ("Task", seen.id))
    moved = moved_task(dict(seen.content), dict(sent), "target", requested=requested)
    illegal = [Finding(issue.code, issue.text, issue.path) for issue in moved.issues]
    if findings := _foreign(seen, sent) + illegal:
        raise UnprocessableError(*findings)
    return moved, _changes(seen, sent, moved)


def keep_changes(
    connection: Connection, parts: Parts, task_id: str, changes: Mapping[str, Any]
) -> None:
    """Keep what an answer changes of a Task, dated now."""
    now = parts.clock.now()
    dated = {**changes, "lastModified": now.isoformat(timespec="seconds")}
    amend(connection, ("Task", task_id), dated, now)


def _foreign(seen: Seen, sent: Mapping[str, Any]) -> list[Finding]:
    """Find elements that are not the provider's to change."""
    text = "This element is the referring school's; send it as you read it, or leave it out."
    changed = [
        name
        for name, value in sent.items()
        if name not in _ANSWERS and name not in _IGNORED and seen.content.get(name) != value
    ]
    findings = [Finding("business-rule", text, f"Task.{name}") for name in changed]
    unknown = [e for e in sent.get("extension", ()) if e.get("url") != CARE_CONSENT]
    return findings + [Finding("extension", "Unknown extension.", "Task.extension")] * len(unknown)


def _check_outputs(
    connection: Connection, gate: Gate, caller: Caller, sent: Mapping[str, Any]
) -> None:
    """Refuse an output that refers to what this caller cannot read."""
    for n, output in enumerate(sent.get("output", ())):
        reference = str(output.get("valueReference", {}).get("reference", ""))
        kind, _, target = reference.partition("/")
        if not reference:
            continue
        known = kind in ("Encounter", "Appointment", "ServiceRequest")
        if not known or gate.see(connection, caller, kind, target) is None:
            text = "The output refers to a resource that is not here."
            raise UnprocessableError(Finding("not-found", text, f"Task.output[{n}]"))


def _changes(seen: Seen, sent: Mapping[str, Any], moved: Moved) -> dict[str, Any]:
    changes: dict[str, Any] = {name: sent.get(name) for name in _ANSWERS}
    changes |= {"status": moved.status, "businessStatus": moved.business}
    if moved.business == seen.content.get("businessStatus"):
        del changes["businessStatus"]  # as it is stored; the caller may have been shown less of it
    if moved.reason is not None:
        changes["statusReason"] = moved.reason
    if "extension" not in sent:
        del changes["extension"]
    there = seen.content.get("identifier", [])
    added = [i for i in sent.get("identifier", ()) if i not in there and _is_filler(i)]
    if added:
        changes["identifier"] = [*there, *added]
    return changes


def _is_filler(identifier: Mapping[str, Any]) -> bool:
    codes = {c.get("code") for c in identifier.get("type", {}).get("coding", ())}
    return "FILL" in codes
