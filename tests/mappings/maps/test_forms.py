"""Exports of Google Forms and Microsoft Forms as the two really write them."""

import csv
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from mappings.language import Held, Mapped, compile_map, flatten, load_map
from mappings.readers import SourceError

WORRIES = "What are you worried about? Choose all that apply."
ANSWERS: dict[str, object] = {
    "Student ID": 100234,
    "Last name": "Ñandú",
    "First name": "Zoë",
    "Grade": 7,
    "How urgent is it?": "Urgent",
    "Has the family signed the education release?": "yes",
    "Has the family signed the health release?": "no",
}


def headings(name: str) -> list[str]:
    return [word.text for word in load_map(name).main.headings]


def google(tmp_path: Path, heads: list[str] | None = None, **changes: str) -> Path:
    row = {heading: str(answer) for heading, answer in ANSWERS.items()} | {
        "Timestamp": "9/14/2026 8:22:18",
        "Email Address": "teacher@millbrook.example",
        "Date of birth": "3/4/2012",
        WORRIES: "Sadness, low mood, Family change (divorce, move, deployment), Sleep",
        "Tell us more": 'She said "no",\nthen left',
    }
    row |= changes
    names = headings("google-forms-referral")
    path = tmp_path / "Referral form (Responses) - Form Responses 1.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)  # CRLF, quotes where needed: as Google Sheets writes
        writer.writerow(heads or names)
        writer.writerow([row.get(name, "") for name in names])
    return path


def microsoft(tmp_path: Path, **changes: object) -> Path:
    row = ANSWERS | {
        "ID": 12,
        "Start time": datetime(2026, 9, 14, 8, 20, 1),  # noqa: DTZ001 - Excel has no zones
        "Completion time": datetime(2026, 9, 14, 8, 22, 18),  # noqa: DTZ001 - without a zone on purpose
        "Email": "teacher@millbrook.example",
        "Date of birth": date(2012, 3, 4),
        WORRIES: "Sadness, low mood;Family change (divorce, move, deployment);",
    }
    row |= changes
    names = headings("microsoft-forms-referral")
    book = openpyxl.Workbook()
    # Microsoft Forms writes no-break spaces and trailing line ends into its headings.
    book.active.append([name.replace(" ", "\xa0", 1) + "\n" for name in names])
    book.active.append([row.get(name) for name in names])
    path = tmp_path / "Referral form(1-1).xlsx"
    book.save(path)
    return path


def outcome(name: str, path: Path) -> Mapped | Held:
    (found,) = compile_map(load_map(name)).run([path])
    return found


def test_options_with_commas_survive_googles_commas(tmp_path: Path) -> None:
    found = outcome("google-forms-referral", google(tmp_path))
    assert isinstance(found, Mapped)
    flat = flatten(found.record)
    assert flat["reasons"] == "low-mood, family-change, sleep"
    assert flat["authored_on"] == "2026-09-14 12:22:18+00:00"
    assert flat["description"] == 'She said "no",\nthen left'


def test_a_heading_with_trailing_spaces_is_the_same_question(tmp_path: Path) -> None:
    heads = [f"{name}  " for name in headings("google-forms-referral")]
    assert isinstance(outcome("google-forms-referral", google(tmp_path, heads)), Mapped)


def test_a_question_that_was_reworded_or_added_stops_the_file(tmp_path: Path) -> None:
    heads = headings("google-forms-referral")
    heads[heads.index("How urgent is it?")] = "How urgent is this?"
    with pytest.raises(SourceError, match='did you mean "How urgent is it\\?"'):
        outcome("google-forms-referral", google(tmp_path, heads))


@pytest.mark.parametrize("worries", ["Something else entirely", "Sleep, Something else"])
def test_an_other_answer_in_ones_own_words_is_held(tmp_path: Path, worries: str) -> None:
    found = outcome("google-forms-referral", google(tmp_path, **{WORRIES: worries}))
    assert isinstance(found, Held)
    assert [reason.column for reason in found.reasons] == [WORRIES]


def test_excels_numbers_and_days_are_read_as_a_person_sees_them(tmp_path: Path) -> None:
    found = outcome("microsoft-forms-referral", microsoft(tmp_path))
    assert isinstance(found, Mapped)
    flat = flatten(found.record)
    assert (flat["student.local_id"], flat["student.grade"]) == ("100234", "07")
    assert flat["student.birth_date"] == "2012-03-04"
    assert flat["authored_on"] == "2026-09-14 12:22:18+00:00"
    assert flat["reasons"] == "low-mood, family-change"


def test_a_day_written_as_text_in_a_form_is_read_too(tmp_path: Path) -> None:
    found = outcome(
        "microsoft-forms-referral", microsoft(tmp_path, **{"Date of birth": "3/4/2012"})
    )
    assert isinstance(found, Mapped)
    assert flatten(found.record)["student.birth_date"] == "2012-03-04"


@pytest.mark.parametrize("name", ["google-forms-referral", "microsoft-forms-referral"])
def test_nobody_answers_the_urgency_for_the_school(tmp_path: Path, name: str) -> None:
    make = google if name.startswith("google") else microsoft
    found = outcome(name, make(tmp_path, **{"How urgent is it?": ""}))
    assert isinstance(found, Held)
    assert "never assumed" in str(found.reasons[0])
