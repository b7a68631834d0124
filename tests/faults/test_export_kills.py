"""The server is killed at every stage of an export; the export completes with the same rows."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bridge.ledger.entry import Kind
from bridge.ledger.tables import ENTRY, ROW
from bridge.store.database.engine import read
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.export_reader import Exporter
from tests.faults.hub_exports import HUB_CLIENT, ROWS, make_hub_deployment
from tests.faults.seeds import LONG, seed

pytestmark = pytest.mark.turns(4)

SHORT = (3, 2)  # as a provider exports, and as a hub does
REFERRALS = 120
STAGES = ("kick-off", "manifest", "file")
# About as long as each takes here: a kill falls before, into and after it.
LONGEST = {"kick-off": 0.05, "manifest": 0.08, "file": 0.4}


@dataclass
class Run:
    """What a run came to."""

    kills: int = 0
    exports: int = 0
    different: int = 0
    retries: int = 0
    lost: int = 0
    unrecorded: int = 0
    seconds: float = 0.0


def killed(made: Deployment, partner: Exporter, kills: int, dice: random.Random) -> Run:
    """Kill the server at stages of chance while a partner exports without pause."""
    run, began, over = Run(), time.monotonic(), threading.Event()
    server = made.start()
    made.wait(server)
    expected = partner.exported()
    run.exports += 1

    def work() -> None:
        while not over.is_set():
            run.different += partner.exported() != expected
            run.exports += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while run.kills < kills and not run.different:
            _let_it_come_to(partner, dice)
            kill(server)
            run.kills += 1
            server = made.start()
            made.wait(server)
        over.set()
        thread.join(timeout=120)
        assert not thread.is_alive(), "the export did not complete"
    finally:
        over.set()
        kill(server)
        partner.close()
    run.retries, run.lost = partner.retries, partner.lost
    run.unrecorded = max(0, partner.rows_received - _entries(made))
    run.seconds = time.monotonic() - began
    return run


def _let_it_come_to(partner: Exporter, dice: random.Random) -> None:
    stage, until = dice.choice(STAGES), time.monotonic() + 10
    while partner.stage != stage and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(dice.uniform(0, LONGEST[stage]))


def _entries(made: Deployment) -> int:
    bridge = made.open()
    alone = select(func.count()).where(ENTRY.c.kind == Kind.RELEASE.value)
    with read(bridge.engine) as connection:
        found = connection.execute(alone).scalar_one()
        found += connection.execute(select(func.count()).select_from(ROW)).scalar_one()
    bridge.engine.dispose()
    return int(found)


def _provider(home: Path, url: str) -> tuple[Deployment, Exporter]:
    made = make_deployment(home, url, referrals=REFERRALS)
    return made, Exporter(made.base_url)


def _hub(home: Path, url: str) -> tuple[Deployment, Exporter]:
    made = make_hub_deployment(home, url, REFERRALS)
    return made, Exporter(made.base_url, HUB_CLIENT, ROWS)


MADE = (_provider, _hub)
KILLS = [
    *(pytest.param(a, n, marks=pytest.mark.slow) for a, n in zip(MADE, SHORT, strict=True)),
    *(pytest.param(a, LONG, marks=pytest.mark.faults) for a in MADE),
]


@pytest.mark.parametrize(("partner", "kills"), KILLS)
def test_an_export_completes_with_the_same_rows_wherever_the_server_is_killed(
    database_url: str,
    tmp_path: Path,
    kills: int,
    partner: Callable[[Path, str], tuple[Deployment, Exporter]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (made, exporter), chance = partner(tmp_path / "home", database_url), seed()
    run = killed(made, exporter, kills, random.Random(chance))  # noqa: S311 - repeatable, not secret
    with capsys.disabled():
        figures = {name: getattr(run, name) for name in Run.__annotations__}
        text = json.dumps({**figures, "seconds": round(run.seconds), "seed": chance})
        print(f"\n{database_url.partition(':')[0]}: {text}")  # noqa: T201 - the figures
    assert (run.kills, run.different, run.lost, run.unrecorded) == (kills, 0, 0, 0)
    assert run.exports > 1
    assert run.retries > 0
