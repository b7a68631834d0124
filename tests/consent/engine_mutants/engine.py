"""Which modules are the engine, which tests judge them, and the edits that change nothing."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.consent.engine_mutants.mutating import Mutant, mutants
from tests.consent.engine_mutants.reaching import Reach, reach_of
from tests.consent.engine_mutants.running import in_session, noticed, path_of

EQUIVALENT = Path(__file__).with_name("equivalent.csv")
# The tests that judge, by subject. Not those that try every cell or every edit of a document: they
# take seconds each, and nobody waits for them a thousand times.
_DECIDING = (
    "golden_cases", "compiling", "filters", "what_is_kept", "columns", "engine_edges",
    "law_and_facts", "duties", "reading_facts", "table_properties",
)  # fmt: skip
_SIGNING = ("disputes_and_emergencies", "joint_consent", "signers", "releases")
_CUTTING = ("anchors", "projection_tables", "minimise_edges", "minimise")
_NARROWING = ("narrowing", "documents_in_force", "children", "reading_documents")
_JUDGES = (*_DECIDING, *_SIGNING, *_CUTTING, *_NARROWING[:3])
# Every module that decides, with the tests that are tried first on an edit of it.
ENGINE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "consent.conditions", "consent.compiling", "consent.decide", "consent.cells",
            "consent.columns", "consent.duties", "consent.filters", "consent.facts",
            "consent.table", "consent.law",
        ),
        _DECIDING,
    ),
    **dict.fromkeys(
        (
            "consent.releases", "consent.signers", "consent.wording", "consent.calendar",
            "consent.disputes", "consent.emergencies", "consent.joint",
        ),
        _SIGNING,
    ),
    **dict.fromkeys(("consent.minimise", "consent.projections", "consent.selectors"), _CUTTING),
    **dict.fromkeys(("consent.mou.force", "consent.mou.narrowing"), _NARROWING),
}  # fmt: skip


def judges(module: str) -> list[str]:
    """Return the files of tests that judge a module, those tried first before the others."""
    names = dict.fromkeys((*ENGINE[module], *_JUDGES))
    return [f"tests/consent/test_{name}.py" for name in names]


def reach() -> Reach:
    """Return what the judging tests reach of the engine."""
    files = dict.fromkeys(file for module in ENGINE for file in judges(module))
    return reach_of(list(files), list(ENGINE))


def equivalent() -> set[tuple[str, str, str]]:
    """Return module, function and edit of those that change nothing anybody can see."""
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        return {(row["module"], row["function"], row["edit"]) for row in csv.DictReader(file)}


def living(module: str) -> Iterator[Mutant]:
    """Yield the edits of a module that are not listed as equivalent."""
    known = equivalent()
    for mutant in mutants(path_of(module).read_text(encoding="utf-8")):
        if (module, mutant.function, mutant.name) not in known:
            yield mutant


def survivors(module: str, chosen: Sequence[Mutant], reached: Reach | None = None) -> list[str]:
    """Return the edits no test notices, and tell them as they are found.

    Args:
        module: the module edited.
        chosen: the edits.
        reached: what each test reaches; only files with tests that reach an edit are run on it,
            those tests first. Without it every file is, until a test notices.
    """
    source = path_of(module).read_text(encoding="utf-8")
    files = judges(module)
    seconds = reached.seconds if reached else {}

    def alive(session: pytest.Session) -> list[str]:
        return [
            f"{module}:{mutant.lines.start} {mutant.function}: {mutant.name}"
            for mutant in chosen
            if not _is_noticed(session, mutant)
        ]

    def _is_noticed(session: pytest.Session, mutant: Mutant) -> bool:
        tests = reached.tests(module, mutant.lines) if reached else set()
        holding = {test.partition("::")[0] for test in tests} if reached else set(files)
        order = [file for file in files if file in holding]
        return noticed(session, (module, mutant.planted(source)), order, seconds, tests)

    found = in_session(alive)
    sys.stdout.writelines(f"survived {one}\n" for one in found)
    return found
