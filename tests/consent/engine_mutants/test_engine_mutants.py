"""Small faults planted in the engine's code: which of them no test notices."""

import ast
import csv
import random
import sys

import pytest

from tests.consent.engine_mutants.engine import (
    ENGINE,
    EQUIVALENT,
    equivalent,
    living,
    survivors,
)
from tests.consent.engine_mutants.mutating import mutants
from tests.consent.engine_mutants.running import killed, path_of

MOST_ALIVE = 0.25
SOURCE = '''
def chosen(found: int, limit: int = 3) -> bool:
    """Say whether."""
    if found == limit and not limit:
        raise ValueError("too many")
    return any(item & 1 for item in [found] if item)
'''


def test_each_edit_changes_one_thing_and_leaves_prose_alone() -> None:
    made = {(mutant.was, mutant.now) for mutant in mutants(SOURCE)}

    assert ("found == limit", "found != limit") in made
    assert ("found == limit and (not limit)", "found == limit or not limit") in made
    assert ("found == limit and (not limit)", "not limit") in made
    assert ("item & 1", "item | 1") in made
    assert ("for item in [found] if item", "for item in [found]") in {
        (was.strip(), now.strip()) for was, now in made
    }
    assert not [was for was, _ in made if "too many" in was and "if" not in was]
    assert len({ast.dump(mutant.tree) for mutant in mutants(SOURCE)}) == len(list(mutants(SOURCE)))


def test_a_module_as_it_stands_is_not_taken_for_a_fault() -> None:
    for module in ("consent.filters", "consent.wording", "consent.selectors"):
        whole = ast.parse(path_of(module).read_text(encoding="utf-8"))

        assert not killed(module, whole, ENGINE[module])


@pytest.mark.slow
def test_a_seeded_handful_of_faults_is_noticed() -> None:
    chance = random.Random(20261124)  # noqa: S311 a seeded sample
    found = [
        survivor
        for module in ("consent.decide", "consent.filters", "consent.minimise")
        for survivor in survivors(module, chance.sample(list(living(module)), 2))
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

    assert equivalent() <= possible
    assert all(len(row["reason"]) > 20 for row in rows)


@pytest.mark.faults
@pytest.mark.parametrize("module", sorted(ENGINE))
def test_the_share_of_unnoticed_faults_in_a_module_does_not_grow(module: str) -> None:
    planted = list(living(module))

    alive = survivors(module, planted)

    sys.stdout.write(f"\n{module}: {len(planted) - len(alive)}/{len(planted)} killed\n")
    # The goal is that none lives. Until each that does is caught or listed, their share may not
    # grow.
    assert len(alive) <= MOST_ALIVE * len(planted)
