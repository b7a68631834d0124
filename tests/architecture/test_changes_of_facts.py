"""Whoever changes a fact lets what it opens be found by time, or says here why it opens nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHANGES = {"record_evidence", "supersede"}
LOOKS = {"seen_anew", "look_at_agreements", "look_at_students"}
NEED_NOT = {
    "bridge/journeys/families/joint_consent.py": "settles within its callers' seen_anew",
    "bridge/journeys/answers/record_care_consent.py": "of a Task within its caller's seen_anew; of"
    " a session as it is recorded, which has a new number",
    "bridge/journeys/referrals/write_note.py": "of a note, which is no record anybody polls",
}


def called(source: str) -> set[str]:
    """Return the names of the functions a module calls."""
    return set(_called(ast.parse(source)))


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def silent(source: str) -> bool:
    """Whether a module changes facts and lets nobody find what they open."""
    names = called(source)
    return bool(names & CHANGES) and not names & LOOKS


def test_every_module_that_changes_facts_lets_what_they_open_be_found() -> None:
    modules = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "bridge").rglob("*.py")
    }
    assert {name for name, source in modules.items() if silent(source)} == {*NEED_NOT}


def test_a_module_that_forgets_is_noticed() -> None:
    assert silent("record_evidence(connection, rows)")
    assert silent("supersede(connection, source, student, now)")
    assert not silent("with seen_anew(c, p, [s]):\n    supersede(c, i, s, now)")
