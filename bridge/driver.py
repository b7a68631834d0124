"""The database driver itself, inside a transaction of the toolkit, for the few hottest statements.

The toolkit's own work on a statement (context, result, types of each row) takes ten times as long
as a look-up by key. Whoever goes by the driver writes text that both databases understand, with
``?`` where a value stands, and converts instants itself (:func:`stored_instant`).

What the driver raises may quote a value: like the toolkit's errors it must not be logged with its
text.
"""

import importlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_NAMED: Final = re.compile(r"(?<![:\w]):(\w+)(?!:)")


class _Opened:
    """A cursor while it is open. Not a generator: a hot transaction opens ten of them."""

    __slots__ = ("_connection", "_cursor", "_name")

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name

    def __enter__(self) -> Any:  # noqa: ANN401 - the driver's
        raw = self._connection.connection
        self._cursor: Any = raw.cursor(self._name) if self._name else raw.cursor()
        return self._cursor

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        try:
            if error is not None:
                self._raise_as_the_toolkit_does(error)
        finally:
            self._cursor.close()

    def _raise_as_the_toolkit_does(self, error: BaseException) -> None:
        dialect, raw = self._connection.dialect, self._connection.connection
        kind: Any = dialect.loaded_dbapi.Error
        if isinstance(error, kind):
            broken = dialect.is_disconnect(error, raw, self._cursor)
            raise DBAPIError.instance(
                None, None, error, kind, hide_parameters=True, connection_invalidated=broken,
                dialect=dialect,
            ) from error  # fmt: skip


def cursor_of(connection: Connection, name: str = "") -> AbstractContextManager[Any]:
    """Open a cursor of the driver in a connection's transaction.

    A ``name`` is PostgreSQL's: the server keeps what is found, and sends it as it is read.

    Raises:
        DBAPIError: what the driver raised, as the toolkit would have raised it.
    """
    return _Opened(connection, name)


def said_at_once(connection: Connection, *statements: str) -> list[list[Any]]:
    """Run statements without values on PostgreSQL, in one way there and back; return their rows.

    Each sees what was committed before it began, as if it had been sent alone (PostgreSQL, "Simple
    Query").
    """
    with cursor_of(connection) as cursor:
        cursor.execute("; ".join(statements), prepare=False)
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found


def remember_long_statements() -> None:
    """Let PostgreSQL's driver read the marks of a long statement once, as it does of a short one.

    A search's statement is longer than what it remembers: reading it anew at each run takes as long
    as the run. The names are the driver's own, not promised; a test finds a version without them.
    """
    reader: Any = importlib.import_module("psycopg._queries")
    reader.MAX_CACHED_STATEMENT_LENGTH = _MOST_LETTERS
    reader.MAX_CACHED_STATEMENT_PARAMS = _MOST_VALUES


def lacks_privilege(error: DBAPIError) -> bool:
    """Tell whether PostgreSQL refused what this login may not do (error code 42501)."""
    return getattr(error.orig, "sqlstate", None) == _NO_PRIVILEGE


_NO_PRIVILEGE: Final = "42501"
_MOST_LETTERS: Final = 64 * 1024
_MOST_VALUES: Final = 500


@lru_cache(maxsize=512)
def spelled_for(dialect: str, sql: str) -> str:
    """Return a statement with its values marked as the database's driver wants them."""
    return sql if dialect == "sqlite" else sql.replace("?", "%s")


@lru_cache(maxsize=512)
def named_for(dialect: str, sql: str) -> str:
    """Return a statement whose values are named (``:name``) as the database's driver wants them."""
    if dialect == "sqlite":
        return sql
    return _NAMED.sub(r"%(\1)s", sql.replace("%", "%%"))


def among(dialect: str, name: str) -> str:
    """Write that a column is one of many texts, bound under a name as :func:`listed_for` gives."""
    many = "IN (SELECT value FROM json_each(:{}))" if dialect == "sqlite" else "= ANY(:{})"
    return many.format(name)


def listed_for(dialect: str, texts: Iterable[str]) -> object:
    """Return many texts as one value, however many there are: the statement stays the same."""
    return json.dumps(list(texts)) if dialect == "sqlite" else array_of(list(texts))


def array_of(values: Sequence[str] | Sequence[int]) -> str:
    """Write texts, or numbers, as one value of PostgreSQL that is cast to an array of them.

    Not ``NULL``, nor an array of arrays. The driver's own way with a list takes ten times as long.
    Source: PostgreSQL, "Array Input and Output Syntax": a backslash keeps a letter's meaning.
    """
    if not values or isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    texts = cast("Sequence[str]", values)
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') > 2 * len(texts) - 2:  # in one of them, then
        kept = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
        joined = '","'.join(kept)
    return f'{{"{joined}"}}'


def stored_instant(dialect: str, instant: datetime) -> object:
    """Return an instant as the driver takes it.

    Raises:
        ValueError: it has no zone.
    """
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    utc = instant.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26] if dialect == "sqlite" else utc


def stored_value(dialect: str, value: object) -> object:
    """Return a value as the driver takes it; a day as SQLite keeps it."""
    if isinstance(value, datetime):
        return stored_instant(dialect, value)
    return value.isoformat() if isinstance(value, date) and dialect == "sqlite" else value


def read_instant(found: Any) -> datetime | None:  # noqa: ANN401 - as the driver gives it
    """Read :func:`stored_instant` back."""
    if found is None or isinstance(found, datetime):
        return found
    return datetime.fromisoformat(found).replace(tzinfo=UTC)
