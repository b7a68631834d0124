"""Threads that each keep one small row at a time, durably: sharing commits, or one commit each."""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine

from benchmarks.frame import Arms, Better, Row, Sample, UnequalOutputError, per_second
from bridge.store.database.engine import open_engine, read, write
from bridge.store.database.group_commit import commit_together

UNITS = 3200
# As long as a small ledger entry.
BODY = "x" * 400

Keep = Callable[[Engine, int], None]


def row(threads: int, goal: float) -> Row:
    """Return the row of so many threads."""
    return Row(
        name=f"store.group_commit_{threads}_vs_one_each",
        unit="durable commits per second",
        better=Better.HIGHER,
        goal=goal,
        meaning=(
            f"how many times more 400-byte rows {threads} thread{'s' * (threads > 1)} keep in a "
            "second, each told only when its row is on disk (SQLite, synchronous=FULL), when they "
            "share commits than with one commit each; time on the wall, for the disk is the point"
        ),
        value=per_second,
        open=partial(_open, threads),
    )


def _open(threads: int) -> Arms:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        ours, reference = (_engine(opened, folder / name) for name in ("ours", "reference"))
        _keep_all(ours, _together, threads)
        _keep_all(reference, _one_each, threads)
        if _count(ours) != _count(reference):
            raise UnequalOutputError("not the same rows were kept")
        return Arms(
            lambda: _keep_all(ours, _together, threads),
            lambda: _keep_all(reference, _one_each, threads),
            opened.pop_all().close,
        )


def _engine(opened: ExitStack, file: Path) -> Engine:
    engine = open_engine(f"sqlite:///{file}")
    opened.callback(engine.dispose)
    with write(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (n INTEGER, body TEXT)")
    return engine


def _insert(connection: Connection, n: int) -> None:
    connection.exec_driver_sql("INSERT INTO kept VALUES (?, ?)", (n, BODY))


def _together(engine: Engine, n: int) -> None:
    commit_together(engine, lambda connection: _insert(connection, n))


def _one_each(engine: Engine, n: int) -> None:
    with write(engine) as connection:
        _insert(connection, n)


def _count(engine: Engine) -> list[tuple[int, int]]:
    with read(engine) as connection:
        rows = connection.exec_driver_sql("SELECT n, count(*) FROM kept GROUP BY n ORDER BY n")
        return [(int(n), int(count)) for n, count in rows]


def _keep_all(engine: Engine, keep: Keep, threads: int) -> Sample:
    def work(mine: range) -> None:
        for n in mine:
            keep(engine, n)

    shares = [range(first, UNITS, threads) for first in range(threads)]
    workers = [threading.Thread(target=work, args=(share,)) for share in shares]
    cpu, began = time.process_time(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Sample(UNITS, time.process_time() - cpu, time.perf_counter() - began)
