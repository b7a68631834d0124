"""Opening the database, and the two kinds of transaction on it.

SQLite, the default (reasons measured, each pinned by a test):

* through ``pysqlite3``, which brings a SQLite of its own: the library of many systems is in the
  range 3.7.0 to 3.51.2 whose write-ahead log can be corrupted when two connections write and
  checkpoint at once (sqlite.org/changes: 3.51.3, 3.53.0; back-ports 3.44.6, 3.50.7);
* ``synchronous=FULL``: with NORMAL a power cut loses acknowledged rows;
* ``secure_delete``: a deleted record must not linger in free pages;
* explicit ``BEGIN``: reading transactions are deferred and may not write; writing ones are
  ``BEGIN IMMEDIATE``, so that what was read under the lock is still true at commit;
* all writers of one process stand in one queue (:mod:`bridge.store.database.writer_queue`).

PostgreSQL goes through psycopg 3. On either, an exception never carries a bound parameter: those
are record values (``hide_parameters``).
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Pool,
    QueuePool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.base import OptionEngine

from bridge.driver import cursor_of, remember_long_statements
from bridge.measures import measured_by, measures_of
from bridge.store.database.statistics import forget_statistics
from bridge.store.database.writer_queue import Seat, queue_of

BUSY_MILLISECONDS: Final = 10_000
CONNECT_SECONDS: Final = 5
# PostgreSQL takes 100 unless told otherwise. Of these and as many again whose commits are flushed
# together (bridge.store.database.group_commit) some are left for operators.
CONNECTIONS: Final = 40
_WRITING: Final = "schoolbridge_writing"
_KEPT: Final = "schoolbridge_kept"
_READERS: Final = "schoolbridge_readers"
_QUERY_ONLY: Final = "schoolbridge_query_only"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    f"PRAGMA busy_timeout={BUSY_MILLISECONDS}",
    "PRAGMA trusted_schema=OFF",
    # Pages that many commits wrote are copied into the file once: fewer copies a commit (16 MiB).
    "PRAGMA wal_autocheckpoint=4000",
    # 8 MiB for each connection; what is read again beyond that is in the system's own cache.
    "PRAGMA cache_size=-8192",
)


class DatabaseRefused(Exception):  # noqa: N818 - reads as what happened
    """The database cannot be opened safely; the text says why and what to do."""


def open_engine(url: str, *, development: bool = False, sharers: int = 1) -> Engine:
    """Open the database a URL names: ``sqlite:////path`` or ``postgresql://...``.

    Args:
        url: the database.
        development: accept a SQLite library that can corrupt a write-ahead log.
        sharers: how many processes like this one share a PostgreSQL server's connections.

    Raises:
        DatabaseRefused: for another kind of database, SQLite in memory, or an unsafe library.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, development=development)
        case "postgresql":
            return _open_postgresql(parsed, most=max(4, CONNECTIONS // sharers))
        case other:
            raise DatabaseRefused(f"{other} is not supported: use sqlite or postgresql")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database and cannot change it."""
    if engine.dialect.name == "sqlite":
        with _readers_of(engine).connect() as connection, connection.begin():
            yield connection
        return
    with engine.connect() as connection:
        one_state = connection.execution_options(
            postgresql_readonly=True, isolation_level="REPEATABLE READ"
        )
        with one_state.begin():
            yield one_state


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may write; commits at the end, rolls back on an exception.

    INVARIANT: on SQLite what is read inside stays true until the commit (``BEGIN IMMEDIATE``); on
    PostgreSQL lock the rows a decision rests on (``with_for_update``).

    Raises:
        RuntimeError: if this thread is already inside ``write`` on the same SQLite file.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with _turn(engine), begun_writing(engine) as connection:
        yield connection


@contextmanager
def begun_writing(engine: Engine) -> Iterator[Connection]:
    """Open a writing transaction on SQLite; whoever calls this holds the turn of its queue."""
    with engine.connect() as connection:
        writing = connection.execution_options(**{_WRITING: True})
        with writing.begin():
            yield writing


def unflushed(engine: Engine) -> Engine:
    """Return another engine on the same PostgreSQL database whose commits do not reach the disk.

    INVARIANT: whoever commits on it flushes before anybody is told
    (:mod:`bridge.store.database.group_commit`).
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)  # noqa: S101 - as _open_postgresql made it
    most = pool.size() + pool._max_overflow  # noqa: SLF001 - nothing public says it
    made = _open_postgresql(engine.url, most=most, synchronous_commit="off")
    if measures := measures_of(engine.get_execution_options()):
        measured_by(made, measures)
    return made


@contextmanager
def write_on(connection: Connection) -> Iterator[None]:
    """Do :func:`write` on a connection kept by one thread that writes again and again.

    Args:
        connection: from :func:`kept_connection`.
    """
    if connection.dialect.name != "sqlite":
        with connection.begin():
            yield
        return
    with _turn(connection.engine), _begun_by_the_driver(connection):
        yield


@contextmanager
def _begun_by_the_driver(connection: Connection) -> Iterator[None]:
    """Do ``connection.begin()`` on SQLite without the toolkit, unless something inside needs it.

    What the toolkit does around an empty transaction takes eight times as long as the transaction.
    A statement inside that goes through the toolkit begins one of its own notion, which
    :func:`_begin` lets be this one.
    """
    with cursor_of(connection) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            if connection.in_transaction():
                connection.commit()
            else:
                cursor.execute("COMMIT")
        finally:  # there is something to undo only where something failed
            connection.rollback()
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    seat = Seat()
    with queue_of(engine).turn(seat):
        if measures := measures_of(engine.get_execution_options()):
            measures.waited(seat.waited)
        yield


def kept_connection(engine: Engine) -> Connection:
    """Open a connection for :func:`write_on`; who takes it closes it."""
    return engine.connect().execution_options(**{_WRITING: True, _KEPT: True})


def durability(connection: Connection) -> tuple[str, str, bool]:
    """Return the database's product and version, its settings, and whether a commit is on disk."""
    if connection.dialect.name == "sqlite":
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
        durable = said["synchronous"] == 2 and said["journal_mode"] == "wal"
        safe = not has_wal_reset_bug(tuple(int(part) for part in version.split(".")))
        return f"SQLite {version}", _spelled(said), durable and safe
    names = ("synchronous_commit", "fsync", "full_page_writes")
    said = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names}
    version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    return f"PostgreSQL {version}", _spelled(said), set(said.values()) == {"on"}


