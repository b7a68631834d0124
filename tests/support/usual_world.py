"""The world as it is usually made: once in a process, then copied, a file or a database.

One whose template reads otherwise is made once in a process for each edit, and copied as a file.

Nothing in it depends on where the database is, and its time stands still (``worlds.make_world``).
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite3
from sqlalchemy import URL

from tests.support.scratch import in_memory

Edit = tuple[tuple[str, str], ...]
Make = Callable[[str, Path, Edit], object]

HOLDS_IT: set[str] = set()
"""The URLs of the PostgreSQL databases that were copied from it; none is used twice."""


def copied(url: URL, make: Make, edit: Edit) -> bool:
    """Copy it to a SQLite file that is not there yet; tell whether that was done.

    ``make`` makes one at a URL, in a folder, with a template that reads so instead.
    """
    if url.drivername != "sqlite" or Path(str(url.database)).exists():
        return False
    shutil.copy(_made(make, edit), str(url.database))
    return True


@cache
def _made(make: Make, edit: Edit) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="schoolbridge-usual-", dir=in_memory())
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "bridge.db"
    make(f"sqlite:///{path}", path.parent, edit)
    with closing(sqlite3.connect(path)) as connection:  # from the log beside it into the file
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return path
