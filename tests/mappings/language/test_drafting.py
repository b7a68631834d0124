import re
from pathlib import Path

import pytest

from documents import DocumentError
from mappings.language import MapKind, check_map, draft_map, load_map
from mappings.language.reading import OPEN

HEADER = "Referral number,Date of referral,Urgency,Student ID,DOB,Gender,Favourite colour\n"
ROWS = "".join(
    f"R-{n},{n}/14/2026,Crisis,10{n},3/{12 + n}/2012,{'F' if n % 2 else 'M'},shade {n}\n"
    for n in range(1, 11)
)


def draft(folder: Path, rows: str = ROWS, header: str = HEADER) -> Path:
    (folder / "spring form.csv").write_text(header + rows, encoding="utf-8")
    out = folder / "draft.yaml"
    out.write_text(draft_map(folder / "spring form.csv", MapKind.REFERRAL), encoding="utf-8")
    return out


def test_a_draft_does_not_load_and_every_line_says_what_is_open(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refused:
        load_map(draft(tmp_path))
    told = [problem.text for problem in refused.value.problems]
    assert all(text.startswith("still open: ") for text in told)
    assert any('"student.birth_date"' in text for text in told)
    assert len(told) == (tmp_path / "draft.yaml").read_text("utf-8").count(OPEN) - 1  # a comment


def test_what_headings_and_values_suggest_is_only_suggested(tmp_path: Path) -> None:
    text = draft(tmp_path).read_text("utf-8")
    assert f"goes-to: {OPEN} student.local_id" in text
    assert f'"F": "{OPEN} female"' in text
    assert f'- "{OPEN} M/D/YYYY"' in text
    assert f'column: "Favourite colour"\n    goes-to: {OPEN}\n' in text
    for line in text.splitlines():
        if re.match(r"\s+(goes-to|read-as|split-on): .", line):
            assert OPEN in line


def test_urgency_and_consent_are_never_suggested(tmp_path: Path) -> None:
    text = draft(tmp_path).read_text("utf-8")
    assert f'column: "Urgency"\n    goes-to: {OPEN}\n' in text
    assert "Crisis" not in text
    assert f"  - {OPEN} urgency\n  - {OPEN} release.education.answer\n" in text


def test_a_day_that_can_be_read_two_ways_names_both(tmp_path: Path) -> None:
    text = draft(tmp_path, "R-1,3/4/2026,Crisis,1,3/4/2012,F,red\n").read_text("utf-8")
    assert f'- "{OPEN} M/D/YYYY"\n      - "{OPEN} D/M/YYYY"\n' in text


def test_words_of_one_person_do_not_come_into_a_draft(tmp_path: Path) -> None:
    rows = ROWS.replace(",F,", ",asked not to be named,", 1)
    text = draft(tmp_path, rows).read_text("utf-8")
    assert "asked not" not in text
    assert "shade" not in text
    assert "1 more texts" in text


def test_a_draft_loads_once_every_decision_is_made(tmp_path: Path) -> None:
    path = draft(tmp_path)
    text = path.read_text("utf-8").replace(f"zone: {OPEN}", "zone: America/New_York")
    text = text.replace(
        f'column: "Urgency"\n    goes-to: {OPEN}', 'column: "Urgency"\n    goes-to: urgency'
    )
    text = text.replace(f"  - {OPEN} urgency\n", "").replace(f"title: {OPEN}", "title: Spring form")
    text = text.replace(
        f'column: "Favourite colour"\n    goes-to: {OPEN}',
        'column: "Favourite colour"\n    goes-to: description',
    )
    path.write_text(text.replace(f"{OPEN} ", ""), encoding="utf-8")
    document = load_map(path)
    told = " ".join(problem.text for problem in check_map(document))
    assert document.id == "spring-form"
    assert "student.family_name is needed" in told
    assert "an example has rows" in told


def test_other_delimiters_are_found(tmp_path: Path) -> None:
    path = draft(tmp_path, ROWS.replace(",", ";"), HEADER.replace(",", ";"))
    assert "delimiter: semicolon" in path.read_text("utf-8")