def database_time(connection: Connection) -> datetime | None:
    """Return what time it is for a database that may be on another machine; SQLite never is."""
    if connection.dialect.name == "sqlite":
        return None
    told: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return told


def _spelled(said: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in said.items())


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite version can corrupt its write-ahead log.

    Source: sqlite.org/changes, entries 3.51.3 and 3.53.0, back-ports 3.44.6 and 3.50.7.
    """
    back_ported = any(fixed <= version < (3, fixed[1] + 1) for fixed in ((3, 44, 6), (3, 50, 7)))
    return (3, 7, 0) <= version < (3, 51, 3) and not back_ported


def _open_postgresql(url: URL, *, most: int, synchronous_commit: str = "on") -> Engine:
    # A commit that is acknowledged is on disk, whatever the server's default says.
    asked = url.query.get("options", "")
    remember_long_statements()
    # A search is thought dear enough to be compiled each time (docs/adr/0068).
    told = f"-c synchronous_commit={synchronous_commit} -c timezone=UTC -c jit=off"
    options = f"{asked} {told}".strip()
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=most // 2,
        max_overflow=most - most // 2,
        connect_args={"options": options, "connect_timeout": CONNECT_SECONDS},
    )


def _open_sqlite(url: URL, *, development: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseRefused("SQLite needs a file: nothing in memory is ever acknowledged")
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        module=_sqlite_library(development=development),
        hide_parameters=True,
        # A consent filter names the instant in every clause; by name it is bound once.
        paramstyle="named",
        pool_size=20,
        max_overflow=40,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    engine.update_execution_options(**{_READERS: _Readers(engine)})
    return engine


def _sqlite_library(*, development: bool) -> ModuleType:
    try:
        library = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:  # no wheel for this machine
        library = importlib.import_module("sqlite3.dbapi2")
    if has_wal_reset_bug(library.sqlite_version_info) and not development:
        raise DatabaseRefused(
            f"SQLite {library.sqlite_version} can corrupt its write-ahead log: "
            "install pysqlite3, or SQLite 3.51.3 or later, or use PostgreSQL"
        )
    # Else the driver looks for a way to bind each of them, twice in vain, and words an error about
    # it each time: a microsecond a value, a third of what an entry of the ledger took.
    library.register_adapter(bytes, bytes)
    library.register_adapter(type(None), {None: None}.get)
    return library


def _prepare(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's object
    # The driver's own idea of when to begin would leave reads outside the transaction.
    dbapi_connection.isolation_level = None
    for pragma in _PRAGMAS:
        dbapi_connection.execute(pragma).close()
    forget_statistics(dbapi_connection)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    writing = options.get(_WRITING, False)
    with cursor_of(connection) as cursor:
        if options.get(_KEPT, False) and cursor.connection.in_transaction:
            return  # begun already (write_on)
        # the toolkit's own way takes as long as a small read
        cursor.execute("BEGIN IMMEDIATE" if writing else "BEGIN")


class _Readers(OptionEngine):
    """The same engine over connections of its own, none of which can change anything.

    Saying ``query_only`` makes SQLite compile every statement of the connection anew, so it is said
    once, to connections that nobody writes on.
    """

    pool: Pool = None  # type: ignore[assignment] # its own, where the class would ask the engine

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, {})
        self._renew(engine)
        event.listen(engine, "engine_disposed", self._emptied)

    def connect(self) -> Connection:
        """Take a connection that cannot change anything."""
        connection = super().connect()
        if not connection.info.get(_QUERY_ONLY):
            raw = connection.connection.dbapi_connection
            assert raw is not None  # noqa: S101 - a connection just taken from the pool has one
            raw.execute("PRAGMA query_only=ON").close()
            connection.info[_QUERY_ONLY] = True
        return connection

    def _emptied(self, engine: Engine) -> None:
        self.pool.dispose()
        self._renew(engine)

    def _renew(self, engine: Engine) -> None:
        self.pool = engine.pool.recreate()
        # Who listens to the engine's connections, now or later, hears of these as well.
        self.pool.dispatch = engine.pool.dispatch


def _readers_of(engine: Engine) -> _Readers:
    found: _Readers = engine.get_execution_options()[_READERS]
    return found
