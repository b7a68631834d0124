from pathlib import Path

import pytest

from mappings.language import SHIPPED, load_map, lock_differences, lock_text
from mappings.language.locking import lock_name
from mappings.language.shipped import FOLDER
from tests.support.small_map import loaded


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_map_does_what_its_lock_says(name: str) -> None:
    """`schoolbridge map lock NAME` writes the lock again after an intended change."""
    document = load_map(name)
    assert (FOLDER / lock_name(document)).is_file()
    assert lock_differences(document) == ()


def test_every_lock_belongs_to_a_shipped_map() -> None:
    named = {lock_name(load_map(name)) for name in SHIPPED}
    assert {path.name for path in FOLDER.glob("*.lock.csv")} == named


def locked(folder: Path) -> None:
    document = loaded(folder)
    (folder / lock_name(document)).write_text(lock_text(document), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Crisis: stat", "Crisis: routine", 'text "Crisis" -> "stat", approved; now "routine"'),
        ("read-as: M/D/YYYY}", "read-as: D/M/YYYY}", 'text "1/29/2026" -> "2026-01-29" is no'),
        ("zone: America/New_York", "zone: America/Chicago", "zone -> "),
        ('split-on: [", ", ";"]', 'split-on: [", "]', "is no longer so"),
        ("[Urgent, How urgent]", "[Urgent]", '"Urgent or How urgent"'),
        ('empty-when: ["NULL"]', 'empty-when: ["NUL"]', 'means empty "NUL" is new'),
        ("format: csv", "format: xlsx", "format"),
        ("why: not needed", "why: needed", "do-not-send"),
        ("{column: Tel, goes-to: guardian.phone}", "{column: Tel, goes-to: student.phone}", "goes"),
    ],
)
def test_what_a_map_does_otherwise_than_approved_is_said_in_words(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    locked(tmp_path)
    told = lock_differences(loaded(tmp_path, (old, new)))
    assert any(words in line for line in told), told


def test_a_change_that_means_nothing_needs_no_approval(tmp_path: Path) -> None:
    locked(tmp_path)
    first, second = "  - {column: Id, goes-to: student.local_id}\n", "  - {column: Last,"
    moved = loaded(tmp_path, (first, ""), (second, first + second), ("title: A", "title: One"))
    assert lock_differences(moved) == ()


def test_a_map_without_a_lock_has_no_differences(tmp_path: Path) -> None:
    assert lock_differences(loaded(tmp_path)) == ()


@pytest.mark.parametrize("text", ["", "a,b\n", '"open', "source,column,what,text,becomes\na,b\n"])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "small.lock.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="map lock"):
        lock_differences(loaded(tmp_path))
