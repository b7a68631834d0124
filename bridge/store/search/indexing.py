"""Writing what records are found by: the typed index of searches."""

from collections.abc import Iterable, Mapping
from typing import Final

import orjson
from sqlalchemy import Connection, delete, select
from sqlmodel import SQLModel

from bridge.driver import cursor_of
from bridge.new_rows import NewRows
from bridge.store.facts.conditions import RECORD
from bridge.store.search.index import STORED_AS
from bridge.store.search.index_values import found_by, normalised, starts

VALUES: Final = SQLModel.metadata.tables["search_value"]
DATES: Final = SQLModel.metadata.tables["search_date"]


_NEW_VALUES: Final = NewRows(
    VALUES, "change", "type", "id", "param", "system", "value", "agreement_id", "starts"
)
_NEW_DATES: Final = NewRows(DATES, "change", "type", "id", "param", "low", "high", "agreement_id")


def index_records(
    connection: Connection, records: Iterable[tuple[Mapping[str, object], str, int]]
) -> None:
    """Write what records are found by: each with its resource, agreement and change."""
    values: list[tuple[object, ...]] = []
    dates: list[tuple[object, ...]] = []
    for resource, agreement_id, change in records:
        kind = str(resource["resourceType"])
        of, record_id = (change, kind), resource["id"]
        said, spans = found_by(resource, elsewhere=False)
        values += [
            (change, kind, record_id, param, system, value, agreement_id, _begins(param, value))
            for param, system, value in said
        ]
        dates += [(*of, record_id, *span, agreement_id) for span in spans]
    dialect = connection.dialect.name
    with cursor_of(connection) as cursor:
        _NEW_VALUES.write(cursor, dialect, values)
        _NEW_DATES.write(cursor, dialect, dates)


def _begins(param: str, value: str) -> int | None:
    return 1 if starts(param, value) else None


def says_the_same(
    connection: Connection, key: tuple[str, str], said: Mapping[str, str]
) -> bool | None:
    """Tell whether a record's texts under some search parameters are these, letter case aside.

    What the record says is not returned. None: it is not there, or says nothing under them.
    """
    row = VALUES.c
    stored = STORED_AS.get(key[0], {})
    names = {stored.get(name, name): name for name in said}
    its = select(RECORD.c.change).where(RECORD.c.type == key[0], RECORD.c.id == key[1])
    mine = (row.change == its.scalar_subquery()) & (row.type == key[0]) & (row.id == key[1])
    mine &= row.param.in_(list(names))
    found: dict[str, set[str]] = {}
    for param, value in connection.execute(select(row.param, row.value).where(mine)):
        found.setdefault(names[param], set()).add(value)
    if not found:
        return None
    return all(found.get(name) == {normalised(text)} for name, text in said.items())


def forget(connection: Connection, key: tuple[str, str], change: int) -> None:
    """Take away what a record is found by, which was written with the number of a change."""
    for table in (VALUES, DATES):
        row = table.c
        own = (row.change == change, row.type == key[0], row.id == key[1])
        connection.execute(delete(table).where(*own))


def reindex(connection: Connection) -> None:
    """Work out anew what every record is found by, where the index is of another version."""
    for table in (VALUES, DATES):
        connection.execute(delete(table))
    names = ("body", "agreement_id", "change")
    query = select(*(RECORD.c[name] for name in names)).order_by(RECORD.c.type, RECORD.c.id)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for some in rows.partitions():
            index_records(connection, [(orjson.loads(row.body), *row[1:]) for row in some])
