"""Subscriptions of a client (HL7 Subscriptions R5 Backport 1.1.0, R4).

They are the client's own and no records: no batch holds one, and no other client can tell that one
is there. What they tell of goes through the gate (:mod:`bridge.journeys.partners.number_events`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Path, Request, Response

from bridge.api.negotiation import (
    JSON_TYPES,
    http_date,
    negotiated,
    posted_query,
    require_type,
)
from bridge.api.reading import parsed
from bridge.api.replies import Reply, document_reply
from bridge.api.search_values import refused
from bridge.api.subscription_request import SubscriptionReader
from bridge.context import BodyOf, Call, CallOf, Transaction
from bridge.errors import BadRequestError, Finding, NotFoundError
from bridge.journeys.partners.keep_subscriptions import (
    Asked,
    catch_up,
    change_subscription,
    counted,
    create_subscription,
    delete_subscription,
    own_subscription,
    resource_of,
)
from bridge.journeys.partners.notification_bundle import notification, status_of
from bridge.journeys.partners.number_events import MOST_AT_ONCE, Asking
from bridge.parts import parts_of
from bridge.store.database.engine import read
from bridge.store.database.group_commit import commit_together
from bridge.store.partners.subscriptions import STATUSES, Subscription, subscriptions_of

T = TypeVar("T")
KIND: Final = "Subscription"
FIRST, LAST = "eventsSinceNumber", "eventsUntilNumber"
MOST_EVENTS: Final = 2**31 - 1

router = APIRouter(prefix=f"/fhir/{KIND}", dependencies=[Depends(negotiated)])
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]


@router.post("")
def create(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Subscribe: a handshake follows, then what changes from now on."""
    call.require_all(KIND, "create")
    asked = _asked(call, request, body, "")
    now = call.bridge.clock.real_now()
    made = _committed(call, lambda c: create_subscription(c, call.caller, asked, now))
    return _reply(call, made, 201).response()


@router.get("")
def search(request: Request, call: CallOf) -> Response:
    """Find the client's subscriptions by ``_id``, ``status`` and ``url``."""
    return _searched(call, parse_qsl(request.url.query, keep_blank_values=True))


