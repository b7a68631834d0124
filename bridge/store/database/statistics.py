"""Forgetting what somebody's ANALYZE left in a SQLite file.

Every statement is written for the plan that SQLite makes without statistics, and tested so. By
statistics of a table that was small once it goes through all of it later; and a library built to
take samples of values compiles each statement again at each run, for three times what a run costs.
"""

from typing import Any, Final

_TAKEN: Final = "SELECT 1 FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')"
_FORGETTING: Final = (
    "BEGIN IMMEDIATE",
    "DROP TABLE IF EXISTS sqlite_stat1",
    "DROP TABLE IF EXISTS sqlite_stat4",
    "COMMIT",
    # This connection has read them already; others read the schema anew because it has changed.
    "PRAGMA writable_schema=RESET",
)


def forget_statistics(dbapi_connection: Any) -> None:  # noqa: ANN401 - a driver's object
    """Drop the statistics there are, on a connection that has just been opened."""
    if dbapi_connection.execute(_TAKEN).fetchone() is not None:
        for statement in _FORGETTING:
            dbapi_connection.execute(statement).close()
