"""A form joined to a roster that is a folder, not a table."""

from pathlib import Path

import pytest

from mappings.canonical import Referral
from mappings.language import Held, Mapped, check_map, compile_map, load_map
from tests.support.roster_exports import ONEROSTER_12

MAP = """\
map: "1"
id: joined
title: A form joined to OneRoster
kind: referral
zone: America/New_York
sources:
  form: {format: csv, headings: [No, Made, Urgent, Why, Id, Edu, Health]}
  roster: {map: oneroster}
row-key: No
joins:
  - source: roster
    on: [{column: Id, matches: users.identifier}]
    match-rate-floor: 50%
fields:
  - {column: No, goes-to: number}
  - {column: Made, goes-to: authored_on, read-as: YYYY-MM-DD}
  - {column: Urgent, goes-to: urgency}
  - {column: Why, goes-to: reasons}
  - {column: Edu, goes-to: release.education.answer}
  - {column: Health, goes-to: release.health.answer}
examples:
  - name: one
    given:
      form: {No: A1, Made: 2026-09-14, Urgent: routine, Why: sleep, Id: "7", Edu: signed,
             Health: refused}
      roster: {users.sourcedId: s, users.identifier: "7", users.familyName: L,
               users.givenName: F, demographics.birthDate: 2012-03-04}
    expect: {number: A1, authored_on: 2026-09-14, urgency: routine, reasons: sleep,
             student.local_id: "7", student.family_name: L, student.given_name: F,
             student.birth_date: 2012-03-04, release.education.answer: signed,
             release.health.answer: refused}
"""


def written(folder: Path, text: str = MAP) -> Path:
    (folder / "joined.yaml").write_text(text, encoding="utf-8")
    return folder / "joined.yaml"


def files(tmp_path: Path, *ids: str) -> dict[str, Path]:
    rows = [f"A{n},2026-09-14,routine,sleep,{id_},signed,signed" for n, id_ in enumerate(ids)]
    form = tmp_path / "form.csv"
    form.write_text("\n".join(["No,Made,Urgent,Why,Id,Edu,Health", *rows]) + "\n", "utf-8")
    roster = tmp_path / "roster"
    roster.mkdir()
    for name, text in ONEROSTER_12.items():
        (roster / f"{name}.csv").write_text(text, encoding="utf-8")
    return {"form": form, "roster": roster}


def test_a_form_row_gets_student_school_and_guardian_from_a_roster_folder(tmp_path: Path) -> None:
    compiled = compile_map(load_map(written(tmp_path)))
    found, missing = compiled.run(files(tmp_path, "100234", "999"))
    assert isinstance(found, Mapped)
    assert isinstance(found.record, Referral)
    assert found.record.student.school == "N"
    assert found.record.guardian == found.record.student.guardians[0]
    assert isinstance(missing, Held)
    assert "no row of the roster file matches" in str(missing.reasons[0])


@pytest.mark.parametrize("by_role", [True, False])
def test_a_folder_is_told_from_a_file_by_what_it_is(tmp_path: Path, by_role: bool) -> None:
    given = files(tmp_path, "100234")
    run = compile_map(load_map(written(tmp_path))).run(given if by_role else [*given.values()])
    assert [type(one) for one in run] == [Mapped]


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("users.identifier}]", "users.identifer}]", 'did you mean "users.identifier"'),
        ("users.givenName: F", "users.givenname: F", 'did you mean "users.givenName"'),
    ],
)
def test_a_misspelt_place_of_the_roster_is_found_in_the_map(
    tmp_path: Path, old: str, new: str, hint: str
) -> None:
    problems = check_map(load_map(written(tmp_path, MAP.replace(old, new))))
    assert hint in " ".join(map(str, problems))


@pytest.mark.parametrize(
    ("name", "place", "hint"),
    [
        ("oneroster", "users.giveName", 'did you mean "users.givenName"'),
        ("oneroster", "guardian.1.password", "a password is never read"),
        ("microsoft-sds", "users.Password", "a password is never read"),
        ("edfi-xml", "Studnet.Name.FirstName", 'did you mean "Student"'),
        ("edfi-api-json", "students", "is no place in a record"),
        ("fhir-referral", "Patient..name", "is no place in a record"),
    ],
)
def test_a_place_that_cannot_be_is_found_before_a_file_is_read(
    tmp_path: Path, name: str, place: str, hint: str
) -> None:
    shipped = load_map(name)
    text = (shipped.folder / f"{name}.yaml").read_text("utf-8")
    first = next(rule for rule in shipped.fields if rule.goes_to.text == "student.given_name")
    (tmp_path / "values").mkdir()
    for table in (shipped.folder / "values").glob("*.csv"):
        (tmp_path / "values" / table.name).write_bytes(table.read_bytes())
    changed = text.replace(f"column: {first.columns[0].text}", f'column: "{place}"')
    assert changed != text
    problems = check_map(load_map(written(tmp_path, changed)))
    assert hint in " ".join(map(str, problems))
