"""An intermediary's own order over the API: a ServiceRequest, and its Task (SDOHCC 3.0.0, refer-1).

The order has the intent ``filler-order`` and is based on the referral that was sent to the party;
its performer is the provider it goes on to. It does what passing on by command does
(:mod:`bridge.journeys.referrals.pass_on`), all of it at once: the Task is made with the order, so
that no order is without one, and a Task sent after it, or with it, is answered with that one.

INVARIANT: what is kept of what was sent is which referral it means and to whom it goes on. The
order says what the referral says: whoever writes something else is told so, and nothing goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import BridgeError, Finding, ForbiddenError, RefusedError, UnprocessableError
from bridge.gate import Gate, ReleasedResource, Seen, agreement_between, release_own_order
from bridge.identity import Caller
from bridge.journeys.answers.sent_change import checked
from bridge.journeys.referrals.pass_on import Hops, pass_on_within
from bridge.journeys.referrals.passed_on import copied_id
from bridge.journeys.referrals.withdraw_referral import OwnNumber
from bridge.parts import Parts
from bridge.store.directory import organizations
from bridge.store.intake import take_turn
from bridge.store.referrals import referral_of
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.elements import reference

_FIXED: Final[Mapping[str, Mapping[str, str]]] = {
    "ServiceRequest": {"intent": "filler-order", "status": "active"},
    "Task": {"intent": "order", "status": "requested"},
}
# The one reference each names: what it is based on, and who is to act.
_LINKS: Final[Mapping[str, Mapping[str, str]]] = {
    "ServiceRequest": {"basedOn": "ServiceRequest", "performer": "Organization"},
    "Task": {"partOf": "Task", "focus": "ServiceRequest", "owner": "Organization"},
}
# What the referral says already, and the order may say again.
_SAME: Final = (
    *("subject", "for", "code", "category", "priority", "occurrencePeriod", "occurrenceDateTime"),
    *("reasonCode", "orderDetail"),
)
_OWN: Final = ("resourceType", "id", "meta", "text", "authoredOn", "lastModified", "requester")
_PUT_IN: Final = (
    *("ServiceRequest.authoredOn", "ServiceRequest.requester", "ServiceRequest.category"),
    *("ServiceRequest.code", "Task.authoredOn", "Task.requester", "Task.code", "Task.for"),
)
_NONE: Final = "Name one referral that was sent to you and that you may have now."
_NO_PROVIDER: Final = "Name a provider of the district by its Organization as the directory has it."
_NO_ORDER: Final = "Create the order first, or with it; the focus is the order as it was answered."


def order_onward(
    connection: Connection,
    of: tuple[Parts, Gate],
    caller: Caller,
    sent: Mapping[str, Any],
    _repeat: str | None = None,
) -> tuple[ReleasedResource, bool]:
    """Pass a referral on by an order or its Task; returns it as it was sent and whether it is new.

    Doing it again brings what has changed of the persons, and doubles nothing.

    Raises:
        ForbiddenError: the caller is no provider, or its Task is a request to stop.
        UnprocessableError: no such order; no referral of the caller's; or it may not go on.
    """
    kind = str(sent["resourceType"])
    if caller.party != "provider" or (kind == "Task" and is_cancellation(dict(sent))):
        raise ForbiddenError
    checked(sent, given=_PUT_IN)
    if findings := list(_wrong(kind, sent)):
        raise UnprocessableError(*findings)
    take_turn(connection)
    parts, gate = of
    seen = _meant(connection, gate, caller, sent)
    provider = _provider(connection, sent)
    lea = _lea(connection, seen)
    new = False
    if kind == "Task":
        _ordered(connection, parts, (seen, provider), sent)
    else:
        (number, *_) = (str(each["value"]) for each in seen.content["identifier"])
        own = OwnNumber(lea, caller.organization, number)
        new = _passed(connection, of, Hops(own, provider, caller.role), caller)
    second = agreement_between(connection, lea, provider)
    key = (kind, copied_id(parts, provider, kind, seen.id), second.id if second else "")
    return release_own_order(connection, parts, caller, key, _said(connection, caller, sent)), new


def order_id_of(connection: Connection, parts: Parts, sent: Mapping[str, Any]) -> str:
    """Return the id an order will get, for what refers to it in one transaction; "" for none."""
    if next(_wrong("ServiceRequest", sent), None):
        return ""
    try:
        provider = _provider(connection, sent)
    except UnprocessableError:
        return ""
    return copied_id(parts, provider, "ServiceRequest", _named(sent, "basedOn"))


def _wrong(kind: str, sent: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what makes it something else than an order that goes on, or its Task."""
    for name, value in _FIXED[kind].items():
        if sent.get(name) != value:
            yield Finding("business-rule", f"It must be {value}.", f"{kind}.{name}")
    for name, target in _LINKS[kind].items():
        if len(_all(sent, name)) != 1 or not _named(sent, name, target):
            text = f"Give one reference to one {target} here, by its id."
            yield Finding("business-rule", text, f"{kind}.{name}")
    known = {*_OWN, *_SAME, *_FIXED[kind], *_LINKS[kind]}
    for name in sent:
        if name not in known:
            text = "Leave it out: the order says what the referral says, and no more."
            yield Finding("business-rule", text, f"{kind}.{name}")


