"""No release is committed after a revocation was acknowledged."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.clock import ShiftedClock
from bridge.errors import GateError
from bridge.gate import Query, gate
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import EVIDENCE, lock_students, supersede
from tests.support.worlds import LEA, NOW, World, caller, make_world, referral

RACES = int(os.environ.get("SCHOOLBRIDGE_RACES") or 100)  # noqa: TID251 - how long to test


@pytest.fixture
def ticking(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A bridge whose clock runs: a race is about real time."""
    made = make_world(database_url, tmp_path, ShiftedClock(NOW))
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def ticking_postgres(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    made = make_world(postgres_url, tmp_path, ShiftedClock(NOW))
    yield made
    made.bridge.engine.dispose()


def release_id(world: World, number: str, form: str = "education") -> str:
    request_id = world.id_of("ServiceRequest", number)
    return world.bridge.identifiers.issue("release", request_id, form)


def released(world: World, number: str) -> bool:
    request_id = world.id_of("ServiceRequest", number)
    return world.bridge.gate.read(caller(), "ServiceRequest", request_id) is not None


def entries_about(world: World, local_id: str) -> int:
    student = world.bridge.identifiers.issue("student", LEA, local_id)
    with read(world.bridge.engine) as connection:
        subject = subject_of(world.bridge.identifiers, student)
        return sum(e.entry.kind is Kind.RELEASE for e in about(connection, subject))


def test_nothing_is_released_once_the_release_is_revoked(world: World) -> None:
    world.refer([referral(1), referral(2)])
    assert released(world, "R-1")
    assert revoke_release(world.parts, release_id(world, "R-1"))
    assert not released(world, "R-1")
    found = world.bridge.gate.search(caller(), Query("Task"))
    assert [r.id for r in found.matches] == [world.id_of("Task", "R-2")]
    assert found.total == 1


def test_a_revocation_works_once_and_another_release_stands(world: World) -> None:
    world.refer([referral(1)])
    assert revoke_release(world.parts, release_id(world, "R-1", "health"))
    assert not revoke_release(world.parts, release_id(world, "R-1", "health"))
    assert not revoke_release(world.parts, "no-such-release")
    assert released(world, "R-1")  # the education release lets the referral go


def test_importing_the_referral_again_does_not_bring_a_revoked_release_back(world: World) -> None:
    world.refer([referral(1)])
    assert revoke_release(world.parts, release_id(world, "R-1"))
    again = world.refer([referral(1)])
    assert again.unchanged == 1
    assert not released(world, "R-1")


def test_a_release_that_waited_for_a_revocation_finds_it(ticking_postgres: World) -> None:
    world = ticking_postgres
    world.refer([referral(1)])
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    out: list[bool] = []
    releasing = threading.Thread(target=lambda: out.append(released(world, "R-1")))
    with write(world.bridge.engine) as connection:
        lock_students(connection, [student], share=False)
        releasing.start()  # it has looked at its clock, and waits for the student
        time.sleep(0.5)
        now = world.clock.now()
        assert supersede(connection, release_id(world, "R-1"), student, now)
    releasing.join()
    assert out == [False]


def test_a_revocation_that_waited_for_a_release_is_dated_after_it(ticking_postgres: World) -> None:
    world = ticking_postgres
    world.refer([referral(1)])
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    asked = (world.parts, release_id(world, "R-1"))
    revoking = threading.Thread(target=revoke_release, args=asked)
    with write(world.bridge.engine) as connection:
        lock_students(connection, [student], share=True)
        revoking.start()
        time.sleep(0.5)
        decided = world.clock.now()
    revoking.join()
    with read(world.bridge.engine) as connection:
        ended = select(EVIDENCE.c.superseded_at).where(EVIDENCE.c.superseded_at.is_not(None))
        assert min(connection.execute(ended).scalars()) > decided


@pytest.mark.turns(2)
@pytest.mark.slow
def test_no_release_is_committed_after_the_revocation_was_acknowledged(ticking: World) -> None:
    ticking.refer(referral(n) for n in range(RACES))
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    outcomes = [_race(ticking, n, dice) for n in range(RACES)]
    late = sum(after > before for before, after in outcomes)
    assert late == 0, (seed, late)
    # It was a race: some releases came first, and some too late.
    assert 0 < sum(before for before, _ in outcomes) < RACES * READERS


READERS = 3


def _race(world: World, n: int, dice: random.Random) -> tuple[int, int]:
    """Return the entries about a student when the revocation was acknowledged, and at the end."""
    waits = [dice.uniform(0, 0.01) for _ in range(READERS)]
    threads = [threading.Thread(target=_release_once, args=(world, n, wait)) for wait in waits]
    for thread in threads:
        thread.start()
    time.sleep(dice.uniform(0, 0.03))
    assert revoke_release(world.parts, release_id(world, f"R-{n}"))
    before = entries_about(world, str(1000 + n))
    for thread in threads:
        thread.join()
    return before, entries_about(world, str(1000 + n))


def _release_once(world: World, n: int, wait: float) -> None:
    time.sleep(wait)
    with suppress(GateError):
        released(world, f"R-{n}")


def test_a_release_that_waits_for_nobody_is_noticed(
    ticking_postgres: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "lock_students", lambda *_, **__: None)
    with pytest.raises(AssertionError):
        test_a_release_that_waited_for_a_revocation_finds_it(ticking_postgres)


class RemembersPermits(gate.Gate):
    """Answers as it did the last time it was asked the same."""

    def __init__(self, *parts: Any) -> None:  # noqa: ANN401 - the gate's own
        super().__init__(*parts)
        self._remembered: dict[str, Any] = {}

    def _reached(self, connection: Any, asking: Any, query: Query, **how: Any) -> Any:  # noqa: ANN401 - as httpx takes them
        key = f"{query.type} {query.ids}"
        if key not in self._remembered:
            self._remembered[key] = super()._reached(connection, asking, query, **how)
        return self._remembered[key]


def test_a_permit_that_is_remembered_is_noticed(world: World) -> None:
    bridge = world.bridge
    remembering = RemembersPermits(bridge.engine, bridge.clock, bridge.identifiers)
    world.bridge = replace(bridge, gate=remembering)
    with pytest.raises(AssertionError):
        test_nothing_is_released_once_the_release_is_revoked(world)
