"""Which modules are the engine, which tests judge each, and the edits that change nothing."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.consent.engine_mutants.mutating import Mutant, mutants
from tests.consent.engine_mutants.running import killed, path_of

EQUIVALENT = Path(__file__).with_name("equivalent.csv")
_DECIDING = (
    "tests/consent/test_golden_cases.py",
    "tests/consent/test_duties.py",
    "tests/consent/test_law_and_facts.py",
    "tests/consent/test_engine_edges.py",
    "tests/consent/test_reading_facts.py",
)
_SIGNING = ("tests/consent/test_releases.py",)
_CUTTING = (
    "tests/consent/test_minimise_edges.py",
    "tests/consent/test_minimise.py",
    "tests/consent/test_projection_tables.py",
)
ENGINE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "consent.conditions", "consent.compiling", "consent.decide", "consent.cells",
            "consent.columns", "consent.duties", "consent.filters", "consent.facts",
            "consent.table",
        ),
        _DECIDING,
    ),
    **dict.fromkeys(
        ("consent.releases", "consent.signers", "consent.wording", "consent.calendar"), _SIGNING
    ),
    **dict.fromkeys(("consent.minimise", "consent.projections", "consent.selectors"), _CUTTING),
}  # fmt: skip


def equivalent() -> set[tuple[str, str, str]]:
    """Return module, statement and edit of those that change nothing anybody can see."""
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        return {(row["module"], row["function"], row["edit"]) for row in csv.DictReader(file)}


def living(module: str) -> Iterator[Mutant]:
    """Yield the edits of a module that are not listed as equivalent."""
    known = equivalent()
    for mutant in mutants(path_of(module).read_text(encoding="utf-8")):
        if (module, mutant.function, mutant.name) not in known:
            yield mutant


def survivors(module: str, chosen: Sequence[Mutant]) -> list[str]:
    """Return the edits no test notices, and tell them as they are found."""
    found = []
    for mutant in chosen:
        if not killed(module, mutant.tree, ENGINE[module]):
            found.append(f"{module}:{mutant.place} {mutant.function}: {mutant.name}")
            sys.stdout.write(f"survived {found[-1]}\n")
            sys.stdout.flush()
    return found
