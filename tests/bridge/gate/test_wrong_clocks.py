"""Nothing leaves by a clock that cannot be right, and a revocation counts whatever a clock says."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

import bridge.clock
import bridge.gate.gate
import bridge.ledger.append
from bridge.clock import FixedClock, ShiftedClock, SystemClock
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.keep_heads import keep_heads
from bridge.ledger.append import head
from bridge.ledger.clocks import MOST_OFF, doubt
from bridge.ledger.errors import ClockDoubted
from bridge.parts import parts_of
from bridge.store.database.engine import read
from tests.support.worlds import NOW, Web, World, caller, make_world, referral

DAY = timedelta(days=1)
# Between the import and the first read.
LATER = timedelta(hours=2)
HOUR = timedelta(hours=1)
A_LITTLE = timedelta(seconds=2)


@pytest.fixture
def referred(world: World) -> World:
    """A world with two referrals, of which the provider has read one."""
    world.refer([referral(1), referral(2)])
    world.clock.advance(LATER)
    world.tokens["right"] = world.web().token
    assert status(world) == 200
    return world


def ask(world: World, number: str = "R-1") -> httpx.Response:
    """Read a referral with the token got while the clock was right."""
    web = Web(world.app, world.tokens["right"])
    return web.get(f"/fhir/ServiceRequest/{world.id_of('ServiceRequest', number)}")


def status(world: World, number: str = "R-1") -> int:
    return ask(world, number).status_code


def entries(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return head(connection, world.agreement).size


def form(world: World, number: str) -> str:
    request = world.id_of("ServiceRequest", number)
    return world.bridge.identifiers.issue("release", request, "education")


def set_to(world: World, moment: datetime) -> None:
    """Set the business clock; tokens go on by the machine's real time."""
    world.clock.real = world.clock.real_now()
    world.clock.instant = moment


def test_a_clock_behind_the_ledger_lets_nothing_leave(referred: World) -> None:
    before = entries(referred)
    set_to(referred, NOW + HOUR)
    answer = ask(referred)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3600"
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert Web(referred.app, referred.tokens["right"]).get("/fhir/Task").status_code == 503
    assert entries(referred) == before
    set_to(referred, NOW + LATER)
    assert status(referred) == 200


@pytest.mark.parametrize("off", [DAY, -DAY, timedelta(seconds=61)], ids=str)
def test_a_clock_that_was_set_lets_nothing_leave(referred: World, off: timedelta) -> None:
    referred.clock.off = off
    assert status(referred) == 503
    referred.clock.off = timedelta()
    assert status(referred) == 200


def test_a_doubted_clock_still_takes_a_revocation(referred: World) -> None:
    set_to(referred, NOW + HOUR)
    referred.clock.off = -HOUR
    assert status(referred) == 503
    assert revoke_release(referred.parts, form(referred, "R-1"))
    referred.clock.off = timedelta()
    set_to(referred, NOW + LATER)
    assert status(referred) == 404
    assert status(referred, "R-2") == 200


def test_a_gate_that_trusts_every_clock_is_noticed(
    referred: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.ledger.append, "require_time", lambda *_: None)
    with pytest.raises(AssertionError):
        test_a_clock_behind_the_ledger_lets_nothing_leave(referred)


def revoked_elsewhere(world: World) -> World:
    """Revoke a form on a machine whose clock is two seconds ahead of the world's."""
    ahead = replace(world.bridge, clock=FixedClock(NOW + LATER + A_LITTLE))
    assert revoke_release(parts_of(ahead), form(world, "R-1"))
    return world


def released(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


def test_a_revocation_counts_for_a_machine_whose_clock_is_a_little_behind(referred: World) -> None:
    assert not released(revoked_elsewhere(referred))


def test_a_gate_that_decides_by_its_own_clock_alone_is_noticed(
    referred: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.gate.gate, "not_before_known", lambda _, __, now: now)
    assert released(revoked_elsewhere(referred))


def test_the_machines_clock_notices_that_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = SystemClock(), bridge.clock._set
    assert abs(clock.skew()) < timedelta(seconds=1)
    monkeypatch.setattr(bridge.clock, "_set", lambda: asked() - 3600)
    assert timedelta(minutes=59) < -clock.skew() < timedelta(minutes=61)


def test_the_clock_is_compared_with_the_databases(database_url: str, tmp_path: Path) -> None:
    world, heads = make_world(database_url, tmp_path, ShiftedClock(NOW)), tmp_path / "heads.json"
    world.refer([referral(1)])
    keep_heads(world.parts, heads)
    assert released(world)
    world.clock.hear(SystemClock().real_now() + DAY)
    with pytest.raises(ClockDoubted, match="-86400 s"):
        released(world)
    if not database_url.startswith("sqlite"):  # which is never on another machine
        keep_heads(world.parts, heads)
        assert released(world)
    world.bridge.engine.dispose()


@pytest.mark.parametrize(
    ("last", "off", "said"),
    [
        (timedelta(), timedelta(), ""),
        (MOST_OFF, MOST_OFF, ""),
        (-DAY, -MOST_OFF, ""),
        (MOST_OFF + A_LITTLE, timedelta(), "the clock is 62 s behind the ledger"),
        (timedelta(), DAY, "the machine's time was set, or is not the database's: +86400 s"),
        (timedelta(), -DAY, "the machine's time was set, or is not the database's: -86400 s"),
    ],
    ids=str,
)
def test_what_is_doubted_about_a_clock(last: timedelta, off: timedelta, said: str) -> None:
    assert doubt(NOW + last, FixedClock(NOW, off=off)) == said
