"""Writing what may be lost when the power fails: nobody waits for the disk.

Of a session is kept when it was last used, at each request: to flush that alone made every page
wait twice for the disk. If it is lost, the session ends a little earlier.

INVARIANT: nothing that anybody entered or was promised is written like this. The next commit that
is waited for takes it along, and a connection waits again before anybody else has it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from bridge.driver import cursor_of
from bridge.store.database.engine import kept_connection, write_on


@contextmanager
def write_unwaited(engine: Engine) -> Iterator[Connection]:
    """Do :func:`bridge.store.database.engine.write` without waiting for the disk at its end."""
    with kept_connection(engine) as connection:
        if connection.dialect.name != "sqlite":
            with write_on(connection):
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection
            return
        _wait(connection, "NORMAL")  # the write-ahead log is flushed before it is copied, no sooner
        try:
            with write_on(connection):
                yield connection
        finally:
            _wait_again(connection)


def _wait_again(connection: Connection) -> None:
    waits = False
    try:
        _wait(connection, "FULL")
        waits = True
    finally:
        if not waits:
            connection.invalidate()  # nobody writes on it again


def _wait(connection: Connection, how: str) -> None:
    with cursor_of(connection) as cursor:
        cursor.execute(f"PRAGMA synchronous={how}")
