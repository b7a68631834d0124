import csv
import io
import zipfile
from pathlib import Path

import pytest

from mappings.language import Held, Mapped, compile_map, flatten, load_map
from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table
from tests.support.roster_exports import ONEROSTER_11, ONEROSTER_12


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def zipped(path: Path, files: dict[str, str], inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{inside}{name}.csv", text)
    return path


def records(path: Path, name: str = "oneroster") -> dict[str, dict[str, str]]:
    found = list(compile_map(load_map(name)).run([path]))
    assert all(isinstance(one, Mapped) for one in found)
    flat = [flatten(one.record) for one in found if isinstance(one, Mapped)]
    return {one["student.local_id"]: one for one in flat}


def refusal(path: Path, name: str = "oneroster") -> str:
    with pytest.raises(SourceError) as refused:
        list(compile_map(load_map(name)).run([path]))
    return str(refused.value)


def cells(path: Path, *places: str, name: str = "oneroster") -> list[list[str]]:
    return [row for row in open_table(path, SourceFormat((name,), locations=places)).rows if row]


def test_a_student_of_1_2_is_joined_to_school_demographics_and_guardian(tmp_path: Path) -> None:
    found = records(written(tmp_path / "or", ONEROSTER_12))
    assert found["100234"] == {
        "student.local_id": "100234",
        "student.family_name": "Ñandú, Jr",
        "student.given_name": "Zoë",
        "student.birth_date": "2012-03-04",
        "student.sex": "female",
        "student.grade": "07",
        "student.school": "N",
        "student.enrolled": "yes",
        "guardian.1.name": "Ada Ñandú",
        "guardian.1.relationship": "PRN",
        "guardian.1.phone": "555-0100",
    }


def test_a_guardian_who_names_the_student_counts_and_an_aunt_does_not(tmp_path: Path) -> None:
    found = records(written(tmp_path / "or", ONEROSTER_12))
    assert found["100235"]["guardian.1.name"] == "Cy Example"
    assert found["100235"]["student.enrolled"] == "no"
    assert not [name for name in found["100234"] if name.startswith("guardian.2")]


def test_row_numbers_are_those_of_users_csv(tmp_path: Path) -> None:
    run = compile_map(load_map("oneroster")).run([written(tmp_path / "or", ONEROSTER_12)])
    assert [one.source_row for one in run if isinstance(one, Mapped)] == [3, 4]
    assert (run.report.read, run.report.blank) == (2, 4)


def test_two_schools_without_a_primary_one_hold_the_student(tmp_path: Path) -> None:
    path = written(tmp_path / "or", ONEROSTER_11)
    assert cells(path, "users.sourcedId", "org.identifier") == [["s1", "N"], ["s3", SEVERAL]]
    held = [o for o in compile_map(load_map("oneroster")).run([path]) if isinstance(o, Held)]
    assert "several different things" in str(held[0].reasons[0])


def test_an_empty_status_means_active_only_where_the_manifest_says_bulk(tmp_path: Path) -> None:
    users = ONEROSTER_12["users"].replace("s1,active", "s1,").replace("s2,tobedeleted", "s2,")
    bulk = written(tmp_path / "bulk", ONEROSTER_12 | {"users": users})
    assert cells(bulk, "users.status") == [["active"], ["active"]]
    (bulk / "manifest.csv").unlink()
    assert cells(bulk, "users.status") == [[""], [""]]


@pytest.mark.parametrize("inside", ["", "export/2026/"])
def test_a_zip_says_the_same_as_its_folder(tmp_path: Path, inside: str) -> None:
    folder = records(written(tmp_path / "or", ONEROSTER_12))
    assert records(zipped(tmp_path / "or.zip", ONEROSTER_12, inside)) == folder


def test_race_booleans_stay_the_words_they_are(tmp_path: Path) -> None:
    path = written(tmp_path / "or", ONEROSTER_12)
    found = cells(path, "demographics.asian", "demographics.white")
    assert found == [["true", "false"], ["false", "true"]]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("manifest", "1.2", "2.0", "manifest.csv: oneroster.version: is of another version"),
        ("manifest", "users,bulk", "users,delta", "delta export"),
        ("users", "sourcedId,status", "id,status", 'row 1: the column "sourcedId" is missing'),
        ("users", "Bo,Example", "Bo", "users.csv: row 4: has 9 cells, the header has 10"),
        ("demographics", "birthDate,sex", "birthDate,birthDate", "repeats a heading"),
        ("roles", "student", "pupil", "holds no student"),
    ],
)
def test_a_broken_export_is_refused_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    files = ONEROSTER_12 | {file: ONEROSTER_12[file].replace(old, new)}
    assert words in refusal(written(tmp_path / "or", files))


