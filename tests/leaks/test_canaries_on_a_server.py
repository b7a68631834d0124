"""The sweep over a real server process: its answers, its output, its temporary files."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
import structlog

from bridge.clock import SystemClock
from bridge.identity import mint_staff_code, token_url
from bridge.store.database.engine import write
from tests.leaks.callers import CLIENTS, DISABLED, GARBAGE, STAFF, id_of
from tests.leaks.canary_world import CanaryWorld, make_canary_world
from tests.leaks.scan import Scanner, leaks
from tests.support.measuring import TOKEN, figures_in, total
from tests.support.worlds import ASSERTION_TYPE, NOW, client_key

CALLERS = ("harbor intake", "counselor", "hub loader", "nobody")
FAILING = Path(__file__).with_name("failing_server.py")


@dataclass(frozen=True, slots=True)
class Running:
    """A server process, where it listens and where its output and temporary files go."""

    url: str
    output: Path
    spool: Path
    process: int = 0

    def core_limits(self) -> list[str]:
        """Return how large an image of its memory may be, soft and hard."""
        limits = Path(f"/proc/{self.process}/limits").read_text("ascii").splitlines()
        (line,) = (each for each in limits if each.startswith("Max core file size"))
        return line.split()[4:6]

    def written(self) -> bytes:
        """Return its output and all its temporary files so far."""
        files = [self.output, *(path for path in self.spool.rglob("*") if path.is_file())]
        return b"\n".join(path.read_bytes() for path in files)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CanaryWorld:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return make_canary_world(tmp_path_factory.mktemp("canaries") / "world")


@pytest.fixture
def world(model: CanaryWorld, tmp_path: Path) -> Iterator[CanaryWorld]:
    opened = model.opened.copied(tmp_path / "home")
    yield replace(model, opened=opened)
    opened.world.bridge.engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(world: CanaryWorld, folder: Path, *command: str) -> Iterator[Running]:
    """Run a server on a world's database until the block ends."""
    port, home = _free_port(), folder / "home"
    running = Running(f"http://127.0.0.1:{port}", folder / "output", folder / "spool")
    settings = {
        "database_url": "sqlite:///bridge.db",
        "base_url": running.url,
        "host": "127.0.0.1",
        "port": str(port),
        "secret": world.opened.world.bridge.settings.secret,
        "demo_start": NOW.isoformat(),
        "demo_began": SystemClock().real_now().isoformat(),
        "metrics_token": TOKEN,
        "exports_per_client": 10_000,  # hundreds within an hour
    }
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (home / "schoolbridge.toml").write_text("".join(lines), encoding="utf-8")
    running.spool.mkdir()
    environment = {**os.environ, "TMPDIR": str(running.spool)}  # noqa: TID251 - a child's own
    with running.output.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *command], stdout=output, stderr=output, env=environment
        )
        try:
            _await(running.url)
            yield replace(running, process=process.pid)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _await(url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False) as web:
        for _ in range(300):
            try:
                web.get("/healthz")
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError("the server did not start")


def sign_in(world: CanaryWorld, url: str) -> CanaryWorld:
    """Get a token for every client and a session for every member of staff, over HTTP."""
    real, tokens, sessions = SystemClock(), {GARBAGE: "not-a-token"}, {}
    with httpx.Client(base_url=url, trust_env=False) as client:
        for name in CLIENTS:
            signed = client_key().assertion(id_of(name), token_url(url), real.real_now())
            form = {
                "grant_type": "client_credentials",
                "scope": "system/*.cruds",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": signed,
            }
            tokens[name] = client.post("/auth/token", data=form).json()["access_token"]
        for name in STAFF:
            with write(world.opened.world.bridge.engine) as connection:
                code = mint_staff_code(connection, CLIENTS[name], real)
            answer = client.post("/portal/sign-in", content=urlencode({"code": code}))
            sessions[name] = answer.cookies["schoolbridge_session"]
    tokens[DISABLED] = world.opened.tokens[DISABLED]
    return replace(world, opened=replace(world.opened, tokens=tokens, sessions=sessions))


def _swept(world: CanaryWorld, url: str) -> Scanner:
    made: list[Scanner] = []

    async def run() -> None:  # returns nothing: the event loop's end writes out what it returned
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            made.append(Scanner(world, client))
            await made[0].sweep(CALLERS)

    asyncio.run(run())
    return made[0]


@pytest.mark.turns(4)
def test_neither_answers_nor_output_nor_temporary_files_of_a_server_hold_a_canary(
    world: CanaryWorld, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    with serving(world, tmp_path, "-m", "bridge", "serve", "--home", home) as running:
        signed_in = sign_in(world, running.url)
        scanner = _swept(signed_in, running.url)
        watching = {"Authorization": f"Bearer {TOKEN}"}
        told = httpx.get(f"{running.url}/metrics", headers=watching, trust_env=False).content
        assert running.core_limits() == ["0", "0"]
    written = running.written()
    assert total(figures_in(told.decode()), "schoolbridge_request_seconds_count") > 300
    assert world.canaries.found_in(told) | scanner.sent.found_in(told) == set()
    sys.stdout.write(f"{scanner.report}, output {len(written) / 1e6:.1f} MB\n")

    assert leaks(scanner.report) == []
    assert scanner.report.echoed == []
    assert scanner.report.statuses[200] > 300
    assert written.count(b'"event":"request"') >= scanner.report.requests
    assert world.canaries.found_in(written) | scanner.sent.found_in(written) == set()
    secrets = [*signed_in.opened.tokens.values(), *signed_in.opened.sessions.values()]
    assert [secret for secret in secrets if secret.encode() in written] == []


def test_an_unexpected_error_tells_its_kind_and_place_and_not_its_text(
    world: CanaryWorld, tmp_path: Path
) -> None:
    secret = world.canaries.new("refused", "error")
    home = str(tmp_path / "home")
    with serving(world, tmp_path, str(FAILING), home, secret) as running:
        answer = httpx.get(f"{running.url}/fails", trust_env=False)
    written = running.written()

    assert answer.status_code == 500
    assert answer.headers.get("cache-control") == "no-store"
    assert b"ValueError" in written
    assert world.canaries.found_in(answer.content) == set()
    assert world.canaries.found_in(written) == set()


def test_a_text_a_server_prints_is_caught(world: CanaryWorld, tmp_path: Path) -> None:
    secret = world.canaries.new("refused", "error")
    home = str(tmp_path / "home")
    with serving(world, tmp_path, str(FAILING), home, secret) as running:
        httpx.get(f"{running.url}/says", trust_env=False)

    assert world.canaries.found_in(running.written()) != set()
