"""A referral that was passed on has two Tasks; what happens to one is told to the other.

INVARIANT: the first Task says what the second does, as far as the second hop lets the school know
it (:func:`bridge.gate.cross_back`), and its owner says nothing of its own meanwhile: two would
answer one referral. A withdrawal goes on to the second, whatever it may tell: it takes back.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import Finding, UnprocessableError
from bridge.gate import CompiledAgreement, Crossed, Seen, agreements_of, cross_back, keep_views
from bridge.identity import Caller
from bridge.journeys.answers.record_care_consent import SaidOf, record_care_consent
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.intake import amend, take_turn, whose
from bridge.store.referrals import (
    KnownReferral,
    passed_on_requests,
    referral_of,
    tasks_of,
)
from mappings.fhir.fixed import fixed
from mappings.fhir.status_reasons import WITHDRAWN

_PROVIDER: Final = "provider"
_GOES_ON: Final = fixed({"text": "The provider goes on"})


def may_pass_on(agreement: CompiledAgreement) -> bool:
    """Return whether an agreement lets its provider pass a referral on to another one.

    Its term is ``redisclosure.allowed`` from provider to provider (34 CFR 99.33(b): further
    disclosure on behalf of the school), under a flow by which a referral is sent.
    """
    sending = {each.id for each in agreement.template.flows if "lea" in each.senders}
    return any(
        (each.sender, each.to) == (_PROVIDER, _PROVIDER) and each.flow in sending
        for each in agreement.template.settings.redisclosure.allowed
    )


def copied_id(parts: Parts, provider: str, kind: str, of: str) -> str:
    """Return the id of the copy of a resource for the provider it was passed on to."""
    return parts.identifiers.issue("passed-on", provider, kind, of)


def onward_of(
    connection: Connection, parts: Parts, lea: str, request_id: str
) -> Iterator[tuple[str, KnownReferral]]:
    """Yield the providers a referral was passed on to, and the referral each of them has."""
    for agreement in agreements_of(connection, "lea", lea):
        provider = str(agreement.organization(_PROVIDER))
        copy = copied_id(parts, provider, "ServiceRequest", request_id)
        known = referral_of(connection, copy)
        if known is not None:
            yield provider, known


def refuse_own_answer(connection: Connection, parts: Parts, caller: Caller, seen: Seen) -> None:
    """Refuse an intermediary's own answer to a referral it has passed on.

    Raises:
        UnprocessableError: the provider it went to answers it.
    """
    for agreement in agreements_of(connection, _PROVIDER, caller.organization):
        if agreement.id != seen.agreement_id or not may_pass_on(agreement):
            continue
        if any(onward_of(connection, parts, agreement.entry.lea, seen.referral_id)):
            text = "You passed this referral on; it says what the provider it went to answers."
            raise UnprocessableError(Finding("business-rule", text, "Task.status"))


def share_care_consent(
    connection: Connection, parts: Parts, seen: Seen, sent: Mapping[str, Any]
) -> None:
    """Keep on whose consent a provider gives care for the first hop's referral, too.

    The intermediary cannot know it; without it the first hop takes care for a minor's own.
    """
    part_of: Mapping[str, Any] = next(iter(seen.content.get("partOf", ())), {})
    first = str(part_of.get("reference", "")).partition("/")[2]
    of = whose(connection, "Task", first)
    known = referral_of(connection, of[1]) if of else None
    if known is not None:
        about = SaidOf("Task", first, known.agreement_id, known.student_id, known.request_id)
        record_care_consent(connection, parts, about, sent)


def bring_back(connection: Connection, parts: Parts, task_id: str) -> bool:
    """Tell the first Task what a provider said to the second; returns whether it changed.

    Of a Task that is part of no other, it changes nothing.
    """
    crossed = cross_back(connection, parts, task_id)
    if crossed is None or not crossed.permitted:
        return False
    if crossed.changes:
        _amend(connection, parts, crossed.task_id, crossed.changes)
    _answer_request(connection, parts, crossed, task_id)
    return bool(crossed.changes)


def bring_all_back(parts: Parts, lea: str) -> int:
    """Tell every first Task of a district what its second says; returns how many changed.

    What could not be told when a provider answered is told when a form lets it: for a schedule.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        bound = [each.id for each in agreements_of(connection, "lea", lea)]
        tasks = [
            each.id
            for request_id in passed_on_requests(connection, bound)
            for each in tasks_of(connection, request_id)
            if not each.is_cancellation
        ]
        return sum(bring_back(connection, parts, each) for each in tasks)


def _answer_request(connection: Connection, parts: Parts, crossed: Crossed, task_id: str) -> None:
    """Answer the first hop's request to stop as the second's was, where it was."""
    found = whose(connection, "Task", task_id)
    asked = tasks_of(connection, found[1]) if found else ()
    answers = [each.said["status"] for each in asked if each.is_cancellation]
    reason = {"accepted": WITHDRAWN, "rejected": _GOES_ON}
    for answer in (each for each in answers if each in reason):
        for each in tasks_of(connection, crossed.request_id):
            if each.is_cancellation and each.said["status"] == "requested":
                change = {"status": answer, "statusReason": reason[answer]}
                _amend(connection, parts, each.id, change)


def _amend(connection: Connection, parts: Parts, task_id: str, changes: Mapping[str, Any]) -> None:
    now = parts.clock.now()
    dated = {**changes, "lastModified": now.isoformat(timespec="seconds")}
    amend(connection, ("Task", task_id), dated, now)
    keep_views(connection, parts, [("Task", task_id)])
