"""Tests that a build runs in part: which part is its turn comes with its commit.

``turns(n)``: of the variants of a test, or of all tests of a file, a build runs one in n.
``SCHOOLBRIDGE_TURN=number`` repeats the choice of another build; ``all`` leaves nothing out;
``long`` (``make faults``) gives every variant to the long run. What is left out carries the mark
``faults``, so that ``-m "not faults"`` is a build's slice and a run without ``-m`` is everything.

A guard runs in every build. That it notices what was planted (a test whose name ends so) is tried
in one build of two: what it looks for, and how, changes seldom. One on which a requirement of
``tests/conformance`` rests is tried in every build, which ends by asking whether it passed.

In the folders of ``EITHER`` a test that runs on each database runs on one of them in a build; a
file marked ``one_database`` runs as a whole on one, for what its tests share.
"""

import hashlib
import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Hashable
from functools import cache
from pathlib import Path

import pytest

from tests.conformance import page

TURN = "SCHOOLBRIDGE_TURN"
ALL, LONG = "all", "long"
ROOT = Path(__file__).resolve().parents[2]
# Their tests say what a request, a page, a file or a command comes to. What a database itself must
# hold (the store, the ledger, migrations) and what may leave (tests/leaks) is tried on both.
EITHER = ("api", "gate", "journeys", "portal", "cli")
_PLANTED = re.compile(r"_(?:is|are)_(?:noticed|caught)(?=\[|@|$)")
_DATABASE = re.compile(r"\b(sqlite|postgresql)(?=[]-])")


def take_turn() -> None:
    """Choose what this run's turn is, unless it was told; the processes it starts take the same."""
    os.environ.setdefault(TURN, str(_of_commit()))  # noqa: TID251 - a switch of the tests


def told_turn() -> str:
    """Return what this run's turn is: a number, all or long."""
    return os.environ[TURN]  # noqa: TID251 - a switch of the tests


def _of_commit() -> int:
    asked = ("git", "-C", str(ROOT), "rev-parse", "--short=7", "HEAD")
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.CalledProcessError):
        return random.SystemRandom().randrange(10**6)  # not a clone
    return int(said.stdout, 16)


def is_turn(name: str, place: int, of: int, turn: int) -> bool:
    """Tell whether the variant at a place among a test's is one that a build of this turn runs."""
    begun = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    return (begun + place + turn) % of == 0


@cache
def required() -> frozenset[str]:
    """Return the tests on which requirements rest, as ``tests/folder/test_file.py::test_name``."""
    every = [*page.tables().values(), *page.tables(page.PORTAL).values()]
    return frozenset(test for rows in every for row in rows for test in row.met_by)


def other_database(variant: str, turn: int) -> bool:
    """Tell whether a variant is on a database on which a build of this turn does not run it."""
    found = _DATABASE.search(variant)
    if not found:
        return False
    name = _DATABASE.sub("", variant, count=1)
    return is_turn(name, 0, 2, turn) == (found[1] == "sqlite")


class Turns:
    """Marks what a run leaves to the long run."""

    def __init__(self) -> None:
        self._places: Counter[Hashable] = Counter()

    def mark(self, item: pytest.Item) -> None:
        """Mark a test that is not this run's; to be asked once for each, as they are found."""
        if told_turn() == ALL or item.get_closest_marker("faults"):
            return
        if self._left_out(item):
            item.add_marker(pytest.mark.faults)

    def _left_out(self, item: pytest.Item) -> bool:
        told, either = told_turn(), _on_either(item)
        node, turns = next(item.iter_markers_with_node("turns"), (None, None))
        planted = _PLANTED.search(item.nodeid) is not None and _test_of(item) not in required()
        if told == LONG:
            return turns is not None or planted or bool(_DATABASE.search(either))
        turn, name = int(told), _test_of(item)
        if turns is None and not planted:
            return other_database(either, turn)
        if turns is None:
            # By another bit than the database, so that each variant comes on each.
            return other_database(either, turn) or not self._is_next(name, 2, turn // 2)
        # A mark on a file counts through the file: its tests are of about the same length.
        name = name if node is item else item.path.stem
        return not self._is_next(name, turns.args[0], turn)

    def _is_next(self, name: str, of: int, turn: int) -> bool:
        self._places[name] += 1
        return is_turn(name, self._places[name], of, turn)


def _test_of(item: pytest.Item) -> str:
    return re.split(r"[\[@]", item.nodeid)[0]  # of a parameter, of a group


def _on_either(item: pytest.Item) -> str:
    """Return by what a test's database is chosen, with the database in it; empty if it is not."""
    if item.get_closest_marker("one_database"):
        found = _DATABASE.search(item.name)
        return f"{item.path.stem}[{found[1]}]" if found else ""
    folder = item.path.parent
    return item.nodeid if folder.name in EITHER and folder.parent.name == "bridge" else ""
