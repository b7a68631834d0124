"""Several threads, one wait for the disk.

A release is acknowledged when its ledger entry is on disk, and a disk takes its time over that
whether one entry waits or fifty. Threads that write at the same moment therefore share the wait.

* SQLite has one writer: whose turn it is does the work of those that queue behind it as well, each
  under a savepoint of its own inside one ``BEGIN IMMEDIATE``, commits once and wakes them.
* PostgreSQL has many: each unit is a transaction of its own that commits without waiting for the
  disk, so that its locks are free again at once, and then all wait for one flush. The log is
  flushed in order, so one flush makes every commit before it durable.

INVARIANT: nobody is told that a unit is kept before the disk has it, and a unit that fails takes
nothing else with it.
"""

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError

from bridge.measures import measures_of
from bridge.store.database.engine import begun_writing, unflushed
from bridge.store.database.writer_queue import Seat, WriterQueue, queue_of

T = TypeVar("T")

# How long the first of a group may be kept waiting for those behind it.
MOST_UNITS: Final = 64
MOST_SECONDS: Final = 0.02
# A session that flushed nothing for so long is asked whether it still lives.
IDLE_SECONDS: Final = 1.0


class NotAcknowledged(Exception):  # noqa: N818 - reads as what happened
    """The commit of a group failed: nobody was told that anything is kept, and nothing may leave.

    On SQLite nothing is kept. On PostgreSQL a unit may still stand, as after any connection that
    breaks during a commit.
    """


