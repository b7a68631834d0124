"""A deployment on disk whose server is a process of its own, to be killed and started again."""

import http.client
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bridge.app import open_bridge
from bridge.clock import SystemClock
from bridge.context import Bridge
from bridge.identity import Registration, register_client
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement
from bridge.parts import parts_of
from bridge.settings import FILE_NAME, MOST_EXPORTS, read_settings
from bridge.store.database.engine import write
from consent.mou import shipped_document
from mappings.language import Mapped
from tests.support.nursery import Born, born
from tests.support.worlds import HARBOR, HUB, LEA, client_key, referral, standings

SERVE = (sys.executable, "-m", "bridge", "serve", "--home")
Process = subprocess.Popen[bytes] | Born
START = "2026-11-23T14:00:00+00:00"
CLIENT = "harbor-ehr"


class DidNotStartError(Exception):
    """The server ended, or did not answer in time."""


@dataclass
class Deployment:
    """One deployment; ``program`` starts its server when the folder is added."""

    home: Path
    program: Sequence[str] = SERVE
    workers: int = 1
    slowest_start: float = 0.0

    @property
    def base_url(self) -> str:
        return read_settings(self.home).base_url

    def open(self) -> Bridge:
        """Open the deployment in this process; dispose of its engine afterwards."""
        return open_bridge(read_settings(self.home))

    def start(self) -> Process:
        several = ["--workers", str(self.workers)] if self.workers > 1 else []
        if self.program == SERVE:
            words = ["serve", "--home", str(self.home), *several]
            return born(words, self.home / "server.log")
        with (self.home / "server.log").open("ab") as log:
            command = [*self.program, str(self.home), *several]
            return subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own program

    def wait(self, server: Process, within: float = 180) -> None:
        """Wait until the server answers.

        Raises:
            DidNotStartError: it ended, or did not answer in time.
        """
        began = time.monotonic()
        place = urlsplit(self.base_url).netloc
        while time.monotonic() - began < within:
            if server.poll() is not None:
                raise DidNotStartError(f"exit code {server.returncode}")
            if _is_well(place):
                self.slowest_start = max(self.slowest_start, time.monotonic() - began)
                return
            time.sleep(0.01)
        kill(server)
        raise DidNotStartError(f"no answer within {within} s")


def _is_well(place: str) -> bool:
    """Tell whether a server answers; without a client that reads every certificate first."""
    asking = http.client.HTTPConnection(place, timeout=5)
    try:
        asking.request("GET", "/healthz")
        return asking.getresponse().status == 200
    except (http.client.HTTPException, OSError):
        return False
    finally:
        asking.close()


def kill(process: Process) -> None:
    """End a process at once, as a power switch would end the program."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def workers_of(server: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Return the processes that answer for a server of several."""
    alive = [c for c in psutil.Process(server.pid).children() if c.status() != "zombie"]
    return [child for child in alive if "spawn_main" in " ".join(child.cmdline())]


def make_deployment(
    home: Path, database_url: str, referrals: int = 0, secret: str = ""
) -> Deployment:
    """Make a deployment with an agreement, a provider's client and some referrals.

    Two with the same secret give everything the same identifiers.
    """
    home.mkdir(parents=True)
    port = _free_port()
    lines = {
        "database_url": database_url,
        "base_url": f"http://127.0.0.1:{port}",
        "host": "127.0.0.1",
        "port": port,
        "secret": secret or secrets.token_urlsafe(48),
        "demo_start": START,
        "demo_began": SystemClock().real_now().isoformat(),
        "exports_per_client": MOST_EXPORTS,  # hundreds within an hour
    }
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    (home / FILE_NAME).write_text(text, encoding="utf-8")
    made = Deployment(home)
    bridge = made.open()
    _fill(bridge, referrals)
    bridge.engine.dispose()
    return made


def _fill(bridge: Bridge, referrals: int) -> None:
    parts = parts_of(bridge)
    documents = AgreementDocuments(
        shipped_document("xx-smh-template"),
        shipped_document("millbrook-harbor-2026"),
        "US-XX",
        LEA,
        HARBOR,
        HUB,
    )
    activate_agreement(parts, documents)
    registration = Registration(CLIENT, standings()[CLIENT], jwks=client_key().public_jwks())
    with write(bridge.engine) as connection:
        register_client(connection, registration, bridge.clock)
    rows = [referral(n) for n in range(referrals)]
    import_roster(parts, LEA, [Mapped(r.student, r.origin.row) for r in rows])
    ReferralImport(parts, LEA, HARBOR).run([Mapped(r, r.origin.row) for r in rows])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
