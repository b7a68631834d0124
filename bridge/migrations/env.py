"""What Alembic runs: revisions on the connection it is given, inside that one's transaction."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from bridge.migrations.catalogue import metadata


def run(connection: Connection) -> None:
    """Run the revisions asked for. The caller began the transaction and commits it."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite cannot alter most of a table: a copy takes its place.
        render_as_batch=True,
        # SQLite's DDL is transactional where the driver does not commit by itself (ours does not).
        transactional_ddl=True,
        compare_type=True,
        render_item=spelled,
    )
    context.run_migrations()


def spelled(kind: str, item: Any, _context: object) -> str | Literal[False]:  # noqa: ANN401 - as Alembic hands it over
    """Spell SQLModel's own types as what they are in the database."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


run(context.config.attributes["connection"])
