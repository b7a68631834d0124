"""Broken files: nothing loads, and each mistake is told in one line with its place."""

import csv
import re
from pathlib import Path

import pytest

from consent.mou import read_bound, shipped_document
from documents import DocumentError
from documents.strict_yaml import MAX_BYTES
from tests.consent.worked_example import problems_of, spec

# One mistake that is two things at once: a key that is not known, and another that is missing.
TWICE = {"on-as-key", "moved-rule", "cyrillic-party", "drops-a-prohibition"}
TWICE |= {"unknown-party-in-signature"}
FOLDER = Path(__file__).parent / "data" / "broken"


def expected() -> dict[str, list[str]]:
    """Return the problems of each broken file, as listed beside them."""
    found: dict[str, list[str]] = {}
    with (FOLDER / "expected.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["file"], []).append(row["problem"])
    return found


def find(document_id: str) -> bytes:
    beside = FOLDER / f"{document_id}.yaml"
    return beside.read_bytes() if beside.is_file() else shipped_document(document_id)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_a_broken_file_is_refused_with_the_line_that_is_listed(name: str) -> None:
    problems = problems_of(read_bound, (FOLDER / name).read_bytes(), name, find)

    assert problems == expected()[name]
    assert len(problems) == (2 if name.removesuffix(".yaml") in TWICE else 1)
    for problem in problems:
        assert re.match(r"[\w.-]+:[1-9]\d*:[1-9]\d*: \S", problem)
        assert "\n" not in problem


def test_there_are_180_broken_files_and_some_80_edits() -> None:
    edits = len(spec("broken-templates")) + len(spec("broken-agreements"))

    assert len(expected()) == 180
    assert len(expected()) + edits > 250
    assert expected().keys() == {path.name for path in FOLDER.glob("*.yaml")}


def test_a_file_too_large_is_refused_before_it_is_read() -> None:
    source = b"#" * (MAX_BYTES + 1)

    with pytest.raises(DocumentError, match="larger than"):
        read_bound(source, "large.yaml", find)
