"""A PowerSchool export as it comes: tab-delimited, often saved by Excel as "Unicode text"."""

from pathlib import Path

import pytest

from mappings.language import Held, Mapped, compile_map, flatten, load_map

HEADINGS = [word.text for word in load_map("powerschool-students").main.headings]
ROW = {
    "Student_Number": "100234",
    "Last_Name": "Ñandú",
    "First_Name": "Zoë",
    "DOB": "03/04/2012",
    "Gender": "F",
    "Grade_Level": "7",
    "SchoolID": "310",
    "[39]Abbreviation": "NM",
    "Enroll_Status": "0",
    "Mother": "Ñandú, Ada",
    "Father": "Ñandú, Bo",
    "Ethnicity": "4",
}


def outcome(tmp_path: Path, encoding: str = "utf-8", **changes: str) -> Mapped | Held:
    row = ROW | changes
    lines = ["\t".join(HEADINGS), "\t".join(row.get(name, "") for name in HEADINGS)]
    path = tmp_path / "student.export.text"
    path.write_text("\r\n".join(lines) + "\r\n", encoding=encoding, newline="")
    (found,) = compile_map(load_map("powerschool-students")).run([path])
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_parents_in_flat_columns_become_guardians(tmp_path: Path, encoding: str) -> None:
    found = outcome(tmp_path, encoding)
    assert isinstance(found, Mapped)
    flat = flatten(found.record)
    assert flat["student.family_name"] == "Ñandú"
    assert (flat["guardian.1.name"], flat["guardian.1.relationship"]) == ("Ñandú, Ada", "MTH")
    assert (flat["guardian.2.name"], flat["guardian.2.relationship"]) == ("Ñandú, Bo", "FTH")
    assert "4" not in flat.values()


def test_a_parent_nobody_named_is_nobody(tmp_path: Path) -> None:
    found = outcome(tmp_path, Mother="", Father="")
    assert isinstance(found, Mapped)
    assert not [name for name in flatten(found.record) if name.startswith("guardian")]


@pytest.mark.parametrize(
    ("level", "grade"), [("-2", "PK"), ("-1", "PK"), ("0", "KG"), ("1", "01"), ("12", "12")]
)
def test_years_before_first_grade_are_counted_downwards(
    tmp_path: Path, level: str, grade: str
) -> None:
    found = outcome(tmp_path, Grade_Level=level)
    assert isinstance(found, Mapped)
    assert flatten(found.record)["student.grade"] == grade


@pytest.mark.parametrize("status", ["1", "2", "3", "-1", "4"])
def test_only_status_0_is_enrolled(tmp_path: Path, status: str) -> None:
    found = outcome(tmp_path, Enroll_Status=status)
    assert isinstance(found, Mapped)
    assert flatten(found.record)["student.enrolled"] == "no"


def test_graduates_kept_in_grade_99_wait_for_a_person(tmp_path: Path) -> None:
    assert isinstance(outcome(tmp_path, Grade_Level="99"), Held)
