"""A school withdraws a referral, ends or corrects it, or sends one again that was incomplete.

INVARIANT: what it is told and what it reads afterwards are the same whatever the provider has
done: who may not learn whether care has begun cannot learn it by withdrawing. Before the start the
Task is cancelled; after it the provider is asked to stop (COW). A Task of its own says so either
way.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import keep_views
from bridge.journeys.answers.answer_cancellation import close_requests
from bridge.journeys.referrals.passed_on import onward_of
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.evidence import lock_students
from bridge.store.intake import NewRecord, amend, custodian_of, put_records, take_turn
from bridge.store.referrals import IndexedTask, KnownReferral, referrals_of, tasks_of
from mappings.fhir.cancellation_task import Asked, build
from mappings.fhir.status_reasons import WITHDRAWN
from mappings.fhir.task_states import FOLLOW_UP
from mappings.loop import STATES, State, next_state

WITHDRAWN_BY_SCHOOL = "withdrawn-by-school"


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A district's referral to a provider: the two keys and the district's number."""

    lea: str
    provider: str
    number: str


def withdraw_referral(parts: Parts, own: OwnNumber) -> None:
    """Withdraw a referral; doing it again changes nothing.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    with write(parts.engine) as connection:
        withdraw(connection, parts, own)


def withdraw(connection: Connection, parts: Parts, own: OwnNumber) -> bool:
    """Withdraw a referral in the caller's writing transaction; False if it was before.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    referral, task, asked = _found(connection, own)
    if asked:
        return False
    status = _stop(connection, parts, task)
    _keep_request(connection, parts, (own, referral, task), status)
    _withdraw_onward(connection, parts, (own, referral))
    return True


def request_id_of(parts: Parts, task_id: str) -> str:
    """Return the id of the request to stop a referral, by the id of its Task."""
    return parts.identifiers.issue("cancellation", task_id)


