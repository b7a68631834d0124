"""A school's system asks to stop a referral: a Task with the code ``abort`` (COW 1.0.0 ballot).

It does what withdrawing on a page does (:mod:`bridge.journeys.referrals.withdraw_referral`): before
the start the referral is cancelled, after it the provider is asked.

INVARIANT: what comes back is the same whatever the provider has done, and what is kept of the Task
sent is which referral it means; a school's own words stay with the school.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import Finding, ForbiddenError, UnprocessableError
from bridge.gate import (
    Gate,
    Match,
    OwnTask,
    Query,
    ReleasedResource,
    own_tasks,
    release_own_request,
)
from bridge.identity import Caller
from bridge.journeys.answers.sent_change import checked
from bridge.journeys.referrals.withdraw_referral import OwnNumber, request_id_of, withdraw
from bridge.parts import Parts
from bridge.store.intake import take_turn
from mappings.fhir.cancellation_task import is_cancellation

_GIVEN: Final = ("Task.for", "Task.authoredOn", "Task.requester")
_TAKEN: Final = (
    *("resourceType", "id", "meta", "text", "identifier", "status", "intent", "code", "focus"),
    *("for", "authoredOn", "lastModified", "requester", "owner"),
)
_FIXED: Final = {"status": "requested", "intent": "order"}


def request_stop(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    sent: Mapping[str, Any],
    _repeat: str | None = None,
) -> tuple[ReleasedResource, bool]:
    """Ask to stop a referral, and return the request and whether it is new.

    Doing it again, in whatever way it was done first, changes nothing.

    Raises:
        ForbiddenError: the caller is no school.
        UnprocessableError: it is no such Task, or means no one referral of the caller's.
    """
    if caller.party != "lea":
        raise ForbiddenError
    checked(sent, given=_GIVEN)
    if findings := list(_wrong(sent)):
        raise UnprocessableError(*findings)
    parts, _ = of
    take_turn(connection)
    task = _meant(connection, parts, caller, sent)
    own = OwnNumber(caller.organization, task.provider, task.number)
    new = withdraw(connection, parts, own)
    key = (task, request_id_of(parts, task.id))
    return release_own_request(connection, parts, caller, key), new


def _wrong(sent: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what makes it another Task than a request to stop a referral."""
    if not is_cancellation(dict(sent)):
        text = (
            "A school creates one kind of Task here: a request to stop a referral, with the code"
            " abort. A referral comes in by an import or a page."
        )
        yield Finding("business-rule", text, "Task.code")
    for name, value in _FIXED.items():
        if sent.get(name) != value:
            yield Finding("business-rule", f"It must be {value}.", f"Task.{name}")
    for name in sent:
        if name not in _TAKEN:
            text = "Leave it out: nothing is kept but which referral is to stop."
            yield Finding("business-rule", text, f"Task.{name}")


def _meant(
    connection: Connection, parts: Parts, caller: Caller, sent: Mapping[str, Any]
) -> OwnTask:
    """Return the Task of the one referral that is meant.

    Raises:
        UnprocessableError: there is none for this caller, or it could be several.
    """
    query = _named(sent)
    found = own_tasks(connection, parts, caller, query) if query else []
    if len(found) != 1:
        text = (
            "Name one referral of yours: a reference to its Task or ServiceRequest, or its number"
            " as the identifier. Where several providers have one of that number, give the owner."
        )
        raise UnprocessableError(Finding("not-found", text, "Task.focus"))
    (task,) = found
    for name in ("for", "requester"):
        if name in sent and sent[name].get("reference") != task.said[name]["reference"]:
            text = "It is not that of the referral; leave it out."
            raise UnprocessableError(Finding("business-rule", text, f"Task.{name}"))
    return task


def _named(sent: Mapping[str, Any]) -> Query | None:
    """Return what finds the Task of the referral that is meant; None where it names none."""
    focus, owner = sent["focus"], sent.get("owner", {}).get("reference")
    kind, _, record_id = str(focus.get("reference", "")).partition("/")
    numbered = focus.get("identifier", {})
    to = (Match("owner", ((None, str(owner)),)),) if owner else ()
    if kind == "Task" and record_id:
        return Query("Task", matches=to, ids=(record_id,), limit=2)
    if kind == "ServiceRequest" and record_id:
        found = Match("focus", ((None, f"ServiceRequest/{record_id}"),))
    elif not kind and numbered.get("value"):
        found = Match("identifier", ((numbered.get("system"), str(numbered["value"])),))
    else:
        return None
    return Query("Task", matches=(found, *to), limit=2)
