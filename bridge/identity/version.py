"""The number that tells whether anything about who may act has changed.

It grows with every change of a client's standing or status and with every token that ends before
its time, *in the transaction that makes the change* and by triggers of the database: a statement
typed by an operator counts as well. So what a process remembers of a token is good for as long as
the number, read in the transaction that uses it, is the same. Nothing is remembered across it.

PostgreSQL lets a transaction that only reads finish after a change that was acknowledged meanwhile.
A transaction that releases holds a shared advisory lock, a change takes it alone: whichever comes
first, a release committed after an acknowledged change has seen it. SQLite has one writer.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import DDL, Connection, Table, event

from bridge.driver import cursor_of, said_at_once
from bridge.identity.tables import CLIENT, TOKEN, VERSION

_LOCK: Final = 0x5C_B1_D6_E0  # any number, the same in every process of every version
_VERSION: Final = "SELECT version FROM identity_version"
# Two statements: the second must see what was committed while the first waited.
LOCKED_VERSION: Final = (f"SELECT pg_advisory_xact_lock_shared({_LOCK})", _VERSION)
"""On PostgreSQL: what :func:`locked_version_of` says."""
_STANDING: Final = "status, party, organization, agreement, role, purposes, scopes"
_COUNT_UP: Final = "UPDATE identity_version SET version = version + 1 + "
# The steps differ: a number that was seen and then rolled back (with a group of commits, or by a
# backup put in place) is not reached a second time with another meaning.
_STEP: Final = {
    "sqlite": "abs(random() / 9223372036855)",
    "postgresql": "floor(random() * 1000000)",
}


def version_of(connection: Connection) -> int:
    """Return the number as this transaction sees it."""
    with cursor_of(connection) as cursor:
        ((version,),) = cursor.execute(_VERSION).fetchall()
    return int(version)


def locked_version_of(connection: Connection) -> int:
    """Return the number and keep it from changing until this writing transaction ends."""
    if connection.dialect.name == "postgresql":
        return version_in(said_at_once(connection, *LOCKED_VERSION))
    return version_of(connection)


def version_in(found: Sequence[Sequence[Any]]) -> int:
    """Return the number that :data:`LOCKED_VERSION` found."""
    ((version,),) = found[-1]
    return int(version)


def _on_create(table: Table, dialect: str, *statements: str) -> None:
    for statement in statements:
        ddl = DDL(statement)  # type: ignore[no-untyped-call] # SQLAlchemy's, without types
        event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION identity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock({_LOCK});
  {_COUNT_UP}{_STEP["postgresql"]};
  RETURN NULL;
END $$
"""
_CALL: Final = "FOR EACH STATEMENT EXECUTE FUNCTION identity_changed()"
_DO: Final = f"BEGIN {_COUNT_UP}{_STEP['sqlite']}; END"

for _dialect in ("sqlite", "postgresql"):
    _on_create(VERSION, _dialect, "INSERT INTO identity_version (id, version) VALUES (1, 1)")
_on_create(
    CLIENT,
    "postgresql",
    _FUNCTION,
    f"CREATE TRIGGER identity_client_changed AFTER UPDATE OF {_STANDING} OR DELETE"
    f" ON identity_client {_CALL}",
)
_on_create(
    CLIENT,
    "sqlite",
    f"CREATE TRIGGER identity_client_changed AFTER UPDATE OF {_STANDING} ON identity_client {_DO}",
    f"CREATE TRIGGER identity_client_gone AFTER DELETE ON identity_client {_DO}",
)
# Of deleted tokens only live ones count: those long expired are cleaned up all the time.
_on_create(
    TOKEN,
    "postgresql",
    _FUNCTION,
    f"CREATE TRIGGER identity_token_changed AFTER UPDATE ON identity_access_token {_CALL}",
    "CREATE TRIGGER identity_token_gone AFTER DELETE ON identity_access_token FOR EACH ROW"
    " WHEN (OLD.expires_at > now()) EXECUTE FUNCTION identity_changed()",
)
_on_create(
    TOKEN,
    "sqlite",
    f"CREATE TRIGGER identity_token_changed AFTER UPDATE ON identity_access_token {_DO}",
    "CREATE TRIGGER identity_token_gone AFTER DELETE ON identity_access_token"
    f" WHEN OLD.expires_at > datetime('now') {_DO}",
)
