"""One notification to one subscriber: decided, kept, sent, settled.

What is sent is decided and numbered in one transaction, with its entries in the ledger; when that
is on disk, the call goes out; what came of it is kept in another. A process that dies in between
leaves numbers nobody has taken: they are decided anew and sent again, under the same numbers, by
whoever comes when the lease is over. So a receiver that counts each (subscription, number) once has
each effect once.

INVARIANT: nothing is sent that the gate did not release in the transaction before; the call has a
deadline, so nothing leaves later than that after the decision.
"""

import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.gate import Gate
from bridge.identity import Caller
from bridge.journeys.partners.notification_bundle import Event, notification
from bridge.journeys.partners.number_events import (
    MOST_AT_ONCE,
    number_new,
    subscriber,
    told_again,
)
from bridge.outbound import (
    OutboundBusyError,
    OutboundError,
    OutboundUnreachedError,
    Outgoing,
)
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Request, Signer
from bridge.parts import Parts
from bridge.store.database.group_commit import commit_together
from bridge.store.partners.subscriptions import (
    ACTIVE,
    ERROR,
    OFF,
    REQUESTED,
    Subscription,
    forget_events,
    locked_subscription,
    set_subscription,
    take_events_back,
)

MOST_SECONDS: Final = 10
"""A call ends within so many seconds, whatever the other side does."""
LEASE_BEYOND_CALL: Final = timedelta(seconds=5)
"""For so long after a call must have ended it is left to its process to say what came of it."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=4)
MOST_ASKED: Final = timedelta(days=1)
GIVES_UP_AFTER: Final = timedelta(days=3)
BUSY_WAIT: Final = timedelta(seconds=1)
SHUT_OUT_WAIT: Final = timedelta(minutes=1)
"""Whoever may not be told of the type now is asked about again after this."""
HANDSHAKE, HEARTBEAT, EVENTS = "handshake", "heartbeat", "event-notification"
UNREACHED: Final = "The endpoint could not be reached."
NO_ANSWER: Final = "The endpoint did not answer as HTTP does, or not in time."
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be sent, once the transaction that decided it is on disk.

    Attributes:
        subscription: as it is after that; its lease is ours.
        kind: the type of notification.
        before: as it was, for where nothing of the request was sent.
    """

    subscription: Subscription
    kind: str
    events: tuple[Event, ...]
    before: Subscription


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a call: a status, or a problem; and how long the other side asks to wait."""

    status: int = 0
    problem: str = ""
    unreached: bool = False
    wait: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver took the notification."""
        return 200 <= self.status < 300


class Sender:
    """Sends notifications for one process.

    Args:
        whole: the parts and the gate of the bridge.
        base: the FHIR service base URL, in which records are named.
        outgoing: makes the calls.
        signer: signs them.

    Attributes:
        took: how many seconds the last call for a subscription took; whoever reads it takes it out.
    """

    def __init__(
        self, whole: tuple[Parts, Gate], base: str, outgoing: Outgoing, signer: Signer | None = None
    ) -> None:
        self._parts, self._gate = whole
        self._base = base
        self._outgoing = outgoing
        self._signer = signer
        self.took: dict[str, float] = {}

    def send(self, subscription_id: str) -> bool:
        """Send what is next for a subscription; False if there is nothing to send.

        Raises:
            GateError: it could not be decided; nothing was sent.
        """
        engine = self._parts.engine
        prepared = commit_together(engine, lambda c: self._prepared(c, subscription_id))
        if prepared is None:
            return False
        began = time.monotonic()
        try:
            came = self._called(prepared)
        except OutboundBusyError:
            came = None
        self.took[subscription_id] = time.monotonic() - began
        commit_together(engine, lambda c: self._settle(c, prepared, came))
        return came is not None

    def _prepared(self, connection: Connection, subscription_id: str) -> Prepared | None:
        now = self._parts.clock.real_now()
        found = locked_subscription(connection, subscription_id)
        if found is None or not _is_due(found, now):
            return None
        caller = subscriber(connection, found)
        if found.ends_at is not None and found.ends_at <= now:
            set_subscription(connection, found.id, **_moved(found, OFF, now))
            return None
        if caller is None:
            set_subscription(connection, found.id, retry_at=now + SHUT_OUT_WAIT)
            return None
        return self._begun(connection, found, caller, now)

    def _begun(
        self, connection: Connection, found: Subscription, caller: Caller, now: datetime
    ) -> Prepared | None:
        events: Sequence[Event] = ()
        changed = found
        if found.status == REQUESTED:
            kind = HANDSHAKE
        else:
            changed, events = self._next_events(connection, found, caller)
            kind = EVENTS if events else HEARTBEAT
        if kind == HEARTBEAT and not _heart_beats(found, now):
            return None
        lease, until = secrets.token_hex(8), now + LEASE_BEYOND_CALL
        until += timedelta(seconds=found.timeout or MOST_SECONDS)
        set_subscription(connection, found.id, lease=lease, leased_until=until)
        return Prepared(replace(changed, lease=lease), kind, tuple(events), found)

    def _next_events(
        self, connection: Connection, found: Subscription, caller: Caller
    ) -> tuple[Subscription, Sequence[Event]]:
        # After a failure one event asks whether the receiver is back, not all that wait.
        most = 1 if found.attempts else min(found.most or MOST_AT_ONCE, MOST_AT_ONCE)
        waiting = (found.delivered + 1, found.events, most)
        events = told_again(connection, self._gate, found, caller, waiting)
        if events:
            return found, events
        asking = (self._parts, self._gate)
        changed, new = number_new(connection, asking, found, caller, most)
        # Numbers that wait and whose records may not be known any more stand for the first new one.
        held = range(found.delivered + 1, found.events + 1)[:MOST_AT_ONCE]
        return changed, [*((number, new[0][1]) for number in held if new), *new]

    def _called(self, prepared: Prepared) -> Came:
        subscription, now = prepared.subscription, self._parts.clock.real_now()
        place = (self._base, now)
        # What was wrong before is over once this arrives.
        told = replace(subscription, problem="")
        document = notification(told, prepared.kind, prepared.events, place)
        channel: dict[str, Any] = orjson.loads(subscription.body)["channel"]
        headers = {"Content-Type": channel["payload"], **_headers(channel)}
        body, whose = orjson.dumps(document), subscription.organization
        request = Request("POST", subscription.endpoint, headers, body, whose)
        seconds = float(min(subscription.timeout or MOST_SECONDS, MOST_SECONDS))
        limits = Limits(seconds=seconds, patience=seconds)
        try:
            with self._outgoing.calling(request, limits, self._signer) as answer:
                wait = _asked_to_wait(answer.headers.get("retry-after", ""), now)
                return Came(answer.status, wait=wait)
        except OutboundBusyError:
            raise
        except OutboundUnreachedError:
            return Came(problem=UNREACHED, unreached=True)
        except OutboundError:
            return Came(problem=NO_ANSWER)

    def _settle(self, connection: Connection, prepared: Prepared, came: Came | None) -> None:
        now = self._parts.clock.real_now()
        found = locked_subscription(connection, prepared.subscription.id)
        if found is None or found.lease != prepared.subscription.lease:
            return  # it was changed meanwhile, or someone else has taken it over
        free = {"lease": "", "leased_until": None}
        if came is not None and came.taken:
            set_subscription(connection, found.id, **free, **_taken(found, prepared, now))
            forget_events(connection, found, now)
            return
        back = _taken_back(found, prepared) if came is None or came.unreached else {}
        if back:
            take_events_back(connection, found.id, prepared.before.events)
        failed = _failed(found, came, now) if came else {"retry_at": now + BUSY_WAIT}
        set_subscription(connection, found.id, **free, **back, **failed)