def locked_referral(connection: Connection, own: OwnNumber) -> KnownReferral:
    """Return a referral of a district, locked for a change in a writing transaction.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    return _found(connection, own)[0]


def _withdraw_onward(
    connection: Connection, parts: Parts, of: tuple[OwnNumber, KnownReferral]
) -> None:
    """Withdraw a referral from whom it was passed on to."""
    own, referral = of
    for provider, onward in onward_of(connection, parts, own.lea, referral.request_id):
        task = next(t for t in tasks_of(connection, onward.request_id) if not t.is_cancellation)
        status = _stop(connection, parts, task)
        to = OwnNumber(own.lea, provider, own.number)
        _keep_request(connection, parts, (to, onward, task), status)


def cancel_unanswered(parts: Parts, own: OwnNumber) -> None:
    """End a referral that its provider was asked to stop and did not answer (SDOHCC's direct edge).

    Where nothing waits for an answer, it changes nothing.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    with write(parts.engine) as connection:
        referral, _, _ = _found(connection, own)
        onward = onward_of(connection, parts, own.lea, referral.request_id)
        for each in (referral, *(known for _, known in onward)):
            tasks = tasks_of(connection, each.request_id)
            asked = [t.id for t in tasks if t.is_cancellation and t.said["status"] == "requested"]
            task = next(t for t in tasks if not t.is_cancellation)
            after = next_state(
                _state(task), "cancel-unanswered", "requester", requested=bool(asked)
            )
            if after is not None:
                _move(connection, parts, task, after)
                close_requests(connection, parts, asked)


def enter_in_error(parts: Parts, own: OwnNumber) -> None:
    """Say that a referral was never meant to be sent, whatever has become of it.

    The school reads it as withdrawn, and the provider finds the order and the Task so.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    with write(parts.engine) as connection:
        referral, _, _ = _found(connection, own)
        onward = onward_of(connection, parts, own.lea, referral.request_id)
        hops = [(own.provider, referral), *onward]
        for provider, each in hops:
            to = OwnNumber(own.lea, provider, own.number)
            _never_meant(connection, parts, (to, each))


def _never_meant(connection: Connection, parts: Parts, of: tuple[OwnNumber, KnownReferral]) -> None:
    own, referral = of
    tasks = tasks_of(connection, referral.request_id)
    task = next(t for t in tasks if not t.is_cancellation)
    asked = [t.id for t in tasks if t.is_cancellation]
    after = next_state(_state(task), "enter-in-error", "requester")
    if after is None or _state(task) == after:
        return
    _move(connection, parts, task, after)
    now, order = parts.clock.now(), ("ServiceRequest", referral.request_id)
    amend(connection, order, {"status": after.status}, now)
    keep_views(connection, parts, [order])
    if asked:
        close_requests(connection, parts, asked)
    else:
        _keep_request(connection, parts, (own, referral, task), "accepted")


def resubmit_referral(parts: Parts, own: OwnNumber) -> None:
    """Say that what was missing is there; of a referral that was not returned, it changes nothing.

    Raises:
        BridgeError: the district has no such referral to this provider.
    """
    with write(parts.engine) as connection:
        _, task, _ = _found(connection, own)
        state = _state(task)
        # Who put it on hold without saying why may have meant the waiting list.
        after = next_state(state, "resubmit", "requester") if state.business else None
        if after is not None:
            _move(connection, parts, task, after)


def _found(
    connection: Connection, own: OwnNumber
) -> tuple[KnownReferral, IndexedTask, list[IndexedTask]]:
    """Return a referral, its Task, and the requests to stop it; locked for a change."""
    take_turn(connection)
    known = [
        each
        for each in referrals_of(connection, own.provider, None, own.number)
        if each.lea == own.lea
    ]
    if not known:
        raise BridgeError("there is no such referral of this district to this provider")
    lock_students(connection, [known[0].student_id], share=False)
    tasks = tasks_of(connection, known[0].request_id)
    (task,) = (each for each in tasks if not each.is_cancellation)
    return known[0], task, [each for each in tasks if each.is_cancellation]


def _state(task: IndexedTask) -> State:
    state = State(task.said["status"], task.said.get("business-status", ""))
    return state if state in STATES else State(state.status)


def _stop(connection: Connection, parts: Parts, task: IndexedTask) -> str:
    """Cancel what nobody has begun; returns the status of the request to stop."""
    state = _state(task)
    if (after := next_state(state, "cancel", "requester")) is not None:
        _move(connection, parts, task, after)
        return "accepted"
    begun = next_state(state, "request-cancellation", "requester") is not None
    return "requested" if begun else "rejected"


def _move(connection: Connection, parts: Parts, task: IndexedTask, after: State) -> None:
    now = parts.clock.now()
    code = after.business
    changes: dict[str, object] = {
        "status": after.status,
        "businessStatus": {"coding": [FOLLOW_UP.codings[code]]} if code else None,
        "lastModified": now.isoformat(timespec="seconds"),
    }
    if after.business == WITHDRAWN_BY_SCHOOL:
        changes["statusReason"] = WITHDRAWN
    amend(connection, ("Task", task.id), changes, now)
    keep_views(connection, parts, [("Task", task.id)])


def _keep_request(
    connection: Connection,
    parts: Parts,
    of: tuple[OwnNumber, KnownReferral, IndexedTask],
    status: str,
) -> None:
    (own, referral, task), now = of, parts.clock.now()
    said = task.said
    asked = Asked(f"Task/{task.id}", said["patient"], said["requester"], said["owner"])
    made = request_id_of(parts, task.id)
    record = NewRecord(
        resource=build(made, asked, status, now),
        custodian=custodian_of(connection, "Task", task.id),
        sender_role="lea",
        audience=own.provider,
        agreement_id=referral.agreement_id,
        source_key=made,
        student_id=referral.student_id,
        referral_id=referral.request_id,
    )
    put_records(connection, [record], now)
