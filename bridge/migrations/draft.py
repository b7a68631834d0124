"""``python -m bridge.migrations.draft NAME``: write the next revision from a change of the tables.

For those who change the bridge: what was changed in the table classes becomes a file in
``versions``, to be read and completed by hand (a draft does not know that a column was renamed, nor
what an old row should say in a new column).
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from sqlalchemy import Engine

from bridge.migrations.state import revisions
from bridge.migrations.upgrade import config_of, upgrade
from bridge.store.database.engine import open_engine, write


def draft(name: str) -> Path:
    """Write the next revision; returns its file. Without a change it is an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/draft.sqlite3")
        try:
            return _written(engine, name)
        finally:
            engine.dispose()


def _written(engine: Engine, name: str) -> Path:
    upgrade(engine)
    number = f"r{int(revisions()[-1][1:]) + 1:04d}"
    with write(engine) as connection:
        config = config_of(connection)
        made = command.revision(config, name, autogenerate=True, rev_id=number)
    scripts = [made] if not isinstance(made, Sequence) else [one for one in made if one]
    return Path(str(scripts[0].path if scripts[0] else ""))


if __name__ == "__main__":
    sys.stdout.write(f"wrote {draft(sys.argv[1]).name}; read it, then run the tests\n")
