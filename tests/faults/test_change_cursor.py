"""Two processes write, one polls by the number of the last change it saw: it loses nothing.

A short slice stands in every test run; ``make faults`` makes 100,000 changes on each database.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text

from bridge.migrations.state import require_current
from bridge.store.database.engine import open_engine, read
from bridge.store.facts.conditions import RECORD
from tests.faults import change_writer
from tests.faults.seeds import seed

pytestmark = pytest.mark.turns(2)

CHANGES = [
    pytest.param(2_000),
    pytest.param(100_000, marks=[pytest.mark.faults, pytest.mark.slow]),
]
PAGE = 50
URLS = ["sqlite_url", "postgres_url"]


@dataclass
class Poller:
    """Asks for what has changed since the last change it saw, a page at a time."""

    engine: Engine
    cursor: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    pages: int = 0
    out_of_order: int = 0

    def poll(self) -> int:
        with read(self.engine) as connection:
            rows = connection.execute(
                select(RECORD.c.id, RECORD.c.version, RECORD.c.change)
                .where(RECORD.c.type == "Task", RECORD.c.change > self.cursor)
                .order_by(RECORD.c.change)
                .limit(PAGE)
            ).all()
        for row in rows:
            self.out_of_order += row.change <= self.cursor
            self.cursor = row.change
            self.seen[row.id] = row.version
        self.pages += 1
        return len(rows)


def start(url: str, number: int, changes: int, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, change_writer.__file__, url, str(number), str(changes), *more]
    return subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )


def run(url: str, changes: int, *more: str) -> dict[str, int]:
    """Let two writers and a poller run; returns what came of it."""
    engine = open_engine(url)
    require_current(engine)
    first, began = seed(), time.monotonic()
    writers = [start(url, first + n, changes // 2, *more) for n in range(2)]
    poller = Poller(engine)
    while any(writer.poll() is None for writer in writers):
        poller.poll() or time.sleep(0.001)
    while poller.poll():
        pass
    made = sum(int(writer.communicate()[0]) for writer in writers)
    with read(engine) as connection:
        figures = compared(connection, poller)
    engine.dispose()
    figures |= {"changes": made, "seconds": round(time.monotonic() - began), "seed": first}
    sys.stdout.write(f"\n{json.dumps(figures)}\n")
    return figures


def compared(connection: Connection, poller: Poller) -> dict[str, int]:
    query = select(RECORD.c.id, RECORD.c.version, RECORD.c.change, RECORD.c.last_updated)
    rows = connection.execute(query.order_by(RECORD.c.change)).all()
    times = [row.last_updated for row in rows]
    return {
        "records": len(rows),
        "lost": sum(poller.seen.get(row.id) != row.version for row in rows),
        "out_of_order": poller.out_of_order,
        "times_out_of_order": sum(b < a for a, b in pairwise(times)),
        "pages": poller.pages,
        "last_number": int(
            connection.execute(text("SELECT last FROM change_counter")).scalar_one()
        ),
    }


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("url_of", URLS)
def test_a_poller_loses_no_change_of_two_processes_that_write(
    request: pytest.FixtureRequest, url_of: str, changes: int
) -> None:
    found = run(request.getfixturevalue(url_of), changes)
    assert found["lost"] == found["out_of_order"] == found["times_out_of_order"] == 0
    assert found["changes"] >= changes
    # No number was left out, though many transactions were rolled back.
    assert found["last_number"] == found["changes"]
    assert found["pages"] > changes // PAGE  # it did not come when all was over


@pytest.mark.parametrize("url_of", URLS)
def test_the_poller_finds_writers_whose_numbers_are_visible_before_their_records(
    request: pytest.FixtureRequest, url_of: str
) -> None:
    assert run(request.getfixturevalue(url_of), 400, "careless")["lost"] > 0
