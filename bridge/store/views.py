"""Where a record stands for one standing that did not see its last change."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select
from sqlmodel import SQLModel

_VIEWS = SQLModel.metadata.tables["view_change"]


def view_of(
    connection: Connection, standing: str, key: tuple[str, str]
) -> tuple[int, datetime] | None:
    """Return the number and time of the last change a standing saw, None for the record's own."""
    query = select(_VIEWS.c.change, _VIEWS.c.since).where(_of(standing, key))
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.change, row.since)


def keep_view(
    connection: Connection, standing: str, key: tuple[str, str], place: tuple[int, datetime]
) -> None:
    """Keep a record where it stood for a standing."""
    drop_view(connection, standing, key)
    (kind, record_id), (change, since) = key, place
    row = {"standing": standing, "type": kind, "id": record_id, "change": change, "since": since}
    connection.execute(insert(_VIEWS), row)


def drop_view(connection: Connection, standing: str, key: tuple[str, str]) -> None:
    """Let a record stand where it stands, for a standing that saw its last change."""
    connection.execute(delete(_VIEWS).where(_of(standing, key)))


def _of(standing: str, key: tuple[str, str]) -> ColumnElement[bool]:
    kind, record_id = key
    return and_(_VIEWS.c.standing == standing, _VIEWS.c.type == kind, _VIEWS.c.id == record_id)
