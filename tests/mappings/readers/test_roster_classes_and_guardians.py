"""What a roster says only in its classes (OneRoster), and the guardians of School Data Sync v1."""

from pathlib import Path

import pytest

from mappings.language import Held, Mapped, compile_map, flatten, load_map
from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table
from mappings.readers.oneroster_classes import Enrolled
from tests.support.roster_exports import ONEROSTER_11, ONEROSTER_CLASSES, SDS_V1

SCHOOL = "enrollment.school.identifier"


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def cells(path: Path, *places: str, name: str = "oneroster") -> list[list[str]]:
    return [row for row in open_table(path, SourceFormat((name,), locations=places)).rows if row]


def outcomes(path: Path, name: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return the records by local id, and the reasons of the held rows."""
    found = list(compile_map(load_map(name)).run([path]))
    flat = [flatten(one.record) for one in found if isinstance(one, Mapped)]
    held = [str(reason) for one in found if isinstance(one, Held) for reason in one.reasons]
    return {one["student.local_id"]: one for one in flat}, held


def refusal(path: Path, name: str) -> str:
    with pytest.raises(SourceError) as refused:
        list(compile_map(load_map(name)).run([path]))
    return str(refused.value)


def test_classes_say_school_and_grade_only_where_both_are_certain(tmp_path: Path) -> None:
    path = written(tmp_path / "or", ONEROSTER_CLASSES)
    assert cells(path, "users.sourcedId", "org.identifier", SCHOOL, "enrollment.grade") == [
        ["s1", "", "N", "09"],  # a class for 09 and one for 09 and 10; others do not count
        ["s2", "", SEVERAL, ""],  # classes at two schools; the grade stands in users.csv
        ["s3", "", "N", SEVERAL],  # classes for 09 and for 07
        ["s4", "", "N", ""],  # a class for two grades, one for none: nothing is certain
        ["s5", "S", "", ""],  # the export says both itself
        ["s6", "", "", ""],  # no class
    ]


def test_a_student_of_two_schools_or_grades_is_held_and_the_others_are_read(tmp_path: Path) -> None:
    found, held = outcomes(written(tmp_path / "or", ONEROSTER_CLASSES), "oneroster")
    said = {n: (one.get("student.school"), one.get("student.grade")) for n, one in found.items()}
    assert said == {"1": ("N", "09"), "4": ("N", None), "5": ("S", "10"), "6": (None, None)}
    assert len(held) == 3  # s2: the school's identifier and sourcedId; s3: the grade
    assert all("several different things" in text for text in held)


def test_version_1_1_is_filled_from_its_classes_as_well(tmp_path: Path) -> None:
    users = ONEROSTER_11["users"].replace('"o1,o2"', "").replace('"o2,o3"', "o9")
    files = ONEROSTER_CLASSES | {"users": users}
    del files["roles"]
    places = ("users.sourcedId", "enrollment.school.name", "enrollment.grade")
    path = written(tmp_path / "or", files)
    # s3 is said to belong to o9, which the export does not describe, and attends o2.
    assert cells(path, *places) == [["s1", "North", "09"], ["s3", SEVERAL, SEVERAL]]


def test_a_district_is_no_students_school(tmp_path: Path) -> None:
    files = {name: ONEROSTER_CLASSES[name] for name in ("users", "roles", "orgs", "demographics")}
    path = written(tmp_path / "or", files)
    assert [row[0] for row in cells(path, "org.identifier")] == ["", "", "", "", "S", ""]
    enrolled = ONEROSTER_CLASSES["enrollments"].replace(",o2,", ",o1,")
    path = written(tmp_path / "classes", ONEROSTER_CLASSES | {"enrollments": enrolled})
    assert cells(path, SCHOOL)[0] == [""]


def test_however_many_classes_a_student_has_little_is_kept() -> None:
    enrolled = Enrolled()
    for number in range(10_000):
        enrolled.take(f"o{number}", frozenset({"09", "10"}))
    assert (len(enrolled.schools), enrolled.school(), enrolled.grade()) == (2, SEVERAL, "")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("enrollments", "classSourcedId", "class", 'the column "classSourcedId" is missing'),
        ("enrollments", "e5,active,c1", "e5,active", "row 6: has 6 cells, the header has 7"),
        ("classes", "sourcedId,status", "id,status", 'the column "sourcedId" is missing'),
        ("classes", "Art,09,o2", "Art,09,o2,more", "row 2: has 6 cells"),
        ("classes", "title,grades", "grades,grades", "repeats a heading"),
    ],
)
def test_broken_classes_are_refused_with_their_place(
    tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    text = ONEROSTER_CLASSES[file]
    changed = ONEROSTER_CLASSES | {file: text.replace(old, new)}
    assert changed[file] != text
    assert words in refusal(written(tmp_path / "or", changed), "oneroster")


def test_classes_of_a_delta_export_are_refused_only_where_a_map_asks_them(tmp_path: Path) -> None:
    manifest = "propertyName,value\noneroster.version,1.2\nfile.enrollments,delta\n"
    path = written(tmp_path / "or", ONEROSTER_CLASSES | {"manifest": manifest})
    assert "file.enrollments: is a delta export" in refusal(path, "oneroster")
    assert len(cells(path, "users.sourcedId")) == 6


def test_guardians_of_version_1_are_found_by_their_address(tmp_path: Path) -> None:
    found, held = outcomes(written(tmp_path / "sds", SDS_V1), "microsoft-sds")
    assert held == []
    guardians = {
        n: {k.removeprefix("guardian."): v for k, v in one.items() if k.startswith("guardian")}
        for n, one in found.items()
    }
    ada = {"name": "Ada Ñandú", "relationship": "PRN", "phone": "555-0100"}
    ada |= {"email": "ada@example.org"}
    cy = {"name": "Cy Example", "relationship": "GUARD", "email": "cy@example.org"}
    assert guardians["1"] == {f"1.{name}": text for name, text in ada.items()}
    assert guardians["2"] == {f"1.{name}": text for name, text in cy.items()} | {
        f"2.{name}": text for name, text in ada.items()
    }
    assert guardians["3"] == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("User", "cy@example.org,Cy", "other@example.org,Cy"),  # named, and not described
        ("User", "eve@example.org,Eve", "cy@example.org,Eve"),  # one address, two people
        ("Guardianrelationship", "2,cy@example.org,guardian", "2,cy@example.org,Parent"),
        ("Guardianrelationship", "1,ADA@example.org", "1,"),  # no address
    ],
)
def test_a_guardian_who_is_not_certain_holds_the_student(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    changed = SDS_V1 | {file: SDS_V1[file].replace(old, new)}
    assert changed[file] != SDS_V1[file]
    found, held = outcomes(written(tmp_path / "sds", changed), "microsoft-sds")
    assert held
    assert "Eve" not in str(found)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("Guardianrelationship", "SIS ID,Email", "SIS ID,Mail", 'the column "Email" is missing'),
        ("Guardianrelationship", "Email,Role", "Email,Kind", 'the column "Role" is missing'),
        ("Guardianrelationship", "1,ADA@example.org,Parent", "1,ADA@example.org", "row 2: has 2"),
        ("User", "Email,First Name", "Mail,First Name", 'the column "Email" is missing'),
        ("User", "Ada,Ñandú,555-0100,", "Ada,Ñandú", "row 2: has 3 cells"),
    ],
)
def test_broken_guardians_are_refused_with_their_place(
    tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    changed = SDS_V1 | {file: SDS_V1[file].replace(old, new)}
    assert changed[file] != SDS_V1[file]
    assert words in refusal(written(tmp_path / "sds", changed), "microsoft-sds")


def test_relations_to_people_whom_no_file_describes_are_refused(tmp_path: Path) -> None:
    files = {name: text for name, text in SDS_V1.items() if name != "User"}
    path = written(tmp_path / "sds", files)
    assert "there is no User.csv that says who they are" in refusal(path, "microsoft-sds")
