"""A district's own request to stop a referral: which referral it means, and what it is shown of it.

INVARIANT: only what the district wrote is read and shown. No answer of a provider and no date of a
change is part of it: who may not learn what became of a referral cannot learn it by ending it. It
is shown as it was made, ``requested``, whatever has been answered since. As with the referrals
themselves (:mod:`bridge.gate.own.own_referrals`) that is no disclosure, and there is no entry.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import NotFoundError
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import of_agreement
from bridge.gate.own.own_referrals import may_learn
from bridge.gate.projection import sealed
from bridge.gate.released import ReleasedResource
from bridge.gate.scope_limits import reaches_new
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.parts import HasParts
from bridge.store.vault import Query, find
from mappings.fhir.cancellation_task import ABORT, is_cancellation

_SHOWN: Final = (
    "resourceType",
    "id",
    "intent",
    "code",
    "focus",
    "authoredOn",
    "requester",
    "owner",
)
_FROM_REFERRAL: Final = ("resourceType", "intent", "for", "requester", "owner")


@dataclass(frozen=True, slots=True)
class OwnTask:
    """The Task of one of a district's own referrals, as the district named and sent it.

    Attributes:
        provider: key of the provider's organisation.
        number: the district's number of the referral.
        said: who asks whom, about whom; no status and no answer.
    """

    id: str
    agreement_id: str
    provider: str
    number: str
    said: Mapping[str, Any]


def own_tasks(
    connection: Connection, parts: HasParts, caller: Caller, query: Query
) -> list[OwnTask]:
    """Return the Tasks of a district's own referrals that a caller may ask to stop.

    Args:
        connection: a writing transaction.
        parts: for the clock.
        caller: somebody of the district.
        query: what to look for.
    """
    viewer = present_viewer(connection, caller, parts.clock)
    return [
        task
        for agreement in viewer.agreements
        if may_learn(viewer, agreement)
        for task in _of(connection, agreement, query)
        if reaches_new(caller, "Task", _request_to_stop(task))
    ]


def _of(connection: Connection, agreement: CompiledAgreement, query: Query) -> Iterator[OwnTask]:
    own = of_agreement(agreement.id, agreement.entry.lea)
    for stored in find(connection, query, own)[0]:
        task = stored.resource()
        if not is_cancellation(task):
            said = {name: task[name] for name in _FROM_REFERRAL}
            number = str(task["identifier"][0]["value"])
            yield OwnTask(stored.id, agreement.id, agreement.entry.provider, number, said)


def _request_to_stop(task: OwnTask) -> dict[str, Any]:
    """Return what a request to stop a referral says, for the limits of a scope."""
    focus = {"reference": f"Task/{task.id}"}
    return {**task.said, "status": "requested", "code": ABORT, "focus": focus}


def release_own_request(
    connection: Connection, parts: HasParts, caller: Caller, key: tuple[OwnTask, str]
) -> ReleasedResource:
    """Release a district's request to stop one of its referrals, as it was made.

    Args:
        connection: a writing transaction.
        parts: for clock and identifiers.
        caller: who :func:`own_tasks` gave the Task to.
        key: the Task of the referral, and the id of the request.

    Raises:
        NotFoundError: there is no such request.
    """
    task, request_id = key
    viewer = present_viewer(connection, caller, parts.clock)
    asked = Query("Task", ids=(request_id,), limit=1)
    own = of_agreement(task.agreement_id, viewer.organization)
    for stored in find(connection, asked, own)[0]:
        request = stored.resource()
        shown: dict[str, Any] = {name: request[name] for name in _SHOWN if name in request}
        made = datetime.fromisoformat(str(request["authoredOn"]))
        dated = replace(stored, last_updated=made)
        return sealed(viewer, dated, {**shown, "status": "requested"}, parts.identifiers)
    raise NotFoundError
