"""A server's CPU time is counted in its own process, on loopback."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.arms import stored
from benchmarks.large_server import bearer, measured
from benchmarks.processes import cpu_seconds
from benchmarks.serving import Server, free_port, get, start


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    database, port = str(tmp_path / "ceiling.db"), free_port()
    stored.fill(database, [stored.Stored("Task/1", b'{"resourceType":"Task","id":"1"}')])
    command = (sys.executable, "-m", "benchmarks.arms.ceiling", database, str(port), "secret")
    running = start(command, port)
    yield running
    running.stop()


def test_the_ceiling_returns_the_bytes_stored(server: Server) -> None:
    bodies = list(get(server, ["/fhir/Task/1"], {"Authorization": "Bearer secret"}))

    assert bodies == [b'{"resourceType":"Task","id":"1"}']


def test_the_ceiling_knows_its_token(server: Server) -> None:
    with pytest.raises(RuntimeError, match="401"):
        list(get(server, ["/fhir/Task/1"], {"Authorization": "Bearer other"}))


def test_reading_costs_the_server_some_time(server: Server) -> None:
    before = cpu_seconds(server.process.pid)
    asked = [("GET", "/fhir/Task/1", b"")] * 500
    sample = measured(server, asked, bearer("secret"))

    assert sample.units == 500
    assert cpu_seconds(server.process.pid) >= before + sample.cpu_seconds > before


def test_a_server_that_ends_at_once_is_reported() -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        start((sys.executable, "-c", "pass"), free_port())
