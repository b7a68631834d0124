"""Everybody who may call: registered clients of every party and role, staff, and nobody."""

import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bridge.app import create_app
from bridge.clock import FixedClock
from bridge.gate import Gate
from bridge.identity import (
    Party,
    Registration,
    Standing,
    disable_client,
    mint_staff_code,
    read_scopes,
    register_client,
)
from bridge.store.database.engine import open_engine, write
from tests.support.compiled import share_routes
from tests.support.worlds import COVE, HARBOR, HUB, LEA, NOW, Web, World, client_key, make_world

_ALL = read_scopes("system/*.cruds")
_PROVIDER = (Party.PROVIDER, HARBOR, "")
_SCHOOL = (Party.LEA, LEA, "")
# Scopes are wide on purpose: what a caller may see must not rest on them.
CLIENTS = {
    "harbor intake": Standing(*_PROVIDER, "intake", ("refer",), _ALL),
    "harbor billing": Standing(*_PROVIDER, "billing", ("refer", "bill"), _ALL),
    "harbor safety": Standing(*_PROVIDER, "clinician", ("safety", "emergency"), _ALL),
    "cove intake": Standing(Party.PROVIDER, COVE, "", "intake", ("refer",), _ALL),
    "coordinator": Standing(*_SCHOOL, "referral_coordinator", ("follow", "attend"), _ALL),
    "counselor": Standing(*_SCHOOL, "counselor", ("follow",), _ALL),
    "administrator": Standing(*_SCHOOL, "administrator", ("follow", "attend", "refer"), _ALL),
    "hub loader": Standing(Party.HUB, HUB, "", "loader", ("report", "evaluate"), _ALL),
    "hub publisher": Standing(Party.HUB, HUB, "", "publisher", ("report",), _ALL),
    "stranger": Standing(Party.PROVIDER, "nowhere", "", "intake", ("refer",), _ALL),
}
DISABLED, NOBODY, GARBAGE = "disabled", "nobody", "garbage"
OUTSIDE = (DISABLED, NOBODY, GARBAGE)
STAFF = ("counselor", "administrator")
_SESSION = re.compile(r"schoolbridge_session=([^;]+)")


class HandClock(FixedClock):
    """A clock that these worlds move to and fro by hand, without anybody minding."""

    def behind(self, _recorded: datetime) -> timedelta:
        return timedelta()


@dataclass
class Opened:
    """One world with a token for every client and a session for every member of staff."""

    world: World
    clock: FixedClock
    tokens: dict[str, str]
    sessions: dict[str, str]

    def web(self, caller: str) -> Web:
        return Web(self.world.app, self.tokens.get(caller, ""))

    def at(self, instant: datetime) -> None:
        """Set business time; real time stands still, so that tokens live on."""
        self.clock.instant = instant

    def copied(self, folder: Path) -> "Opened":
        """Return the same world on a copy of its database."""
        old, clock = self.world.bridge, HandClock(self.clock.instant, NOW)
        old.engine.dispose()
        shutil.copytree(old.settings.home, folder)
        engine = open_engine(f"sqlite:///{folder / 'bridge.db'}")
        gate = Gate(engine, clock, old.identifiers)
        bridge = replace(old, engine=engine, clock=clock, gate=gate)
        app = share_routes(create_app(bridge))
        world = replace(self.world, bridge=bridge, clock=clock, app=app, anonymous=Web(app))
        return replace(self, world=world, clock=clock)


def open_world(folder: Path) -> Opened:
    """Make a bridge without referrals, with everybody registered."""
    folder.mkdir(parents=True, exist_ok=True)
    # Before everything else that happens here: times of change never go back.
    clock = HandClock(NOW - timedelta(hours=3), NOW)
    world = make_world(f"sqlite:///{folder / 'bridge.db'}", folder, clock)
    clock.instant = NOW
    bridge = world.bridge
    jwks = client_key().public_jwks()
    with write(bridge.engine) as connection:
        for name, standing in (CLIENTS | {DISABLED: CLIENTS["harbor intake"]}).items():
            registered = Registration(id_of(name), standing, jwks)
            register_client(connection, registered, bridge.clock)
    tokens = {name: world.web(id_of(name)).token for name in (*CLIENTS, DISABLED)}
    with write(bridge.engine) as connection:
        disable_client(connection, id_of(DISABLED))
    tokens[GARBAGE] = "not-a-token"
    sessions = {name: _session(world, name) for name in STAFF}
    return Opened(world, clock, tokens, sessions)


def id_of(name: str) -> str:
    return name.replace(" ", "-") + "-client"


def _session(world: World, name: str) -> str:
    with write(world.bridge.engine) as connection:
        code = mint_staff_code(connection, CLIENTS[name], world.bridge.clock)
    answer = world.anonymous.send("POST", "/portal/sign-in", content=f"code={code}")
    found = _SESSION.search(answer.headers["set-cookie"])
    assert found
    return found[1]
