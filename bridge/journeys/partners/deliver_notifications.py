"""The worker that sends what is due, beside the server and in each of its processes.

Fair by bounds: of one host and of one organisation a few calls are under way at a time, and those
that failed before have a small share of the threads, so that a partner whose endpoint drips keeps
nobody else waiting. The same share is that of organisations of which a call took long, though it
was answered in the end. Among those that are due, whoever was served longest ago comes first.
"""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Engine

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.journeys.partners.send_notifications import Sender
from bridge.journeys.partners.whose_moved import WhoseMoved
from bridge.ledger.errors import LedgerHalted
from bridge.measures import measures_of
from bridge.store.database.engine import read
from bridge.store.database.group_commit import NotAcknowledged
from bridge.store.database.outages import OUTAGES
from bridge.store.partners.export_jobs import last_change
from bridge.store.partners.subscriptions import Waiting, waiting_subscriptions

AT_ONCE: Final = 24
TO_ONE_HOST: Final = 2
TO_ONE_PARTNER: Final = 4
TO_FAILING: Final = 6
SLOW: Final = 2.0
"""Seconds from which on a call took long."""
SLOW_FOR: Final = 60.0
"""For so many seconds after it an organisation has a place among those that failed."""
MOST_LOOKED: Final = 100_000
PAUSE: Final = 0.5
"""Seconds between two looks at what is due, where nothing is."""
AFTER_TROUBLE: Final = 5.0
_log = structlog.get_logger("bridge.notifications")

Looked = tuple[int, int, int, int]
"""The last change, and where a subscription stood, when there was nothing to send."""


class Deliveries:
    """Sends notifications until it is told to end."""

    def __init__(self, engine: Engine, clock: Clock, sender: Sender) -> None:
        self._engine, self._clock, self._sender = engine, clock, sender
        self._guard = threading.Lock()
        self._woken = threading.Event()
        self._under_way: dict[str, Waiting] = {}
        self._looked: dict[str, Looked] = {}
        self._moved = WhoseMoved()
        self._troubled: dict[str, float] = {}
        self._slow_until: dict[str, float] = {}

    def run(self, ended: threading.Event) -> None:
        """Send what is due, and look again, until ``ended`` is set."""
        with ThreadPoolExecutor(AT_ONCE, "notifications") as pool:
            while not ended.is_set():
                self._woken.clear()
                try:
                    begun = self.begin(pool)
                except OUTAGES as error:
                    _log.warning("nothing can be sent now", kind=type(error).__name__)
                    ended.wait(AFTER_TROUBLE)
                    continue
                if measures := measures_of(self._engine.get_execution_options()):
                    measures.looked()
                if not begun:
                    self._woken.wait(PAUSE)

    def begin(self, pool: ThreadPoolExecutor) -> int:
        """Begin to send what is due now and within the bounds; returns how many."""
        begun = 0
        with read(self._engine) as connection:
            change, now = last_change(connection), self._clock.real_now()
            waiting = waiting_subscriptions(connection, now)
            self._moved.look(connection, change, waiting)
        for each in waiting:
            if self._may_have(each, change, now) and self._has_room(each):
                with self._guard:
                    self._under_way[each.id] = each
                pool.submit(self._send, each, change).add_done_callback(_told_of_what_is_not_known)
                begun += 1
        return begun

    def _may_have(self, each: Waiting, change: int, now: datetime) -> bool:
        """Tell whether there may be something to send that was not there at the last try."""
        if each.id in self._under_way:
            return False
        if self._troubled.get(each.id, 0.0) > time.monotonic():
            return False
        if _times_out(each, now):
            return True
        there = each.status != "active" or each.events > each.delivered or self._moved.has(each)
        return there and self._looked.get(each.id) != _stands(each, change)

    def _seen(self, each: Waiting, change: int) -> None:
        """Remember that there was nothing to send as long as nothing changes."""
        if len(self._looked) >= MOST_LOOKED:  # most are not there any more
            self._looked.clear()
        self._looked[each.id] = _stands(each, change)

    def _has_room(self, each: Waiting) -> bool:
        """Tell whether the bounds leave room for one more call; only one thread begins them."""
        with self._guard:
            others = list(self._under_way.values())
        hosts = Counter(other.host for other in others)
        partners = Counter(other.organization for other in others)
        failing = sum(self._is_trying(other) for other in others)
        free = len(others) < AT_ONCE and (not self._is_trying(each) or failing < TO_FAILING)
        fair = hosts[each.host] < TO_ONE_HOST
        return free and fair and partners[each.organization] < TO_ONE_PARTNER

    def _is_trying(self, each: Waiting) -> bool:
        """Tell whether a call may well take all the time it has."""
        slow_until = self._slow_until.get(each.organization, 0.0)
        return bool(each.attempts) or slow_until > time.monotonic()

    def _send(self, each: Waiting, change: int) -> None:
        # Should anything go wrong it rests a while: it must not be tried again and again at once.
        self._troubled[each.id] = time.monotonic() + AFTER_TROUBLE
        try:
            if not self._sender.send(each.id):
                self._seen(each, change)
            del self._troubled[each.id]
        except (*OUTAGES, BridgeError, LedgerHalted, NotAcknowledged) as error:
            # What was not kept is decided again; a lease that was taken runs out by itself.
            _log.warning("a notification was not sent", kind=type(error).__name__)
        finally:
            if self._sender.took.pop(each.id, 0.0) >= SLOW:
                self._slow_until[each.organization] = time.monotonic() + SLOW_FOR
            with self._guard:
                self._under_way.pop(each.id, None)
            self._woken.set()


def _told_of_what_is_not_known(done: Future[None]) -> None:
    """Tell the log of an error that nobody expected: whoever asked a pool does not look."""
    if error := done.exception():
        _log.error("a notification was not sent", kind=type(error).__name__)


def _stands(each: Waiting, change: int) -> Looked:
    return change, each.version, each.events, each.delivered


def _times_out(each: Waiting, now: datetime) -> bool:
    """Tell whether something is due by the time alone."""
    if each.attempts:
        return True  # its time to be tried again has come
    return any(at is not None and at <= now for at in (each.ends_at, each.beats_at))