def _all(sent: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = sent.get(name, ())
    return value if isinstance(value, list | tuple) else [value]


def _named(sent: Mapping[str, Any], name: str, target: str = "") -> str:
    """Return the id of what an element refers to; "" where it is no reference to such a type."""
    found = next(iter(_all(sent, name)), None)
    link = found.get("reference") if isinstance(found, Mapping) else None
    kind, _, record_id = str(link or "").partition("/")
    return record_id if target in ("", kind) and "/" not in record_id else ""


def _meant(connection: Connection, gate: Gate, caller: Caller, sent: Mapping[str, Any]) -> Seen:
    """Return the caller's own referral, or its Task, that goes on.

    Raises:
        UnprocessableError: there is none for this caller, or the order says something else.
    """
    kind = str(sent["resourceType"])
    name = "basedOn" if kind == "ServiceRequest" else "partOf"
    seen = gate.see(connection, caller, kind, _named(sent, name))
    if seen is None:
        raise UnprocessableError(Finding("not-found", _NONE, f"{kind}.{name}"))
    for same in (each for each in _SAME if each in sent):
        if sent[same] != seen.content.get(same):
            text = "It is not that of the referral; leave it out."
            raise UnprocessableError(Finding("business-rule", text, f"{kind}.{same}"))
    return seen


def _provider(connection: Connection, sent: Mapping[str, Any]) -> str:
    name = "performer" if sent["resourceType"] == "ServiceRequest" else "owner"
    wanted = _named(sent, name)
    found = [key for key, each in organizations(connection).items() if each.id == wanted]
    if not found:
        place = f"{sent['resourceType']}.{name}"
        raise UnprocessableError(Finding("not-found", _NO_PROVIDER, place))
    return found[0]


def _lea(connection: Connection, seen: Seen) -> str:
    known = referral_of(connection, seen.referral_id or seen.id)
    if known is None:
        raise UnprocessableError(Finding("not-found", _NONE))
    return known.lea


def _passed(connection: Connection, of: tuple[Parts, Gate], hops: Hops, caller: Caller) -> bool:
    try:
        return pass_on_within(connection, of, hops, caller)
    except RefusedError:
        raise
    except BridgeError as refused:
        text = str(refused)
        finding = Finding(
            "business-rule", f"{text[:1].upper()}{text[1:]}.", "ServiceRequest.basedOn"
        )
        raise UnprocessableError(finding) from None


def _ordered(
    connection: Connection, parts: Parts, meant: tuple[Seen, str], sent: Mapping[str, Any]
) -> None:
    """Refuse a Task of an order that was not made."""
    seen, provider = meant
    order = copied_id(parts, provider, "ServiceRequest", seen.referral_id)
    if _named(sent, "focus") != order or referral_of(connection, order) is None:
        raise UnprocessableError(Finding("business-rule", _NO_ORDER, "Task.focus"))


def _said(connection: Connection, caller: Caller, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the caller said, and that it was they who asked."""
    asker = reference("Organization", organizations(connection)[caller.organization].id)
    dropped = {"meta", "text", "lastModified"}
    return {name: value for name, value in sent.items() if name not in dropped} | {
        "requester": asker
    }