def _is_due(found: Subscription, now: datetime) -> bool:
    free = found.leased_until is None or found.leased_until <= now
    waited = found.retry_at is None or found.retry_at <= now
    return found.status in (REQUESTED, ACTIVE) and free and waited


def _heart_beats(found: Subscription, now: datetime) -> bool:
    last = found.sent_at or found.created_at
    return bool(found.heartbeat) and last + timedelta(seconds=found.heartbeat) <= now


def _taken(found: Subscription, prepared: Prepared, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {
        "attempts": 0,
        "failing_since": None,
        "retry_at": None,
        "sent_at": now,
        "problem": "",
    }
    if prepared.kind == HANDSHAKE:
        values |= _moved(found, ACTIVE, now)
    if prepared.events:
        values["delivered"] = max(found.delivered, prepared.events[-1][0])
    return values


def _taken_back(found: Subscription, prepared: Prepared) -> dict[str, object]:
    """Return what undoes the numbers of this attempt, if nobody can know of them.

    Nothing of the request was sent, and nobody has asked for the counter meanwhile.
    """
    new, before = prepared.subscription.events, prepared.before
    untouched = found.events == new and found.changed_through == (
        prepared.subscription.changed_through
    )
    if not untouched:
        return {}
    return {"events": before.events, "changed_through": before.changed_through}


def _failed(found: Subscription, came: Came, now: datetime) -> dict[str, object]:
    since = found.failing_since or now
    problem = came.problem or f"The endpoint answered with status {came.status}."
    values: dict[str, object] = {
        "attempts": found.attempts + 1,
        "failing_since": since,
        "retry_at": now + _wait(found.attempts, came.wait),
        "problem": problem,
    }
    final = found.status == REQUESTED or came.status == GONE or now - since >= GIVES_UP_AFTER
    return values | (_moved(found, ERROR, now) if final else {})


def _moved(found: Subscription, status: str, now: datetime) -> dict[str, object]:
    return {"status": status, "version": found.version + 1, "last_updated": now}


def _wait(attempts: int, asked: timedelta | None) -> timedelta:
    """Return how long to wait: twice as long each time, more or less, and as long as asked for."""
    doubled = min(FIRST_WAIT * 2 ** min(attempts, 20), LONGEST_WAIT)
    spread: timedelta = doubled * random.uniform(0.75, 1.25)  # noqa: S311 - not to come all at once again
    return max(spread, min(asked, MOST_ASKED)) if asked else spread


def _asked_to_wait(written: str, now: datetime) -> timedelta | None:
    """Read Retry-After (RFC 9110 10.2.3): seconds or a date; None for anything else."""
    if written.isascii() and written.isdecimal() and len(written) < 10:
        return timedelta(seconds=int(written))
    try:
        instant = parsedate_to_datetime(written)
    except (ValueError, OverflowError):  # a year of twenty digits
        return None
    return max(instant.replace(tzinfo=instant.tzinfo or UTC) - now, timedelta(0))


def _headers(channel: dict[str, Any]) -> dict[str, str]:
    pairs = (line.partition(":") for line in channel.get("header", ()))
    return {name.strip(): value.strip() for name, _, value in pairs}
