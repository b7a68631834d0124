"""Who may do what in PostgreSQL: the owner of the tables, the server, and who reads reports.

* The **owner** makes and changes tables (``schoolbridge db upgrade``). The server is not it.
* **NAME_app**, NAME being the database's, is for the server. It changes rows, no tables, and the
  rows of the ledger it can only add: whoever takes the server over cannot rewrite what was
  disclosed. An erasure by law is the owner's.
* **NAME_report** reads the views of the schema ``report`` and nothing else. They hold no row about
  a person: parties, agreements, and counts of whole months, rounded down.

Roles belong to a whole PostgreSQL server; named after the database, those of two districts on one
server stay apart. Both are groups without a login (postgresql.org/docs, role-membership).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bridge.driver import lacks_privilege
from bridge.errors import SchemaError
from bridge.ledger.tables import BLOCK, ENTRY, HEAD, NODE
from bridge.migrations.catalogue import metadata
from bridge.migrations.state import VERSION_TABLE
from bridge.store.people.close_outs import CLOSE_OUT
from bridge.store.people.follow_owners import FOLLOW_OWNER
from bridge.store.people.notes import NOTE
from bridge.store.people.page_looks import LOOK

LONGEST_NAME: Final = 63
# A count is rounded down to a multiple of this: fewer than that many are not shown at all.
GRAIN: Final = 20
_ROWS: Final = "SELECT, INSERT, UPDATE, DELETE"
# INVARIANT: what was disclosed or noted, who looked, who closed: can be added to, never changed.
APP_MAY: Final = {
    ENTRY.name: "SELECT, INSERT",
    NODE.name: "SELECT, INSERT",
    BLOCK.name: "SELECT, INSERT",
    HEAD.name: "SELECT, INSERT, UPDATE",
    LOOK.name: "SELECT, INSERT",
    CLOSE_OUT.name: "SELECT, INSERT",
    NOTE.name: "SELECT, INSERT",
    FOLLOW_OWNER.name: "SELECT, INSERT",
    VERSION_TABLE: "SELECT",
}
VIEWS: Final = {
    "organization": "SELECT key, role, name FROM public.organization",
    "agreement": "SELECT id, jurisdiction, lea, provider, hub, activated_at FROM public.agreement",
    "ledger": "SELECT log, halted FROM public.ledger_head",
    "revision": f"SELECT version_num FROM public.{VERSION_TABLE}",  # noqa: S608 - a name of ours
    # Months that are over: who looks twice learns nothing of what happened in between.
    "month": f"""
        SELECT log, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, kind,
               count(*) / {GRAIN} * {GRAIN} AS entries_at_least
        FROM public.ledger_entry
        WHERE recorded_at AT TIME ZONE 'UTC' < date_trunc('month', now() AT TIME ZONE 'UTC')
        GROUP BY 1, 2, 3
        HAVING count(*) >= {GRAIN}""",  # noqa: S608 - a number of ours
}


def roles_of(database: str) -> tuple[str, str]:
    """Return the names of a database's two roles, the server's and the report's.

    Raises:
        SchemaError: the database's name leaves no room for them.
    """
    names = (f"{database}_app", f"{database}_report")
    if max(len(name.encode()) for name in names) > LONGEST_NAME:
        raise SchemaError("the database's name is too long for roles named after it")
    return names


def making(connection: Connection) -> list[str]:
    """Return the statements that make those of the two roles that are not there."""
    known = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    missing = [name for name in roles_of(_database(connection)) if name not in known]
    return [f"CREATE ROLE {_quoted(connection, name)} NOLOGIN" for name in missing]


def granting(connection: Connection) -> list[str]:
    """Return the statements, for the owner, that give the roles what they may do, and no more."""
    database = _quoted(connection, _database(connection))
    app, report = (_quoted(connection, name) for name in roles_of(_database(connection)))
    tables = [*(table.name for table in metadata.sorted_tables), VERSION_TABLE]
    return [
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {app}, {report}",
        f"GRANT CONNECT ON DATABASE {database} TO {app}, {report}",
        f"REVOKE ALL ON SCHEMA public FROM PUBLIC, {app}, {report}",
        f"GRANT USAGE ON SCHEMA public TO {app}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {app}, {report}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app}",
        *(f"GRANT {APP_MAY.get(name, _ROWS)} ON public.{name} TO {app}" for name in tables),
        *dropping(),
        "CREATE SCHEMA report",
        *(
            f"CREATE VIEW report.{name} WITH (security_barrier) AS {query}"
            for name, query in VIEWS.items()
        ),
        f"GRANT USAGE ON SCHEMA report TO {report}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA report TO {report}",
    ]


def dropping() -> list[str]:
    """Return what takes the views away, which would stand in the way of a table's change."""
    return ["DROP SCHEMA IF EXISTS report CASCADE"]


def are_made(connection: Connection) -> bool:
    """Tell whether the database has its roles; SQLite has none."""
    return connection.dialect.name == "postgresql" and not making(connection)


def run(connection: Connection, statements: list[str]) -> None:
    """Run statements, within the caller's transaction."""
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def for_the_owner() -> Iterator[None]:
    """Say it plainly where the database refuses what its owner alone may do.

    Raises:
        SchemaError: the login of the settings is not the owner, or may not make roles.
    """
    try:
        yield
    except ProgrammingError as error:
        if lacks_privilege(error):
            raise SchemaError(
                "this login of PostgreSQL may not do that: set SCHOOLBRIDGE_DATABASE_URL to the "
                "owner's, or give the database's administrator: schoolbridge db roles --sql"
            ) from None
        raise


def _database(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_database()")))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
