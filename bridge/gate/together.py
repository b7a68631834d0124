"""Reads and searches answered together: one transaction, one wait for the disk for all.

Whoever asks while a batch is under way waits for the next one, which takes all that wait. What a
batch costs whatever its size (the counters, the head of the ledger, the commit) is shared by the
requests in it; each is authenticated, decided at that moment and entered in the ledger on its own.

INVARIANTS
* Nothing is handed out before the transaction that holds its ledger entry is on disk.
* All that a remembered decision rests on is read in that transaction (:mod:`bridge.gate.permits`).
* One request that fails takes no other with it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from queue import SimpleQueue
from typing import Any, Final

from sqlalchemy import Connection, event

from bridge.errors import ForbiddenError, RefusedError, UnauthorizedError
from bridge.gate.authorise import Viewer
from bridge.gate.batches import gathered
from bridge.gate.disclosures import Disclosure
from bridge.gate.gate import Gate
from bridge.gate.memory import remembering
from bridge.gate.permits import Epoch, Key, Permit, Permits, Who, permits_of, who
from bridge.gate.released import Released, ReleasedResource
from bridge.gate.remembered import Remembered, answered_by
from bridge.gate.viewers import viewer_of
from bridge.identity import Caller, TokenCache, caller_of, digest_of, locked_version_of
from bridge.ledger.append import Filled, append
from bridge.parts import HasParts
from bridge.store.agreement_changes import next_change
from bridge.store.engine import kept_connection, write_on
from bridge.store.standing import Stood, standing
from bridge.store.state_versions import held_versions, state_versions
from bridge.store.vault import Query

MOST_AT_ONCE: Final = 64
_MOST_CALLERS: Final = 10_000

Search = tuple[Query, tuple[str, ...]]
"""What to look for, and the names of what to include."""


@dataclass(slots=True, eq=False)
class Asked:
    """One read or search that waits for its answer.

    Attributes:
        bearer: the token as it came.
        kind, record_id: what to read; of a search the type alone.
        request: id of the request, for the ledger.
        answered: called from another thread with those of a batch that have the same, once
            ``found`` or ``error`` is there.
        waiting: what ``answered`` needs to know who waits.
        search: understands a search once it is known who asks, or refuses it.
        found: what leaves; None where there is no such record, or not for who asks.
    """

    bearer: str = field(repr=False)
    kind: str
    record_id: str
    request: str
    answered: "Callable[[Sequence[Asked]], None]" = field(repr=False)
    waiting: Any = field(repr=False)
    search: Callable[[Caller], Search] | None = field(default=None, repr=False)
    found: ReleasedResource | Released | None = None
    error: Exception | None = None


class Reached(Enum):
    """How far a token's scopes reach into a type; what they do not reach at all counts as false."""

    ALL = "all"
    LIMITED = "within limits"
    NOTHING = ""

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(slots=True)
class _Reach:
    """What was found out of a caller's scopes, by type."""

    caller: Caller
    who: Who
    _found: dict[str, Reached] = field(default_factory=dict)

    def of(self, kind: str) -> Reached:
        found = self._found.get(kind)
        if found is None:
            limits = self.caller.limits(kind, "read")
            some = Reached.LIMITED if limits else Reached.NOTHING
            found = self._found[kind] = Reached.ALL if () in limits else some
        return found


@dataclass(slots=True)
class _Moment:
    """What holds for everybody in one transaction."""

    connection: Connection
    identity: int
    versions: dict[str, int]
    now: datetime

    @property
    def epoch(self) -> Epoch:
        return (self.versions["agreement"], self.versions["evidence"])