def test_a_password_cannot_be_asked_for(tmp_path: Path) -> None:
    text = (Path(load_map("oneroster").folder) / "oneroster.yaml").read_text("utf-8")
    (tmp_path / "values").mkdir()
    changed = text.replace("column: users.identifier", "column: users.password")
    (tmp_path / "edited.yaml").write_text(changed, encoding="utf-8")
    for table in (load_map("oneroster").folder / "values").glob("*.csv"):
        (tmp_path / "values" / table.name).write_bytes(table.read_bytes())
    with pytest.raises(Exception, match="a password is never read"):
        compile_map(load_map(tmp_path / "edited.yaml"))


def test_flags_of_special_education_are_never_part_of_a_record(tmp_path: Path) -> None:
    files = {
        "users": "sourcedId,givenName,familyName,password\n1,Jack,Craig,x\n",
        "roles": "userSourcedId,orgSourcedId,role,grade,isPrimary\n1,o,student,10,TRUE\n",
        "orgs": "sourcedId,name,type\no,North,school\n",
        "demographics": "userSourcedId,sex,birthDate\n1,male,2001-07-02\n",
        "userFlags": "userSourcedId,flag\n1,iep\n1,freeLunch\n",
    }
    path = written(tmp_path / "sds", files)
    assert "iep" not in str(records(path, "microsoft-sds"))
    assert cells(path, "userFlags.flags", name="sds") == [["iep; freeLunch"]]


def test_the_primary_role_of_sds_decides_school_and_grade(tmp_path: Path) -> None:
    files = {
        "users": "sourcedId,givenName,familyName\n1,Jack,Craig\n",
        "roles": (
            "userSourcedId,orgSourcedId,role,grade,isPrimary\n"
            "1,o2,student,9,FALSE\n1,o1,student,10,TRUE\n1,o2,student,9,FALSE\n"
        ),
        "orgs": "sourcedId,name,type\no1,North,school\no2,South,school\n",
    }
    path = written(tmp_path / "sds", files)
    assert cells(path, "users.grade", "org.name", name="sds") == [["10", "North"]]


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.csv", "sourcedId,a\n" + "0,0\n" * 3_000_000)
    return data.getvalue()


def crowd() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(501):
            archive.writestr(f"{number}.csv", "a,b\n")
    return data.getvalue()


def twice() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("a/users.csv", "b/Users.CSV"):
            archive.writestr(name, "a,b\n1,2\n")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 no zip", "damaged zip"),
        (bomb(), "unnaturally tight"),
        (crowd(), "more than 500 files"),
        (twice(), "twice"),
        (b"sourcedId,role\n", "holds no users.csv"),
    ],
    ids=["damaged", "bomb", "crowd", "twice", "one file"],
)
def test_a_dangerous_or_foreign_zip_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    assert words in refusal(tmp_path / "x.zip")


def test_damage_inside_a_zip_is_found_before_the_first_row(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ONEROSTER_12)
    data = bytearray(path.read_bytes())
    at = data.index(b"users.csv") + 60
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    assert "damaged zip" in refusal(path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.csv"
    secret.write_text(ONEROSTER_12["users"], encoding="utf-8")
    folder = tmp_path / "or"
    folder.mkdir()
    (folder / "users.csv").symlink_to(secret)
    assert "holds no file ending in .csv" in refusal(folder)


def test_the_files_of_this_module_are_csv_of_equal_width() -> None:
    for text in (*ONEROSTER_12.values(), *ONEROSTER_11.values()):
        assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1