@router.post("/_search")
def search_by_post(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`search` with the parameters in the body."""
    return _searched(call, parse_qsl(posted_query(request, body), keep_blank_values=True))


@router.get("/$status")
def status_of_all(request: Request, call: CallOf) -> Response:
    """Tell the status of the client's subscriptions, all or those asked for."""
    return _statuses(call, _operands(request, b""))


@router.post("/$status")
def status_of_all_by_post(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`status_of_all` with the parameters in the body."""
    return _statuses(call, _operands(request, body))


@router.get("/{subscription_id}/$status")
def status(subscription_id: Id, call: CallOf) -> Response:
    """Tell the status of one subscription; parameters are left aside (the operation says so)."""
    return _statuses(call, [("id", subscription_id)], one=True)


@router.post("/{subscription_id}/$status")
def status_by_post(subscription_id: Id, call: CallOf, _body: BodyOf) -> Response:
    """Do :func:`status` by POST."""
    return _statuses(call, [("id", subscription_id)], one=True)


@router.get("/{subscription_id}/$events")
def events(subscription_id: Id, request: Request, call: CallOf) -> Response:
    """Tell events once more, by their numbers."""
    return _events(call, subscription_id, _operands(request, b""))


@router.post("/{subscription_id}/$events")
def events_by_post(subscription_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`events` with the parameters in the body."""
    return _events(call, subscription_id, _operands(request, body))


@router.get("/{subscription_id}")
def read_one(subscription_id: Id, call: CallOf) -> Response:
    """Read one subscription."""
    call.require_all(KIND, "read")
    return _reply(call, _own(call, subscription_id), 200).response()


@router.put("/{subscription_id}")
def update(subscription_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Change one subscription, with If-Match."""
    call.require_all(KIND, "update")
    asked = _asked(call, request, body, subscription_id)
    key, now = (subscription_id, request.headers.get("if-match")), call.bridge.clock.real_now()
    changed = _committed(call, lambda c: change_subscription(c, call.caller, key, asked, now))
    return _reply(call, changed, 200).response()


@router.delete("/{subscription_id}")
def delete(subscription_id: Id, call: CallOf) -> Response:
    """Forget one subscription and its events."""
    call.require_all(KIND, "delete")
    _committed(call, lambda c: delete_subscription(c, call.caller, subscription_id))
    return Reply(204, b"").response()


def _asked(call: Call, request: Request, body: bytes, subscription_id: str) -> Asked:
    if request.url.query:
        raise BadRequestError(Finding("not-supported", "A write takes no parameters."))
    require_type(request.headers.get("content-type"), *JSON_TYPES)
    sent = parsed(body)
    if sent.get("resourceType") != KIND or sent.get("id", subscription_id) != subscription_id:
        text = "The resource in the body is another one than the address says."
        raise BadRequestError(Finding("invalid", text, KIND))
    return SubscriptionReader(call, sent).read()


def _searched(call: Call, given: Sequence[tuple[str, str]]) -> Response:
    call.require_all(KIND, "search-type")
    for name, _ in given:
        if name not in ("_id", "status", "url", "_format"):
            raise refused("search", "of Subscription takes _id, status and url")
    found = [each for each in _every(call) if all(_meets(each, *pair) for pair in given)]
    base = call.bridge.settings.fhir_base
    return _set(call, [(f"{base}/{KIND}/{each.id}", resource_of(each)) for each in found])


def _meets(found: Subscription, name: str, value: str) -> bool:
    if name == "_format":
        return True
    said = {"_id": found.id, "status": found.status, "url": found.endpoint}[name]
    if name == "url":
        return said == value
    return said in (each.rpartition("|")[2] for each in value.split(","))


def _statuses(call: Call, given: Sequence[tuple[str, str]], *, one: bool = False) -> Response:
    call.require_all(KIND, "read")
    ids, wanted = _lists(given)
    if any(each not in STATUSES for each in wanted):
        raise refused("status", f"is one of: {', '.join(STATUSES)}")
    found = [each for each in _every(call) if not ids or each.id in ids]
    if one and not found:
        raise NotFoundError
    base, told = call.bridge.settings.fhir_base, []
    for each in found:
        current = _committed(call, partial(_counted, call, each.id))
        if not wanted or current.status in wanted:
            document = status_of(current, "query-status", base)
            told.append((f"{base}/{KIND}/{current.id}/$status", document))
    return _set(call, told)


def _lists(given: Sequence[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Return ids and statuses asked for: any of each."""
    ids: set[str] = set()
    wanted: set[str] = set()
    for name, value in given:
        if name not in ("id", "status"):
            raise refused("$status", "takes id and status")
        (ids if name == "id" else wanted).update(value.split(","))
    return ids, wanted


def _counted(call: Call, subscription_id: str, connection: Transaction) -> Subscription:
    found = own_subscription(connection, call.caller, subscription_id)
    return counted(connection, _asking(call), found)


def _events(call: Call, subscription_id: str, given: Sequence[tuple[str, str]]) -> Response:
    call.require_all(KIND, "read")
    bounds = {FIRST: 1, LAST: MOST_EVENTS}
    for name, value in given:
        if name == "content":
            continue  # a hint, which may be left aside: what is told is what was subscribed to
        if name not in bounds:
            raise refused("$events", f"takes {FIRST}, {LAST} and content")
        if not (value.isascii() and value.isdecimal() and len(value) <= 12):
            raise refused(name, "is the number of an event")
        bounds[name] = min(int(value), MOST_EVENTS)
    numbers = (bounds[FIRST], bounds[LAST], MOST_AT_ONCE)
    base, now = call.bridge.settings.fhir_base, call.bridge.clock.real_now()

    def told(connection: Transaction) -> dict[str, Any]:
        found = own_subscription(connection, call.caller, subscription_id)
        current, found_events = catch_up(connection, _asking(call), found, numbers)
        return notification(current, "query-event", found_events, (base, now))

    return document_reply(_committed(call, told)).response()


def _operands(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the parameters of an operation: of the address, or of a Parameters resource."""
    if not body:
        return parse_qsl(request.url.query, keep_blank_values=True)
    if request.url.query:
        text = "Send the parameters in the body, not in the address."
        raise BadRequestError(Finding("invalid", text))
    require_type(request.headers.get("content-type"), *JSON_TYPES)
    resource = parsed(body)
    listed = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or not isinstance(listed, list):
        raise BadRequestError(Finding("structure", "The body is not a Parameters resource."))
    return [_pair(each) for each in listed]


def _pair(parameter: object) -> tuple[str, str]:
    values = (
        [v for name, v in parameter.items() if name != "name"]
        if isinstance(parameter, dict)
        else []
    )
    name = parameter.get("name") if isinstance(parameter, dict) else None
    if not isinstance(name, str) or len(values) != 1 or type(values[0]) not in (str, int):
        text = "Each parameter has a name and one simple value."
        raise BadRequestError(Finding("structure", text, "Parameters.parameter"))
    return name, str(values[0])


def _own(call: Call, subscription_id: str) -> Subscription:
    found = next((each for each in _every(call) if each.id == subscription_id), None)
    if found is None:
        raise NotFoundError
    return found


def _every(call: Call) -> list[Subscription]:
    with read(call.bridge.engine) as connection:
        return subscriptions_of(connection, call.caller.client_id)


def _committed(call: Call, work: Callable[[Transaction], T]) -> T:
    return commit_together(call.bridge.engine, work)


def _asking(call: Call) -> Asking:
    return parts_of(call.bridge), call.bridge.gate


def _reply(call: Call, found: Subscription, code: int) -> Reply:
    reply = document_reply(resource_of(found))
    headers = {"ETag": f'W/"{found.version}"', "Last-Modified": http_date(found.last_updated)}
    if code == 201:
        place = f"{call.bridge.settings.fhir_base}/{KIND}/{found.id}"
        headers["Location"] = f"{place}/_history/{found.version}"
    return Reply(code, reply.body, {**reply.headers, **headers})


def _set(call: Call, found: Sequence[tuple[str, dict[str, Any]]]) -> Response:
    document = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": call.bridge.clock.real_now().isoformat(timespec="milliseconds"),
        "total": len(found),
        "entry": [
            {"fullUrl": place, "resource": resource, "search": {"mode": "match"}}
            for place, resource in found
        ],
    }
    if not found:
        del document["entry"]  # R4: a list has something in it
    return document_reply(document).response()
