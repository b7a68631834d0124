"""A provider answers a school's request to stop: the referral ends, or it says why not.

Either way it may also cancel the referral itself; the request is then answered with it.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import Finding, UnprocessableError
from bridge.gate import Gate, Seen, keep_views
from bridge.identity import Caller
from bridge.journeys.answers.sent_change import checked
from bridge.parts import Parts
from bridge.store.intake import amend
from bridge.store.referrals import tasks_of
from mappings.fhir.cancellation_task import ANSWERS
from mappings.fhir.status_reasons import WITHDRAWN
from mappings.fhir.task_states import FOLLOW_UP, state_of
from mappings.loop import next_state

_IGNORED: Final = ("resourceType", "id", "meta", "text", "lastModified", "status", "statusReason")


def requests_to_stop(connection: Connection, request_id: str) -> list[str]:
    """Return the ids of the Tasks that ask to stop a referral and were not answered."""
    tasks = tasks_of(connection, request_id)
    return [t.id for t in tasks if t.is_cancellation and t.said["status"] == "requested"]


def answer_cancellation(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    answer: tuple[Seen, Mapping[str, Any]],
) -> None:
    """Keep a provider's answer to a request to stop, and end the referral if it accepts.

    Raises:
        UnprocessableError: it is no answer, or changes what is the school's to say.
    """
    parts, gate = of
    seen, sent = answer
    checked(sent, ("Task", seen.id))
    _refuse(seen, sent)
    if sent["status"] == seen.content["status"]:
        return
    _answered(connection, parts, seen.id, (str(sent["status"]), sent.get("statusReason")))
    task_id = str(seen.content["focus"]["reference"]).partition("/")[2]
    task = gate.see(connection, caller, "Task", task_id)
    if sent["status"] == "accepted" and task is not None:
        end_referral(connection, parts, task)


def end_referral(connection: Connection, parts: Parts, task: Seen) -> None:
    """End a referral its provider agreed to stop; one that has ended stays as it is."""
    after = next_state(
        state_of(dict(task.content)), "confirm-cancellation", "target", requested=True
    )
    if after is None:
        return
    concept = {"coding": [FOLLOW_UP.codings[after.business]]}
    changes = {"status": after.status, "businessStatus": concept, "statusReason": WITHDRAWN}
    _amend(connection, parts, task.id, changes)


def close_requests(connection: Connection, parts: Parts, task_ids: list[str]) -> None:
    """Count requests to stop as accepted by who cancelled the referral."""
    for task_id in task_ids:
        _answered(connection, parts, task_id, ("accepted", None))


def _refuse(seen: Seen, sent: Mapping[str, Any]) -> None:
    before, after = seen.content["status"], sent.get("status")
    findings = [
        Finding("business-rule", "This element is the school's.", f"Task.{name}")
        for name, value in sent.items()
        if name not in _IGNORED and seen.content.get(name) != value
    ]
    if before != after and (before != "requested" or after not in ANSWERS):
        ways = " or ".join(ANSWERS) if before == "requested" else "nothing else"
        text = f"The recipient of a request to cancel may move it from {before} to: {ways}."
        findings.append(Finding("business-rule", text, "Task.status"))
    if findings:
        raise UnprocessableError(*findings)


def _answered(connection: Connection, parts: Parts, task_id: str, said: tuple[str, object]) -> None:
    status, reason = said
    _amend(connection, parts, task_id, {"status": status, "statusReason": reason or WITHDRAWN})


def _amend(
    connection: Connection, parts: Parts, task_id: str, changes: Mapping[str, object]
) -> None:
    now = parts.clock.now()
    dated = {**changes, "lastModified": now.isoformat(timespec="seconds")}
    amend(connection, ("Task", task_id), dated, now)
    keep_views(connection, parts, [("Task", task_id)])