def commit_together(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do a unit of work in a writing transaction, and return once what it wrote is on disk.

    Like ``with write(engine)``, sharing the wait for the disk with other threads. On SQLite another
    thread may run ``work`` (in this thread's context variables): it must use no thread's own state,
    neither commit nor roll back the connection, and do nothing outside of the database that an
    undone unit would not undo. It runs once, and what it raises is raised here.

    Raises:
        NotAcknowledged: the shared commit failed; take it that nothing was done.
        RuntimeError: inside ``write`` or another unit on the same SQLite file.
    """
    if engine.dialect.name != "sqlite":
        return _flushes_of(engine).run(work)
    unit = _Unit(engine, work)
    queue = queue_of(engine)
    with queue.turn(unit):
        if not unit.served:
            _lead(queue, unit)
    return unit.outcome()


class _Unit(Seat, Generic[T]):
    """One thread's work and what came of it."""

    __slots__ = ("_context", "_result", "_work", "engine", "error")

    def __init__(self, engine: Engine, work: Callable[[Connection], T]) -> None:
        super().__init__(joins=engine)
        self.engine = engine
        self.error: BaseException | None = None
        self._work = work
        self._context = copy_context()
        self._result: T | None = None

    def run(self, connection: Connection) -> None:
        self._result = self._context.run(self._work, connection)

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return cast("T", self._result)


def _lead(queue: WriterQueue, first: _Unit[Any]) -> None:
    """Do the units that wait, in one transaction; every one taken from the queue is answered."""
    joined: list[_Unit[Any]] = []
    ran = False
    try:
        with begun_writing(first.engine) as connection:
            # The first needs no savepoint: if it fails there is nothing else to keep.
            first.run(connection)
            _check_open(connection)
            ran = True
            _run_followers(queue, first, joined, connection)
    except BaseException as error:
        for unit in (first, *joined) if ran else ():
            unit.error = unit.error or _not_acknowledged(error)
        if not ran:
            first.error = error
        if not isinstance(error, Exception):
            raise
    finally:
        for unit in joined:
            unit.served = True
            unit.call()
        if measures := measures_of(first.engine.get_execution_options()):
            measures.waited(first.waited)
            measures.committed(1 + len(joined))


def _run_followers(
    queue: WriterQueue, first: _Unit[Any], joined: list[_Unit[Any]], connection: Connection
) -> None:
    until = time.monotonic() + MOST_SECONDS
    while len(joined) + 1 < MOST_UNITS and time.monotonic() < until:
        unit = queue.next_to_join(first)
        if unit is None:
            return
        joined.append(cast("_Unit[Any]", unit))
        _run_alone(connection, joined[-1])


def _run_alone(connection: Connection, unit: _Unit[Any]) -> None:
    """Run a unit so that its failure undoes only what it did itself.

    Raises:
        DBAPIError: SQLite gave the whole transaction up (disk full, I/O error).
    """
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        unit.run(connection)
    except Exception as error:  # noqa: BLE001 - raised again in the thread it belongs to
        unit.error = error
        connection.exec_driver_sql("ROLLBACK TO unit")
    connection.exec_driver_sql("RELEASE unit")


def _check_open(connection: Connection) -> None:
    raw = connection.connection.dbapi_connection
    if raw is None or not raw.in_transaction:
        raise RuntimeError("a unit of work ended the transaction it was given")


def _not_acknowledged(cause: BaseException) -> NotAcknowledged:
    # One for each thread: a traceback belongs to the thread that raises it.
    made = NotAcknowledged("the shared commit failed; nothing was acknowledged")
    made.__cause__ = cause
    return made


class _Session:
    """One connection that flushes: how many units committed beside it, and how many are on disk."""

    __slots__ = ("committed", "connection", "flushed", "used")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.committed = self.flushed = 0
        self.used = time.monotonic()

    def say(self, statement: str) -> None:
        self.connection.exec_driver_sql(statement)
        self.used = time.monotonic()


class _Flushes:
    """Transactions that do not wait for the disk, and one flush for all that have committed.

    INVARIANT: a unit is flushed by a session that was there before it committed. When a database
    process dies the server ends every session and forgets what was not on disk; a flush by a later
    session would speak of a unit that is gone.
    """

    def __init__(self, engine: Engine) -> None:
        self._measures = measures_of(engine.get_execution_options())
        self._durable = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._unflushed = unflushed(engine)
        self._guard = threading.Lock()
        self._flushing = threading.Lock()
        self._session: _Session | None = None
        event.listen(engine, "engine_disposed", lambda _: self._close())

    def run(self, work: Callable[[Connection], T]) -> T:
        session = self._present()
        with self._unflushed.begin() as connection:
            result = work(connection)
        began = time.monotonic()
        try:
            self._flush(session)
        except SQLAlchemyError as error:
            raise _not_acknowledged(error) from error
        if self._measures is not None:
            self._measures.waited(time.monotonic() - began)
        return result

    def _present(self) -> _Session:
        """Return a session that lives; one that was idle is asked first."""
        session = self._session
        if session is not None and time.monotonic() - session.used < IDLE_SECONDS:
            return session
        with self._flushing:
            session = self._session
            if session is not None and time.monotonic() - session.used >= IDLE_SECONDS:
                try:
                    session.say("SELECT 1")
                except SQLAlchemyError:
                    self._end(session)
                    session = None
            if session is None:
                session = self._session = _Session(self._durable.connect())
            return session

    def _flush(self, session: _Session) -> None:
        with self._guard:
            session.committed += 1
            mine = session.committed
        with self._flushing:
            if session.flushed >= mine:
                return  # the flush that ended while we waited began after our commit
            if session is not self._session:
                raise InvalidRequestError("the session that was to flush has ended")
            reached = session.committed
            try:
                # Writes a record to the log and commits it durably, and so all that stand before.
                session.say("SELECT pg_logical_emit_message(true, 'flush', '')")
            except BaseException:
                self._end(session)
                raise
            done, session.flushed = reached - session.flushed, reached
        if self._measures is not None:
            self._measures.committed(done)

    def _end(self, session: _Session) -> None:
        self._session = None
        session.connection.invalidate()
        session.connection.close()

    def _close(self) -> None:
        with self._flushing:
            if self._session is not None:
                self._end(self._session)
        self._unflushed.dispose()


_flushes: Final[WeakKeyDictionary[Engine, _Flushes]] = WeakKeyDictionary()
_flushes_guard: Final = threading.Lock()


def _flushes_of(engine: Engine) -> _Flushes:
    with _flushes_guard:
        if engine not in _flushes:
            _flushes[engine] = _Flushes(engine)
        return _flushes[engine]
