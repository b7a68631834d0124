"""Records that said something else before: corrected or taken back, the old kept as a version."""

from collections.abc import Collection
from datetime import datetime

import orjson
from sqlalchemy import Connection, and_, select

from bridge.store.facts.conditions import RECORD
from bridge.store.intake import NewRecord, content_digest, rewrite


def still_standing(connection: Connection, kind: str, ids: Collection[str]) -> frozenset[str]:
    """Return which of some ids of a type are kept and were not retracted."""
    query = select(RECORD.c.id).where(
        RECORD.c.type == kind, RECORD.c.id.in_(sorted(ids)), RECORD.c.content_digest != ""
    )
    return frozenset(connection.scalars(query))


def correct(connection: Connection, record: NewRecord, status: str, at: datetime) -> int:
    """Do :func:`replace` and say so in the resource's status, which is no part of its digest."""
    resource = {**record.resource, "status": status}
    columns = {"content_digest": content_digest(record.resource), "element": record.element}
    return rewrite(connection, (record.type, record.id), (resource, columns), at)


def retract(
    connection: Connection, key: tuple[str, str], values: Collection[str], at: datetime
) -> int:
    """Say of a record that it was entered in error, and take away what it said.

    Without a digest it equals nothing: if the same content comes again, that is a change.
    """
    where = and_(RECORD.c.type == key[0], RECORD.c.id == key[1])
    body = connection.execute(select(RECORD.c.body).where(where).with_for_update()).scalar_one()
    resource = {name: v for name, v in orjson.loads(body).items() if name not in values}
    resource["status"] = "entered-in-error"
    return rewrite(connection, key, (resource, {"content_digest": ""}), at)
