"""Which tests run which lines of the engine, and how long each takes."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import coverage
import pytest

from tests.consent.engine_mutants.running import (
    collected,
    forget,
    in_child,
    in_session,
    passes,
    path_of,
    stop_after,
)

_LOADING = "loading"


@dataclass(frozen=True)
class Reach:
    """What the tests reach, each file of them begun with nothing kept from the others.

    Attributes:
        seconds: each test takes, by its id.
        lines: per module and line, the ids of the tests that run it first: one that finds it kept
            from a test before it in its file does not run it again. What runs while a file is
            loaded is run by all its tests.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, Collection[str]]]

    def tests(self, module: str, lines: range) -> set[str]:
        """Return the tests that run any of some lines."""
        known = self.lines[module]
        return {test for line in lines for test in known.get(line, ())}


def reach_of(files: Sequence[str], modules: Sequence[str]) -> Reach:
    """Run every test of some files once and note what it reaches.

    Raises:
        AssertionError: if one fails.
    """

    def trace(session: pytest.Session) -> list[tuple[str, Reach | None]]:
        return [(file, in_child(lambda f=file: _traced(session, f, modules))) for file in files]  # type: ignore[misc] # one file each

    seconds: dict[str, float] = {}
    lines: dict[str, dict[int, set[str]]] = {module: {} for module in modules}
    for file, reach in in_session(trace):
        if reach is None:
            raise AssertionError(f"{file}: its tests do not pass as they stand")
        seconds |= reach.seconds
        for module, found in reach.lines.items():
            for line, tests in found.items():
                lines[module].setdefault(line, set()).update(tests)
    return Reach(seconds, lines)


def _traced(session: pytest.Session, file: str, modules: Sequence[str]) -> Reach:
    forget()
    tracing = coverage.Coverage(
        data_file=None, config_file=False, include=[str(path_of(module)) for module in modules]
    )
    tracing.start()
    tracing.switch_context(_LOADING)
    items = collected(session, file)
    stop_after(0)
    seconds = {item.nodeid: _timed(session, item, tracing) for item in items}
    tracing.stop()
    return Reach(
        seconds, {module: _lines(tracing.get_data(), module, seconds) for module in modules}
    )


def _timed(session: pytest.Session, item: pytest.Item, tracing: coverage.Coverage) -> float:
    tracing.switch_context(item.nodeid)
    begun = time.process_time()
    if not passes(session, item):
        raise AssertionError(item.nodeid)
    return time.process_time() - begun


def _lines(
    data: coverage.CoverageData, module: str, tests: Mapping[str, float]
) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for line, contexts in data.contexts_by_lineno(str(path_of(module))).items():
        loading = _LOADING in contexts
        found[line] = set(tests) if loading else {each for each in contexts if each in tests}
    return found
