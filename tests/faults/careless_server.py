"""A server that acknowledges before anything is on disk: the fault the kill test must find.

It works on a copy of the database and carries the copy over now and then, as a system does that
leaves writing to the operating system. Usage: ``python careless_server.py HOME``.
"""

import importlib
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import uvicorn

from bridge.app import create_app, open_bridge
from bridge.logs import configure_logs
from bridge.settings import read_settings

SQLITE = importlib.import_module("pysqlite3.dbapi2")
EVERY = 0.3


def copied(source: Path, target: Path) -> None:
    """Copy a database that may be in use, so that the target is whole at any moment."""
    partial = target.with_suffix(".part")
    partial.unlink(missing_ok=True)
    reading, writing = SQLITE.connect(str(source)), SQLITE.connect(str(partial))
    reading.backup(writing)
    reading.close()
    writing.close()
    for beside in ("-wal", "-shm"):
        Path(f"{target}{beside}").unlink(missing_ok=True)
    partial.replace(target)


def main(home: Path) -> None:
    """Serve from the copy."""
    configure_logs()
    settings = read_settings(home)
    kept, working = home / "bridge.sqlite3", home / "working.sqlite3"
    copied(kept, working)
    bridge = open_bridge(replace(settings, database_url=f"sqlite:///{working}"))

    def carry_over() -> None:
        while True:
            time.sleep(EVERY)
            copied(working, kept)

    threading.Thread(target=carry_over, daemon=True).start()
    uvicorn.run(create_app(bridge), host=settings.host, port=settings.port, log_config=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
