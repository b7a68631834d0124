"""A whole bridge on each database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.receiver import Receiver, receiving
from tests.support.worlds import World, make_world


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A bridge without referrals, once on each database."""
    made = make_world(database_url, tmp_path)
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def lite(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A bridge without referrals on SQLite, for what no database can change."""
    made = make_world(sqlite_url, tmp_path)
    yield made
    made.bridge.engine.dispose()


@pytest.fixture
def make_twin(tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Make a second bridge with the same secret, on SQLite."""
    made: list[World] = []

    def make() -> World:
        folder = tmp_path / "twin"
        folder.mkdir()
        made.append(make_world(f"sqlite:///{folder / 'twin.db'}", folder))
        return made[-1]

    yield make
    for twin in made:
        twin.bridge.engine.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A partner's endpoint that takes everything."""
    with receiving() as made:
        yield made
