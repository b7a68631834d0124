"""Reads and searches answered together: one transaction, one wait for the disk for all.

Whoever asks while a batch is under way waits for the next one, which takes all that wait. What a
batch costs whatever its size (the counters, the head of the ledger, the commit) is shared by the
requests in it; each is authenticated, decided at that moment and entered in the ledger on its own.

INVARIANTS
* Nothing is handed out before the transaction that holds its ledger entry is on disk.
* All that a remembered decision rests on is read in that transaction
  (:mod:`bridge.gate.hot.permits`).
* One request that fails takes no other with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from bridge.errors import ForbiddenError, RefusedError, UnauthorizedError
from bridge.gate.accounts.requests import note_request
from bridge.gate.authorise import Authorised, Viewer
from bridge.gate.gate import LEAST_STEP, Gate
from bridge.gate.hot.asked import Asked, Hit, Moment, Reach, Reached
from bridge.gate.hot.batches import Line
from bridge.gate.hot.memory import is_plain, remembering
from bridge.gate.hot.opening import opened
from bridge.gate.hot.pages import NOTHING, Learned, Pages, page_of
from bridge.gate.hot.permits import Key, Permit, Permits, Who, permits_of, repeated, who
from bridge.gate.hot.remembered import Answering, Remembered, answered_by
from bridge.gate.released import Released, ReleasedResource
from bridge.gate.viewers import viewer_of
from bridge.identity import Caller, TokenCache, caller_of, digest_of
from bridge.ledger.append import Filled, append
from bridge.ledger.entry import Receipt
from bridge.ledger.repeating import spans_of
from bridge.measures import measures_of
from bridge.parts import HasParts
from bridge.store.database.engine import kept_connection, write_on
from bridge.store.facts.agreement_changes import next_change
from bridge.store.facts.conditions import said_of_anybody
from bridge.store.search.planning import planned_by_values
from bridge.store.standing import numbered, standing
from bridge.store.state_versions import held_versions, state_versions
from bridge.store.vault import Query, rows, total_of

_MOST_CALLERS: Final = 10_000


class Together:
    """Answers reads in batches, in a thread of its own."""

    def __init__(self, gate: Gate, parts: HasParts, tokens: TokenCache) -> None:
        self._gate, self._tokens = gate, tokens
        self._engine, self._clock, self._identifiers = parts.engine, parts.clock, parts.identifiers
        self._permits = Permits()
        self._pages = Pages()
        self._line = Line(("reads", parts.engine), self._answer, self._disconnect)
        self._connection: Connection | None = None
        self._reaches: dict[int, Reach] = {}
        self._answering = Answering()
        self._viewers: dict[Who, Viewer] = {}
        self._erased = 0
        self._changes: tuple[int, datetime | None] = (0, None)
        self._said: tuple[int, frozenset[str]] = (0, frozenset())

    def ask(self, asked: Asked) -> None:
        """Put a read in line."""
        self._line.join(asked)

    def close(self) -> None:
        """Answer what waits, and end."""
        self._line.close()

    def _answer(self, batch: Sequence[Asked]) -> None:
        if measures := measures_of(self._engine.get_execution_options()):
            measures.batched(len(batch))
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
            self._pages.clear()  # what they repeat may not be there
            self._permits.clear()
            for asked in batch:
                asked.found, asked.error = None, error if alone else None
            return () if alone else batch

    def _transact(self, batch: Sequence[Asked], *, alone: bool) -> Sequence[Asked]:
        learned = Learned()
        connection = self._connected()
        # On PostgreSQL a decision locks students in an order of its own: one a transaction.
        apart = connection.dialect.name != "sqlite" and not alone
        with write_on(connection):
            searches = any(asked.search is not None for asked in batch)
            moment = self._moment(connection, opened(connection, searches=searches))
            with planned_by_values(connection) if searches else nullcontext():
                hits, misses = self._sorted(moment, batch, alone=alone)
            entered = self._released(moment, hits, misses)
            receipts = append(connection, [filled for filled, _ in entered], self._clock)
            learned.permits.update(_left_alone(connection, entered, receipts))
            for asked, caller in () if apart else misses:
                self._decide(moment, asked, caller, learned)
        self._permits.keep(list(learned.permits.items()))
        self._pages.keep(learned.pages)
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
            self._answering = answered_by(self._connection)
        return self._connection

    def _moment(self, connection: Connection, found: tuple[int, dict[str, int]]) -> Moment:
        (identity, versions), now = found, self._clock.now()
        if versions["erasure"] != self._erased:
            self._permits.clear()
            self._pages.clear()
            self._erased = versions["erasure"]
        if self._changes[0] != versions["agreement"]:
            self._changes = (versions["agreement"], next_change(connection))
            self._viewers.clear()
        if self._said[0] != versions["evidence"]:
            self._said = (versions["evidence"], said_of_anybody(connection))
        return Moment(connection, identity, versions, now)

    def _sorted(
        self, moment: Moment, batch: Sequence[Asked], *, alone: bool
    ) -> tuple[list[Hit], list[tuple[Asked, Caller]]]:
        """Authenticate each, and tell what is remembered from what is not."""
        hits: list[Hit] = []
        misses: list[tuple[Asked, Caller]] = []
        real, known = self._clock.real_now(), dict[str, Caller | None]()
        memory = self._memory(moment)
        for asked in batch:
            bearer = asked.bearer
            if bearer not in known:
                known[bearer] = self._caller(moment, bearer, real)
            caller = known[bearer]
            if caller is None:
                asked.error = UnauthorizedError()
                continue
            reach = self._reach_of(caller)
            if asked.search is not None:
                hit = None if alone else self._found_again(moment, (asked, reach), memory)
            elif reach.of(asked.kind) is not Reached.NOTHING:
                hit = self._permitted(moment, asked, reach)
            else:
                asked.error = ForbiddenError()
                continue
            if hit is not None:
                hits.append(hit)
            else:
                misses.append((asked, caller))
        return hits, misses

    def _due(self, moment: Moment) -> bool:
        """Tell whether a change of an agreement takes effect that the counters do not tell of."""
        return self._changes[1] is not None and self._changes[1] <= moment.now

    def _permitted(self, moment: Moment, asked: Asked, reach: Reach) -> Hit | None:
        """Return what is remembered of a record."""
        if self._due(moment) or reach.of(asked.kind) is not Reached.ALL:
            return None
        permit = self._permits.find((reach.who, asked.kind, asked.record_id))
        if permit is None or not permit.holds(moment.epoch, moment.now):
            return None
        return Hit(asked, reach.caller, permit, permit.released)

    def _found_again(
        self, moment: Moment, asking: tuple[Asked, Reach], memory: Remembered
    ) -> Hit | None:
        """Return a search's answer where it finds what it found before."""
        (asked, reach), connection = asking, moment.connection
        caller = reach.caller
        viewer = None if self._due(moment) else self._viewers.get(reach.who)
        if viewer is None or viewer.party == "hub" or asked.search is None:
            return None
        try:
            query, includes = asked.search(caller)
        except RefusedError:
            return None  # so it will be where it is decided
        within = reach.within(query)
        if within is None or not is_plain(query):
            return None
        sight = memory.sight(viewer, query.type, moment.now)
        rows = self._rows(connection, within, sight)
        key = (reach.who, caller.scopes, query.type, includes, rows)
        page = self._pages.find(key) if rows else NOTHING
        if page is None or not page.holds(moment.epoch, moment.now):
            return None
        total = total_of(connection, within, sight, len(page.released.matches))
        given = page.given(within, rows, (total, moment.now - LEAST_STEP))
        return Hit(asked, caller, page, given, query)

    def _rows(self, connection: Connection, query: Query, sight: Authorised) -> str:
        return rows(connection, query, sight)

    def _caller(self, moment: Moment, bearer: str, real: datetime) -> Caller | None:
        """Return who holds a token, as of the transaction (:func:`bridge.identity.caller_of`)."""
        known = self._tokens.look(digest_of(bearer), moment.identity, real)
        return known or caller_of(moment.connection, bearer, self._clock, self._tokens)

    def _reach_of(self, caller: Caller) -> Reach:
        # The same token gives the same object for as long as it is remembered.
        known = self._reaches.get(id(caller))
        if known is None or known.caller is not caller:
            if len(self._reaches) >= _MOST_CALLERS:
                self._reaches.clear()
            known = self._reaches[id(caller)] = Reach(caller, who(caller))
        return known

    def _released(
        self, moment: Moment, hits: Sequence[Hit], misses: list[tuple[Asked, Caller]]
    ) -> list[tuple[Filled, Hit]]:
        """Release what still stands; the rest is decided anew.

        INVARIANT: what is remembered counts at an instant after the students are locked, and only
        if what concerns everybody has not moved while they were waited for.
        """
        connection, epoch = moment.connection, moment.epoch
        there = self._stand(moment, hits)
        held = held_versions(connection)
        now = self._clock.now()
        same = all(moment.versions[name] == value for name, value in held.items())
        entered: list[tuple[Filled, Hit]] = []
        for hit, stood in zip(hits, there, strict=True):
            if not (stood and same and hit.kept.holds(epoch, now)):
                misses.append((hit.asked, hit.caller))
                continue
            hit.asked.found = hit.released
            entered += [(filled, hit) for filled in hit.kept.entries(hit.asked.request)]
            if hit.query is not None and isinstance(hit.released, Released):
                asked = (hit.query, hit.released)
                note_request(connection, hit.caller, asked, (hit.asked.request, moment.now))
        return entered

    def _stand(self, moment: Moment, hits: Sequence[Hit]) -> list[bool]:
        """Tell of each whether all stands that has still to be asked for."""
        needed = [hit.needed(moment.connection.dialect.name) for hit in hits]
        whole = standing(moment.connection, [each for stood, _ in needed for each in stood])
        there = numbered(moment.connection, [each for _, some in needed for each in some])
        found, same = iter(whole), iter(there)
        return [
            all([*islice(found, len(stood)), *islice(same, len(some))]) for stood, some in needed
        ]

    def _decide(self, moment: Moment, asked: Asked, caller: Caller, learned: Learned) -> None:
        """Let the gate decide, so that a failure undoes no more than this."""
        memory = self._memory(moment)
        try:
            with _apart(moment.connection), remembering(memory):
                asked.found = self._found(moment.connection, asked, caller)
                self._learn(moment, caller, memory, learned)
        except RefusedError as error:
            asked.found, asked.error = None, error

    def _memory(self, moment: Moment) -> Remembered:
        recalls = moment.connection.dialect.name == "sqlite"
        held = self._permits if recalls else None
        viewers = self._viewers if recalls else {}
        of = (self._changes[1], self._answering, self._said[1])
        return Remembered(held, moment.epoch, *of, viewers)

    def _found(
        self, connection: Connection, asked: Asked, caller: Caller
    ) -> Released | ReleasedResource | None:
        if asked.search is None:
            key = (asked.kind, asked.record_id)
            return self._gate.read_noted(connection, caller, key, asked.request)
        query, includes = asked.search(caller)
        return self._gate.search_noted(connection, caller, query, (includes, asked.request))

    def _learn(self, moment: Moment, caller: Caller, memory: Remembered, learned: Learned) -> None:
        connection = moment.connection
        if not memory.told or state_versions(connection) != moment.versions:
            return
        viewer = viewer_of(connection, caller)
        # From before the decision: what changed by itself since ends the permit.
        at = (moment.epoch, moment.now)
        made = permits_of(connection, viewer, memory.told, self._identifiers, at)
        learned.permits.update(made)
        self._viewers[who(viewer)] = viewer
        if memory.given is None:
            return

        def permit(key: Key) -> Permit | None:
            return learned.permits.get(key) or self._permits.find(key)

        page = page_of(connection, memory.given, permit, moment.epoch)
        learned.pages += [page] if page is not None else []


def _left_alone(
    connection: Connection, entered: Sequence[tuple[Filled, Hit]], receipts: Sequence[Receipt]
) -> Iterator[tuple[Key, Permit]]:
    """Yield the permits of reads that were entered in full: from now on that can be repeated."""
    for (filled, hit), receipt in zip(entered, receipts, strict=True):
        spans = None
        if isinstance(hit.kept, Permit) and filled.repeats is None:
            spans = spans_of(connection, [receipt])
        if spans and isinstance(hit.kept, Permit):
            to = who(hit.caller)
            again = repeated(receipt.log, spans[receipt.log], to[1:3])
            yield (to, hit.asked.kind, hit.asked.record_id), replace(hit.kept, again=again)


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
