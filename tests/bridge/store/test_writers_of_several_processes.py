"""Who writes to a SQLite file locks out the writers of every process; all take turns."""

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

from bridge.store.database.engine import open_engine, read, write
from bridge.store.database.group_commit import commit_together

WRITER = """
import sys, time
from bridge.store.database.engine import open_engine, write
engine, worst = open_engine(sys.argv[1]), 0.0
for n in range(150):
    began = time.monotonic()
    with write(engine) as connection:
        connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    worst = max(worst, time.monotonic() - began)
print(worst)
"""


def test_a_writer_waits_for_the_writer_of_another_process_and_a_reader_does_not(
    sqlite_url: str,
) -> None:
    engine = open_engine(sqlite_url)
    with write(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (n INTEGER)")
    done: list[str] = []

    def work() -> None:
        commit_together(engine, lambda c: c.exec_driver_sql("INSERT INTO kept VALUES (1)"))
        done.append("written")

    with Path(f"{engine.url.database}-writers").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=work)
        thread.start()
        with read(engine) as connection:
            connection.exec_driver_sql("SELECT * FROM kept").all()
        time.sleep(0.2)
        assert done == []
        fcntl.flock(other, fcntl.LOCK_UN)
        thread.join(timeout=20)
    assert done == ["written"]
    engine.dispose()


def test_processes_that_write_take_turns(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with write(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (n INTEGER)")
    command = [sys.executable, "-c", WRITER, sqlite_url]
    writers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        for _ in range(3)
    ]
    worst = [float(writer.communicate()[0]) for writer in writers]
    with read(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar_one() == 450
    # By SQLite's own handler one was seen to wait two seconds on a machine with nothing else to do.
    assert max(worst) < 5
    engine.dispose()
