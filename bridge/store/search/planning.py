"""How PostgreSQL plans a search: by its values. SQLite plans a statement as it compiles it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from bridge.driver import cursor_of
from bridge.store.search.query import Query

_PLANNED: Final = "schoolbridge_planned"


@contextmanager
def planned_by_values(connection: Connection, query: Query | None = None) -> Iterator[None]:
    """Let PostgreSQL plan searches by their values, and all else in the transaction as ever.

    A plan for any values takes a status that most records have for one that few have, and sorts
    them all: seconds, where planning for the values takes a millisecond. Other statements look up
    what has a key: planned at each run they would take three times as long.

    Around several searches it is said once; where it has been said already this says nothing.

    Args:
        connection: in a transaction, which is over where something fails.
        query: the search, if it is one alone: one by ids is planned as ever.
    """
    if connection.dialect.name != "postgresql" or not _by_values(query):
        yield
        return
    info = connection.info
    if info.get(_PLANNED):
        yield
        return
    info[_PLANNED] = True
    try:
        _plan(connection, "force_custom_plan")
        yield
        _plan(connection, "DEFAULT")
    finally:
        info[_PLANNED] = False


def _by_values(query: Query | None) -> bool:
    return query is None or bool(query.matches and not query.ids)


def _plan(connection: Connection, how: str) -> None:
    with cursor_of(connection) as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode TO {how}")
