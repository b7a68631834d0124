"""No text that is withheld comes out anywhere: body, header, error, log, file, in any disguise."""

import asyncio
import base64
import io
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import Response
from starlette.types import ASGIApp

from bridge.app import create_app
from bridge.gate import Gate
from bridge.gate.disclosures import Disclosure
from bridge.gate.projection import sealed
from bridge.logs import configure_logs
from tests.leaks.broken_fronts import cacheable, compressing
from tests.leaks.canaries import Canaries, Hit, disguises
from tests.leaks.canary_world import LATER, CanaryWorld, make_canary_world
from tests.leaks.route_table import ROUTES
from tests.leaks.scan import Report, Scanner, allowing, inside, leaks, swept, table
from tests.leaks.trio import Ask
from tests.support.worlds import NOW


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CanaryWorld:
    """The filled world; each test works on a copy."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return make_canary_world(tmp_path_factory.mktemp("canaries") / "world")


@pytest.fixture
def world(model: CanaryWorld, tmp_path: Path) -> Iterator[CanaryWorld]:
    opened = model.opened.copied(tmp_path / "world")
    yield replace(model, opened=opened)
    opened.world.bridge.engine.dispose()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything a server would log, as it configures it, and what warnings it would print."""
    written, root = io.StringIO(), logging.getLogger()
    kept = root.handlers[:]
    root.handlers = []
    configure_logs()
    root.handlers[0].setStream(written)  # type: ignore[attr-defined] # a StreamHandler
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=written))
    yield written
    root.handlers = kept
    structlog.reset_defaults()


def say(line: str) -> None:
    """Print a figure, where output is shown (-s)."""
    sys.stdout.write(f"{line}\n")


def asked(world: CanaryWorld, app: ASGIApp, path: str) -> Report:
    """Ask one path of an application and scan the answer."""

    async def run() -> Report:
        async with inside(world, app) as client:
            scanner = Scanner(world, client)
            await scanner.ask(Ask("harbor intake", "GET", path))
            return scanner.report

    return asyncio.run(run())


def withheld(world: CanaryWorld) -> str:
    """Return a canary that stands for a note on a student whose family refused."""
    return next(
        text
        for text in _texts(world.canaries)
        if world.canaries.labels[int(text[8:14], 16)].path == "referral.description"
        and world.canaries.labels[int(text[8:14], 16)].state == "refused"
    )


def _texts(canaries: Canaries) -> Iterator[str]:
    return (f"Zqcan4ry{n:06x}é" for n in range(len(canaries.labels)))


# --- each kind of leak is seen when it is there ---------------------------------------------------


@pytest.mark.parametrize("disguise", sorted(disguises("Zqcan4ry000000é")))
def test_a_canary_is_seen_in_every_disguise(disguise: str) -> None:
    canaries = Canaries()
    canary = canaries.new("refused", "note")

    found = canaries.found_in(b'{"some": "page' + disguises(canary)[disguise] + b'"}')

    assert found
    assert canaries.found_in(b'{"some": "page", "zqcan": "4ry", "hash": "' + b"ab" * 32) == set()


def test_a_leak_in_a_body_a_header_or_an_error_is_caught(world: CanaryWorld) -> None:
    app, secret = create_app(world.opened.world.bridge), withheld(world)
    packed = base64.b64encode(f"name={secret}".encode()).decode()

    def serve(path: str, **made: Any) -> None:  # noqa: ANN401 - parts of a response
        app.add_api_route(path, lambda: Response(**made))

    serve("/body", content=secret)
    serve("/header", headers={"X-Student": secret[:-1]})
    serve("/error", status_code=500, content=f"duplicate key: {secret}")
    serve("/packed", content=packed)

    for path in ("/body", "/header", "/error"):
        (seen,) = leaks(asked(world, app, path))
        assert seen == ("harbor intake", "refused", "referral.description", "plain"), path
    assert leaks(asked(world, app, "/packed"))[0][3].startswith("base64")
    assert leaks(asked(world, app, "/healthz")) == []


def test_an_answer_that_may_be_kept_or_is_compressed_is_caught(world: CanaryWorld) -> None:
    bridge = world.opened.world.bridge
    app = create_app(bridge)
    kept = asked(world, cacheable(app, bridge.engine), "/fhir/Task")
    packed = asked(world, compressing(app, bridge.engine), "/fhir/Task")

    assert kept.cacheable == ["GET /fhir/Task: 200"]
    assert packed.compressed == ["GET /fhir/Task"]


