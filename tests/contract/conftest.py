"""Two running bridges, and the environment that the clients of others live in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.programs import CLIENTS, ENVIRONMENT
from tests.contract.serving import Served, served
from tests.support.databases import empty_postgres


@pytest.fixture(scope="session", autouse=True)
def environment() -> None:
    """Say what to do where the clients are not installed: a test of theirs is never left out."""
    if not (ENVIRONMENT / ".ready").exists():
        pytest.fail("the clients of others are not installed: make clients")


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A bridge that keeps its records in a SQLite file."""
    home = tmp_path_factory.mktemp("contract") / "sqlite"
    with served(home, "sqlite:///bridge.db", CLIENTS) as running:
        yield running


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Served]:
    """A bridge that keeps its records in PostgreSQL."""
    home = tmp_path_factory.mktemp("contract") / "postgres"
    with empty_postgres(postgres_server) as url, served(home, url, CLIENTS) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a client writes."""
    return tmp_path / "received"