class Together:
    """Answers reads in batches, in a thread of its own."""

    def __init__(self, gate: Gate, parts: HasParts, tokens: TokenCache) -> None:
        self._gate, self._tokens = gate, tokens
        self._engine, self._clock, self._identifiers = parts.engine, parts.clock, parts.identifiers
        self._permits = Permits()
        self._waiting: SimpleQueue[Asked | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._connection: Connection | None = None
        self._reaches: dict[int, _Reach] = {}
        self._lent: Remembered | None = None
        self._viewers: dict[Who, Viewer] = {}
        self._erased = 0
        self._changes: tuple[int, datetime | None] = (0, None)

    def ask(self, asked: Asked) -> None:
        """Put a read in line."""
        if self._thread is None:
            self._begin()
        self._waiting.put(asked)

    def close(self) -> None:
        """Answer what waits, and end."""
        with self._guard:
            if self._thread is not None:
                self._waiting.put(None)
                self._thread.join(timeout=20)
                self._thread = None

    def _begin(self) -> None:
        with self._guard:
            if self._thread is None:
                event.listen(self._engine, "engine_disposed", lambda _: self.close(), once=True)
                self._thread = threading.Thread(target=self._run, name="reads", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        wanted = 1
        while (first := self._waiting.get()) is not None:
            batch = gathered(first, self._waiting, (wanted, MOST_AT_ONCE))
            self._answer(batch)
            wanted = len(batch) + self._waiting.qsize()
        self._disconnect()

    def _answer(self, batch: Sequence[Asked]) -> None:
        later = self._attempted(batch)
        for asked in later:
            self._attempted([asked], alone=True)
        told: dict[int, list[Asked]] = {}
        for asked in batch:
            told.setdefault(id(asked.answered), []).append(asked)
        for some in told.values():
            some[0].answered(some)

    def _attempted(self, batch: Sequence[Asked], *, alone: bool = False) -> Sequence[Asked]:
        """Answer a batch; returns those that are to be answered each in its own transaction."""
        try:
            return self._transact(batch, alone=alone)
        except Exception as error:  # noqa: BLE001 - raised again where it was asked for
            # The driver's own errors do not tell the toolkit that a connection is broken.
            self._disconnect()
            for asked in batch:
                asked.found, asked.error = None, error if alone else None
            return () if alone else batch

    def _transact(self, batch: Sequence[Asked], *, alone: bool) -> Sequence[Asked]:
        learned: list[tuple[Key, Permit]] = []
        connection = self._connected()
        # On PostgreSQL a decision locks students in an order of its own: one a transaction.
        apart = connection.dialect.name != "sqlite" and not alone
        with write_on(connection):
            moment = self._moment(connection)
            hits, misses = self._sorted(moment, batch)
            filled = self._released(moment, hits, misses)
            append(connection, filled, self._clock)
            for asked, caller in () if apart else misses:
                self._decide(moment, asked, caller, learned)
        self._permits.keep(learned)
        return [asked for asked, _ in misses] if apart else ()

    def _disconnect(self) -> None:
        if self._connection is not None:
            if not self._connection.invalidated:
                # Not back into the pool, which may be gone: what broke it may still be there.
                self._connection.detach()
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        # Kept: taking one from the pool and giving it back takes as long as a small batch, and
        # SQLite's page cache is a connection's own.
        if self._connection is None or self._connection.invalidated or self._connection.closed:
            self._connection = kept_connection(self._engine)
            answered_by(self._connection, self._stands)
        return self._connection

    def _moment(self, connection: Connection) -> _Moment:
        identity = locked_version_of(connection)
        versions, now = state_versions(connection), self._clock.now()
        if versions["erasure"] != self._erased:
            self._permits.clear()
            self._erased = versions["erasure"]
        if self._changes[0] != versions["agreement"]:
            self._changes = (versions["agreement"], next_change(connection))
            self._viewers.clear()
        return _Moment(connection, identity, versions, now)

    def _sorted(
        self, moment: _Moment, batch: Sequence[Asked]
    ) -> tuple[list[tuple[Asked, Permit, Caller]], list[tuple[Asked, Caller]]]:
        """Authenticate each, and tell what is remembered from what is not."""
        hits: list[tuple[Asked, Permit, Caller]] = []
        misses: list[tuple[Asked, Caller]] = []
        due = self._changes[1] is not None and self._changes[1] <= moment.now
        real = self._clock.real_now()
        for asked in batch:
            caller = self._caller(moment, asked.bearer, real)
            if caller is None:
                asked.error = UnauthorizedError()
                continue
            if asked.search is not None:
                misses.append((asked, caller))
                continue
            reach = self._reach_of(caller)
            reached = reach.of(asked.kind)
            if not reached:
                asked.error = ForbiddenError()
                continue
            permit = None
            if reached is Reached.ALL and not due:
                permit = self._permits.find((reach.who, asked.kind, asked.record_id))
            if permit is not None and permit.holds(moment.epoch, moment.now):
                hits.append((asked, permit, caller))
            else:
                misses.append((asked, caller))
        return hits, misses

    def _caller(self, moment: _Moment, bearer: str, real: datetime) -> Caller | None:
        """Return who holds a token, as of the transaction (:func:`bridge.identity.caller_of`)."""
        known = self._tokens.look(digest_of(bearer), moment.identity, real)
        return known or caller_of(moment.connection, bearer, self._clock, self._tokens)

    def _reach_of(self, caller: Caller) -> _Reach:
        # The same token gives the same object for as long as it is remembered.
        known = self._reaches.get(id(caller))
        if known is None or known.caller is not caller:
            if len(self._reaches) >= _MOST_CALLERS:
                self._reaches.clear()
            known = self._reaches[id(caller)] = _Reach(caller, who(caller))
        return known

    def _released(
        self,
        moment: _Moment,
        hits: Sequence[tuple[Asked, Permit, Caller]],
        misses: list[tuple[Asked, Caller]],
    ) -> list[Filled]:
        """Release what still stands; the rest is decided anew.

        INVARIANT: what is remembered counts at an instant after the students are locked, and only
        if what concerns everybody has not moved while they were waited for.
        """
        stands = self._stand(moment, [permit.stood for _, permit, _ in hits])
        held = held_versions(moment.connection)
        now = self._clock.now()
        same = all(moment.versions[name] == value for name, value in held.items())
        filled: list[Filled] = []
        for (asked, permit, caller), there in zip(hits, stands, strict=True):
            if not (there and same and permit.holds(moment.epoch, now)):
                misses.append((asked, caller))
                continue
            asked.found = permit.released
            if permit.entry is not None:
                filled.append(Filled(permit.entry, asked.request))
        return filled

    def _stand(self, moment: _Moment, stood: Sequence[Stood]) -> list[bool]:
        return standing(moment.connection, stood)

    def _decide(
        self, moment: _Moment, asked: Asked, caller: Caller, learned: list[tuple[Key, Permit]]
    ) -> None:
        """Let the gate decide, so that a failure undoes no more than this."""
        self._lent = memory = self._memory(moment)
        try:
            with _apart(moment.connection), remembering(memory):
                asked.found = self._found(moment.connection, asked, caller)
                learned += self._learned(moment, caller, memory.told)
        except RefusedError as error:
            asked.found, asked.error = None, error

    def _stands(self, *stood: Any) -> bool:  # noqa: ANN401 - as the database calls it
        return self._lent is not None and self._lent.stands(*stood)

    def _memory(self, moment: _Moment) -> Remembered:
        recalls = moment.connection.dialect.name == "sqlite"
        held = self._permits if recalls else None
        return Remembered(held, moment.epoch, self._changes[1], self._viewers)

    def _found(
        self, connection: Connection, asked: Asked, caller: Caller
    ) -> Released | ReleasedResource | None:
        if asked.search is None:
            key = (asked.kind, asked.record_id)
            return self._gate.read_noted(connection, caller, key, asked.request)
        query, includes = asked.search(caller)
        return self._gate.search_noted(connection, caller, query, (includes, asked.request))

    def _learned(
        self, moment: _Moment, caller: Caller, told: Sequence[Disclosure]
    ) -> list[tuple[Key, Permit]]:
        connection = moment.connection
        if all(each.remembered for each in told) or state_versions(connection) != moment.versions:
            return []
        viewer = viewer_of(connection, caller)
        # From before the decision: what changed by itself since ends the permit.
        return permits_of(connection, viewer, told, self._identifiers, (moment.epoch, moment.now))


@contextmanager
def _apart(connection: Connection) -> Iterator[None]:
    """Undo what one request did, and no more, where it is refused."""
    # By the same name each time: the toolkit counts its own, so that no two requests look alike.
    connection.exec_driver_sql("SAVEPOINT asked")
    try:
        yield
    except RefusedError:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT asked")
        connection.exec_driver_sql("RELEASE SAVEPOINT asked")
        raise
    connection.exec_driver_sql("RELEASE SAVEPOINT asked")