class CutsNothing(Gate):
    """A gate that forgets to cut what is withheld."""

    def _released(self, connection: Any, viewer: Any, query: Any, **how: Any) -> Any:  # noqa: ANN401 - as httpx takes them
        found, total = super()._released(connection, viewer, query, **how)
        return [self._whole(viewer, one) for one in found], total

    def _whole(self, viewer: Any, one: Disclosure) -> Disclosure:  # noqa: ANN401 - as the function it stands for
        whole = sealed(viewer, one.stored, one.stored.resource(), self._identifiers)
        return replace(one, released=whole)


def test_a_gate_that_cuts_nothing_is_caught(world: CanaryWorld) -> None:
    bridge = world.opened.world.bridge
    broken = CutsNothing(bridge.engine, bridge.clock, bridge.identifiers)
    app = create_app(replace(bridge, gate=broken))

    students = leaks(asked(world, app, "/fhir/Patient"))
    requests = leaks(asked(world, app, "/fhir/ServiceRequest"))

    assert "student.local_id" in {path for _, _, path, _ in students}
    assert "referral.description" in {path for _, _, path, _ in requests}


def test_a_value_in_a_log_is_caught(world: CanaryWorld, logged: io.StringIO) -> None:
    app, secret = create_app(world.opened.world.bridge), withheld(world)

    def noted() -> Response:
        structlog.get_logger().info("request", reason=secret)
        return Response(b"")

    app.add_api_route("/noted", noted)
    asked(world, app, "/noted")

    assert Hit(int(secret[8:14], 16), "escaped") in world.canaries.found_in(_bytes(logged)) or Hit(
        int(secret[8:14], 16), "plain"
    ) in world.canaries.found_in(_bytes(logged))


def test_what_is_sent_and_comes_back_is_caught(world: CanaryWorld) -> None:
    app = create_app(world.opened.world.bridge)

    def echo(q: str) -> Response:
        return Response(f"I do not know {q}")

    app.add_api_route("/fhir/bulk/{q}", echo)
    app.router.routes.insert(0, app.router.routes.pop())

    async def run() -> Report:
        async with inside(world, app) as client:
            scanner = Scanner(world, client)
            await scanner.sweep(("harbor intake",), ())
            await scanner.ask(Ask("", "GET", f"/fhir/bulk/{scanner.sent.new('sent', 'id')}"))
            return scanner.report

    assert asyncio.run(run()).echoed == ["GET /fhir/bulk/Zqcan4ry800000é: plain"]


# --- and nothing is there -------------------------------------------------------------------------


def test_no_canary_comes_out_where_the_table_does_not_let_it(
    world: CanaryWorld, logged: io.StringIO
) -> None:
    scanner = swept(world)
    report, rows = scanner.report, table()
    log = _bytes(logged)
    say(f"{report}, log {len(log) / 1e6:.1f} MB")

    assert leaks(report) == []
    assert report.echoed == []
    assert report.cacheable == []
    assert report.compressed == []
    assert report.canaries > 10_000
    assert report.scanned > 3_000_000
    assert 500 not in report.statuses
    assert set(report.routes) == {(row.method, row.path) for row in ROUTES}
    # What may appear does appear: each row of the table is needed.
    used = {allowing(seen, rows) for seen in report.seen}
    assert [row for n, row in enumerate(rows) if n not in used] == []
    assert log.count(b"\n") > 4_000
    assert world.canaries.found_in(log) | scanner.sent.found_in(log) == set()
    assert _left_behind(world) == []


def test_after_the_agreement_ends_a_provider_has_its_own_sessions_and_nothing_else(
    world: CanaryWorld,
) -> None:
    world.opened.at(NOW + LATER)
    callers = ("harbor intake", "coordinator", "hub loader")

    report = swept(world, callers=callers, parts=("exports",)).report

    assert leaks(report) == []
    own = {"session", "+Encounter"}
    assert {path.partition(".")[0] for _, _, path, _ in report.seen} == own
    assert {caller for caller, *_ in report.seen} == {"harbor intake"}


def _bytes(written: io.StringIO) -> bytes:
    return written.getvalue().encode()


def _left_behind(world: CanaryWorld) -> list[str]:
    """Return files other than the database that hold a canary."""
    home = world.opened.world.bridge.settings.home
    files = [path for path in home.rglob("*") if not path.name.startswith("bridge.db")]
    return [path.name for path in files if world.canaries.found_in(path.read_bytes())]
