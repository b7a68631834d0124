"""Copies of the whole database: made while it is in use, and put in an empty place.

SQLite copies itself (sqlite.org/backup), PostgreSQL through its own ``pg_dump``, which has to be
installed and no older than the server. A copy shows one state of the database. It holds records of
children and no key to them: keep it as safe as the database.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, inspect, make_url

from bridge.errors import CopyError
from bridge.files import written_whole
from bridge.store.database.engine import read


def absent(url: str) -> str:
    """Return the name of the file that a SQLite database should be in, where it is not there.

    Opening the database would make an empty one in its place, which ``db restore`` then finds.
    """
    parsed = make_url(url)
    file = Path(str(parsed.database))
    return file.name if parsed.get_backend_name() == "sqlite" and not file.exists() else ""


def back_up(engine: Engine, file: Path) -> None:
    """Write a copy of the database as it stands at one moment; ``file`` is whole or not there.

    Raises:
        CopyError: the file is there already, or the copy failed.
    """
    try:
        with written_whole(file, replace=False) as made:
            if engine.dialect.name == "sqlite":
                _copy_sqlite(engine, made)
            else:
                _run("pg_dump", engine, "--file", str(made), "--format=custom")
    except FileExistsError:
        raise CopyError(f"{file.name} is there already; nothing was written") from None


def put_in_place(engine: Engine, file: Path) -> None:
    """Put a copy where the database belongs, which must be empty.

    Raises:
        CopyError: there is a database already, or the file is no sound copy; nothing was changed.
    """
    if not file.is_file():
        raise CopyError(f"{file.name} is not there")
    if engine.dialect.name == "sqlite":
        _place_sqlite(engine, file)
        return
    with read(engine) as connection:
        if inspect(connection).get_table_names():
            raise CopyError("the database is not empty: make a new one and name it in the settings")
    options = ("--single-transaction", "--exit-on-error")
    _run("pg_restore", engine, *options, str(file), quiet=True)


def _copy_sqlite(engine: Engine, made: Path) -> None:
    library: Any = engine.dialect.loaded_dbapi
    with closing(library.connect(str(made))) as copy:
        with read(engine) as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.backup(copy)
        # One file, which needs nothing beside it.
        copy.execute("PRAGMA journal_mode=DELETE").close()
        _check(copy, "the copy")


def _place_sqlite(engine: Engine, file: Path) -> None:
    library: Any = engine.dialect.loaded_dbapi
    place = Path(str(engine.url.database))
    beside = [place.with_name(place.name + more) for more in ("-wal", "-shm", "-journal")]
    if any(path.exists() for path in (place, *beside)):
        raise CopyError(f"{place.name} is there already: move it away, with what lies beside it")
    try:
        with written_whole(place, replace=False) as made:
            shutil.copyfile(file, made)
            with closing(library.connect(str(made))) as copy:
                _check(copy, file.name)
    except FileExistsError:
        raise CopyError(f"{place.name} is there already; nothing was changed") from None
    except library.DatabaseError:
        raise CopyError(f"{file.name} is no copy of a database") from None


def _check(copy: Any, name: str) -> None:  # noqa: ANN401 - a driver's object
    said = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    tables = copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'record'").fetchone()
    if said != ["ok"] or tables != (1,):
        raise CopyError(f"{name} is damaged or is none of a bridge")


def _run(program: str, engine: Engine, *arguments: str, quiet: bool = False) -> None:
    """Run a program of PostgreSQL's against the database.

    Raises:
        CopyError: it is not installed or failed. What ``pg_restore`` says may quote a record and is
            not told.
    """
    found = shutil.which(program)
    if found is None:
        raise CopyError(f"{program} is not installed: it comes with PostgreSQL's client programs")
    with _connection_string(engine) as place:
        common = ("--no-owner", "--no-privileges", "--dbname", place)
        command = [found, *common, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's own
    if done.returncode != 0:
        said = "" if quiet else f": {done.stderr.strip().partition(chr(10))[0]}"
        raise CopyError(f"{program} ended with {done.returncode}{said}")


@contextmanager
def _connection_string(engine: Engine) -> Iterator[str]:
    """Yield where the database is, the password in a file: all users see a command's arguments."""
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = str(parameters.pop("password", ""))
    parameters.pop("context", None)  # the driver's own
    with tempfile.NamedTemporaryFile("w", prefix="schoolbridge-", encoding="utf-8") as file:
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield make_conninfo(**parameters, passfile=file.name)
