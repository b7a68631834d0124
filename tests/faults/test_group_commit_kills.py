"""No unit of a group is lost once its thread was told, whatever is killed.

``make faults`` makes the long run (``SCHOOLBRIDGE_KILLS``); the figures are printed (``-s``).
"""

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bridge.store.database import group_commit
from bridge.store.database.engine import open_engine, read, write
from bridge.store.database.group_commit import NotAcknowledged, commit_together
from tests.faults import unit_writer
from tests.faults.killing import kill_database, opener
from tests.faults.seeds import LONG, seed

pytestmark = pytest.mark.turns(2)

KILLS = [pytest.param(6), pytest.param(4 * LONG, marks=pytest.mark.faults)]
DATABASE_KILLS = [pytest.param(3), pytest.param(LONG, marks=pytest.mark.faults)]
THREADS = 8


@dataclass
class Told:
    """What the writer was told is kept, over all its lives."""

    url: str
    dice: random.Random
    careless: bool = False
    numbers: set[int] = field(default_factory=set)
    kills: int = 0

    def lost(self) -> set[int]:
        """Return what is not there, once the database answers: it may still be ending sessions."""
        for _ in range(600):
            try:
                return self.numbers - self.kept()
            except OperationalError:
                time.sleep(0.1)
        return self.numbers - self.kept()

    def kept(self) -> set[int]:
        engine = open_engine(self.url)
        try:
            with read(engine) as connection:
                return set(connection.scalars(text("SELECT n FROM kept")))
        finally:
            engine.dispose()


def begin(url: str, *, careless: bool = False) -> Told:
    engine = open_engine(url)
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY)"))
    engine.dispose()
    return Told(url, random.Random(seed()), careless)  # noqa: S311 - repeatable


def live_and_die(told: Told, *, database: bool = False) -> None:
    """Let a writer live for a random moment, then kill it, or the database under it."""
    first = str(1 + told.kills * 1_000_000)
    program = [sys.executable, unit_writer.__file__, told.url, first, str(THREADS)]
    command = [*program, *(["careless"] if told.careless else [])]
    root = str(Path(__file__).parents[2])
    writer = subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root
    )
    assert writer.stdout is not None
    told.numbers.add(int(writer.stdout.readline()))  # it is at work
    time.sleep(told.dice.uniform(0, 0.3))
    if database:
        assert kill_database(opener(told.url))
    writer.send_signal(signal.SIGKILL)
    said, _ = writer.communicate()
    told.numbers |= {int(line) for line in said.split(b"\n")[:-1]}
    told.kills += 1
    told.lost()  # waits for a database that is on its way down


def figures(told: Told) -> dict[str, object]:
    found = {"kills": told.kills, "told": len(told.numbers), "lost": len(told.lost())}
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    return found


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_writer_loses_no_unit_it_was_told_of_on_sqlite(
    sqlite_url: str, kills: int
) -> None:
    told = begin(sqlite_url)
    for _ in range(kills):
        live_and_die(told)
    assert figures(told)["lost"] == 0
    assert len(told.numbers) > 20 * kills


@pytest.mark.parametrize("kills", DATABASE_KILLS)
def test_a_killed_database_loses_no_unit_the_writer_was_told_of_on_postgresql(
    own_postgres_url: str, kills: int
) -> None:
    told = begin(own_postgres_url)
    for _ in range(kills):
        live_and_die(told, database=True)
    assert figures(told)["lost"] == 0
    assert len(told.numbers) > 20 * kills


def test_the_kills_find_a_unit_that_is_told_before_its_commit(sqlite_url: str) -> None:
    told = begin(sqlite_url, careless=True)
    while not told.lost() and told.kills < 30:
        live_and_die(told)
    assert told.lost()


def test_the_kills_find_a_unit_that_is_told_before_its_flush(own_postgres_url: str) -> None:
    # The server's own writer would flush every 0.2 s and hide most of them.
    engine = open_engine(own_postgres_url)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ALTER SYSTEM SET wal_writer_delay = '10s'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    told = begin(own_postgres_url, careless=True)
    while not told.lost() and told.kills < 10:
        live_and_die(told, database=True)
    assert told.lost()


def test_a_flush_after_a_crash_does_not_speak_for_a_unit_from_before(
    own_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = begin(own_postgres_url)
    engine, flush = open_engine(own_postgres_url), group_commit._Flushes._flush

    def keep(n: int) -> None:
        insert = text("INSERT INTO kept VALUES (:n)")
        commit_together(engine, lambda connection: connection.execute(insert, {"n": n}))

    def after_a_crash(*own: Any) -> None:  # noqa: ANN401 - what is patched
        assert kill_database(opener(told.url))
        flush(*own)

    keep(1)
    with monkeypatch.context() as patched:
        patched.setattr(group_commit._Flushes, "_flush", after_a_crash)
        with pytest.raises(NotAcknowledged):
            keep(2)
    keep(3)
    assert {1, 3} <= told.kept()
    engine.dispose()
