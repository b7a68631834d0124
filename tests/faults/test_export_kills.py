"""The server is killed at every stage of an export; the export completes with the same rows."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bridge.ledger.entry import Kind
from bridge.ledger.tables import ENTRY
from bridge.store.database.engine import read
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.export_reader import STAGES, Exporter
from tests.faults.hub_exports import HUB_CLIENT, ROWS, make_hub_deployment
from tests.faults.seeds import LONG, seed
from tests.faults.stages import come_to
from tests.support.listed_rows import every_row

pytestmark = pytest.mark.turns(4)

SHORT = (3, 2)  # as a provider exports, and as a hub does
REFERRALS = 120
BETWEEN = "between"
ENOUGH = 60  # kills, of which each stage has a share however chance falls


@dataclass
class Run:
    """What a run came to.

    Attributes:
        stages: how many kills fell into each stage of an export.
    """

    kills: int = 0
    stages: Counter[str] = field(default_factory=Counter)
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
            come_to(partner.stages, dice.choice(STAGES), dice)
            run.stages[partner.stages.now[0] or BETWEEN] += 1
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


def _entries(made: Deployment) -> int:
    bridge = made.open()
    alone = select(func.count()).where(ENTRY.c.kind == Kind.RELEASE.value)
    with read(bridge.engine) as connection:
        found = connection.execute(alone).scalar_one()
        found += sum(1 for _ in every_row(connection))
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
    if kills >= ENOUGH:
        assert all(run.stages[each] >= kills / 20 for each in STAGES)
