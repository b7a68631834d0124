from pathlib import Path

import pytest

from mappings.canonical import Referral
from mappings.language import CompiledMap, Held, Mapped, compile_map, load_map
from mappings.language.joining import name_key
from mappings.readers import SourceError

FORM = "somerville-mtss-form"


@pytest.fixture(scope="module")
def form() -> CompiledMap:
    return compile_map(load_map(FORM))


def write(folder: Path, form: CompiledMap, role: str, *rows: dict[str, str]) -> Path:
    import csv  # noqa: PLC0415 - only for this file

    path = folder / f"{role}.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, form.recorded(role), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


NAME = "Student Name (eg, Sofia Alonso Martinez)"
ENTRY = {
    "Timestamp": "9/14/2026 8:00:00",
    "Email Address": "x@millbrook.example",
    NAME: "Zoe  nunez",
    "Referral Classification": "Academic",
}
STUDENT = {"local_id": "7", "full_name": "Núñez, Zoë", "date_of_birth": "2012-03-04"}
ANSWER = {
    "Form timestamp": "9/14/2026 8:00:00",
    "Student name": "Núñez, Zoë",
    "Urgency": "Routine",
    "Education release": "yes",
    "Health release": "no",
}


def outcome(
    folder: Path, form: CompiledMap, students: list[dict[str, str]], office: list[dict[str, str]]
) -> Mapped | Held:
    """Run one matching entry beside the one under test, so that enough rows match."""
    other = {**ENTRY, NAME: "Ada Ok"}
    known = {**STUDENT, "local_id": "8", "full_name": "Ok, Ada"}
    files = {
        "form": write(folder, form, "form", ENTRY, other),
        "roster": write(folder, form, "roster", known, *students),
        "office": write(folder, form, "office", {**ANSWER, "Student name": "Ok, Ada"}, *office),
    }
    return next(form.run(files))


def codes(found: Mapped | Held) -> set[str]:
    assert isinstance(found, Held)
    return {reason.code.value for reason in found.reasons}


def test_a_form_row_takes_student_urgency_and_consent_from_its_rows(
    tmp_path: Path, form: CompiledMap
) -> None:
    found = outcome(tmp_path, form, [STUDENT], [ANSWER])
    assert isinstance(found, Mapped)
    assert isinstance(found.record, Referral)
    assert found.record.student.local_id == "7"
    assert found.record.urgency.code == "routine"
    assert [release.answer for release in found.record.releases] == ["signed", "refused"]
    assert "Nú" not in found.record.number


def test_a_name_two_students_share_is_held(tmp_path: Path, form: CompiledMap) -> None:
    twins = [STUDENT, STUDENT | {"local_id": "9", "full_name": "Nunez, Zoe"}]
    found = outcome(tmp_path, form, twins, [ANSWER])
    assert codes(found) == {"join-ambiguous"}
    assert isinstance(found, Held)
    assert "rows 3 and 4 of the roster file" in found.reasons[0].text


def test_the_same_answer_written_twice_is_one_answer(tmp_path: Path, form: CompiledMap) -> None:
    assert isinstance(outcome(tmp_path, form, [STUDENT], [ANSWER, ANSWER]), Mapped)
    changed = ANSWER | {"Urgency": "Crisis"}
    assert "join-ambiguous" in codes(outcome(tmp_path, form, [STUDENT], [ANSWER, changed]))


def test_a_name_nobody_has_is_held(tmp_path: Path, form: CompiledMap) -> None:
    assert codes(outcome(tmp_path, form, [], [ANSWER])) == {"join-missing"}


def test_a_student_whose_own_row_is_held_holds_the_referral(
    tmp_path: Path, form: CompiledMap
) -> None:
    broken = STUDENT | {"date_of_birth": "4.3.2012"}
    assert codes(outcome(tmp_path, form, [broken], [ANSWER])) == {"join-held"}


def test_a_row_without_the_offices_answer_is_held_naming_what_is_missing(
    tmp_path: Path, form: CompiledMap
) -> None:
    found = outcome(tmp_path, form, [STUDENT], [])
    assert codes(found) == {"join-missing", "not-on-form"}
    assert isinstance(found, Held)
    missing = {r.text.split()[0] for r in found.reasons if r.code.value == "not-on-form"}
    assert missing == {"urgency", "release.education", "release.health"}


def test_without_the_office_sheet_every_row_is_held(tmp_path: Path, form: CompiledMap) -> None:
    files = [write(tmp_path, form, "form", ENTRY), write(tmp_path, form, "roster", STUDENT)]
    assert codes(next(form.run(files))) == {"not-on-form"}


def test_below_the_match_rate_nothing_is_loaded_and_the_rate_is_stated(
    tmp_path: Path, form: CompiledMap
) -> None:
    entries = [ENTRY, *({**ENTRY, NAME: f"Nobody {n}"} for n in range(3))]
    files = [write(tmp_path, form, "form", *entries), write(tmp_path, form, "roster", STUDENT)]
    with pytest.raises(SourceError, match=r"1 of 4 rows match \(25%\).*at least 50%"):
        form.run(files)


def test_a_needed_file_that_is_missing_is_named(tmp_path: Path, form: CompiledMap) -> None:
    with pytest.raises(SourceError, match="roster"):
        form.run({"form": write(tmp_path, form, "form", ENTRY)})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alonso Martinez, Sofia", "sofia ALONSO martinez"),
        ("Núñez-Ruiz, Ana María", "Ana Maria Nunez Ruiz"),
        ("O'Brien,Seán", "Sean O Brien"),
        ("예시, 민", "민 예시"),
    ],
)
def test_names_are_compared_without_order_accents_or_case(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_an_empty_name_is_held_and_stops_nothing(tmp_path: Path) -> None:
    roster = compile_map(load_map("aspen-students"))
    nameless = write(tmp_path, roster, "roster", STUDENT | {"full_name": ""}, STUDENT)
    found = list(roster.run([nameless]))
    assert codes(found[0]) == {"empty"}
