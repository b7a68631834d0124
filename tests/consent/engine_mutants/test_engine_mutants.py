"""Small faults planted in the engine's code: none may pass unnoticed."""

import ast
import csv
import random
import sys
import time
from functools import cache

import pytest

from tests.consent.engine_mutants.engine import (
    ENGINE,
    EQUIVALENT,
    equivalent,
    judges,
    living,
    reach,
    survivors,
)
from tests.consent.engine_mutants.mutating import Mutant, mutants
from tests.consent.engine_mutants.reaching import Reach, reach_of
from tests.consent.engine_mutants.running import path_of

SOURCE = '''
def chosen(found: int, limit: int = 3) -> bool:
    """Say whether."""
    if found == limit and not limit:
        raise ValueError("too many")
    return any(item & 1 for item in [found] if item) or found > 1 > 0


class Kept:
    def most(self) -> int:
        return 1
'''
EMPTY = ast.Pass()


def test_each_edit_changes_one_thing_and_leaves_prose_alone() -> None:
    found = list(mutants(SOURCE))
    made = {mutant.name for mutant in found}

    assert "found == limit -> found != limit" in made
    assert "found == limit and (not limit) -> found == limit or not limit" in made
    assert "found == limit and (not limit) -> not limit" in made
    assert "item & 1 -> item | 1" in made
    assert "for item in [found] if item -> for item in [found]" in made
    assert "return 1 -> return None" in made
    assert not [name for name in made if "too many" in name and "if" not in name]
    assert len({ast.dump(mutant.planted(SOURCE)) for mutant in found}) == len(found)


def test_an_edit_names_its_method_its_statement_and_which_of_two_alike_it_is() -> None:
    made = {(mutant.function, mutant.name): mutant.lines for mutant in mutants(SOURCE)}

    assert made["Kept.most", "1 -> 2"] == range(11, 12)
    assert made["chosen", "found == limit -> found != limit"] == range(4, 5)
    assert {("chosen", "1 -> 2"), ("chosen", "1 -> 2 #2")} <= made.keys()


@pytest.mark.turns(4)
def test_a_module_as_it_stands_is_not_taken_for_a_fault() -> None:
    files = judges("consent.wording")[:2]
    reached = reach_of(files, ["consent.wording"])
    lines = path_of("consent.wording").read_text(encoding="utf-8").count("\n")
    everywhere = Mutant("covered_by", "nothing -> nothing", range(1, lines + 1), 0, EMPTY)

    class Unchanged(Mutant):
        def planted(self, source: str) -> ast.Module:
            return ast.parse(source)

    unchanged = Unchanged(**vars(everywhere))

    assert len(survivors("consent.wording", [unchanged], reached)) == 1


@pytest.mark.slow
def test_a_seeded_handful_of_faults_is_noticed() -> None:
    chance = random.Random(20261124)  # noqa: S311 a seeded sample
    found = [
        survivor
        for module in chance.sample(sorted(ENGINE), 1)
        for survivor in survivors(module, chance.sample(list(living(module)), 6))
    ]

    assert found == []


def test_every_edit_said_to_change_nothing_is_still_there_and_has_a_reason() -> None:
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    possible = {
        (module, mutant.function, mutant.name)
        for module in {row["module"] for row in rows}
        for mutant in mutants(path_of(module).read_text(encoding="utf-8"))
    }

    assert len(equivalent()) == len(rows)
    assert equivalent() <= possible
    assert all(len(row["reason"]) > 20 for row in rows)


@cache
def reached() -> Reach:
    return reach()


@pytest.mark.faults
@pytest.mark.parametrize("module", sorted(ENGINE))
def test_no_fault_planted_in_a_module_passes_unnoticed(module: str) -> None:
    planted, begun = list(living(module)), time.monotonic()

    alive = survivors(module, planted, reached())

    killed, spent = len(planted) - len(alive), time.monotonic() - begun
    sys.stdout.write(f"\n{module}: {killed}/{len(planted)} killed in {spent:.0f} s\n")
    assert alive == []
