"""What every test may ask for."""

import gc
import sys
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

# The folders of tests are not installed: their shared parts are found from the project's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# The HTTP client looks for this library at every request made within a process, and where it is not
# installed the whole path of imports is searched each time: two thirds of a millisecond.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # an import of it fails (PEP 328)

pytest_plugins = ["tests.support.databases"]

_LONG = {"portal", "leaks", "faults", "journeys", "contract", "engine_mutants"}
_TURNS = pytest.StashKey[Any]()
_ENDED = count(1)
_EVERY = 20
# Of the 1,024 files a process may have open by default.
_MANY_FILES = 300
_OPEN = Path("/proc/self/fd")


def pytest_configure(config: pytest.Config) -> None:
    from tests.support import turns  # noqa: PLC0415 - found from the root
    from tests.support.scratch import keep_folders_in_memory  # noqa: PLC0415 - as above

    keep_folders_in_memory()
    turns.take_turn()
    config.stash[_TURNS] = turns.Turns()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Run a file's tests in one process, unless they say otherwise: they share what is slow."""
    item.config.stash[_TURNS].mark(item)
    if item.get_closest_marker("xdist_group") is None:
        judged = item.get_closest_marker("validator")  # three seconds of a process to load
        item.add_marker(pytest.mark.xdist_group("validator" if judged else item.path.stem))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is long, so that no process ends with it by itself."""
    items.sort(key=lambda item: not _is_long(item))


def _is_long(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "validator"))
    return marked or not _LONG.isdisjoint(item.path.parts)


def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make, and seldom: a sixth of their CPU went into it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def pytest_runtest_logfinish() -> None:
    """Close what tests left open, before a process runs out of files."""
    if next(_ENDED) % _EVERY == 0 and sum(1 for _ in _OPEN.iterdir()) > _MANY_FILES:
        gc.collect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which part ran of the tests that take turns."""
    from tests.support.turns import TURN, told_turn  # noqa: PLC0415 - found from the root

    terminalreporter.write_line(f"{TURN}={told_turn()} runs the same part of what takes turns")
