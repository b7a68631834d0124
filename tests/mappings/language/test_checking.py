from pathlib import Path

import pytest

from documents import DocumentError
from mappings.language import check_map
from mappings.language.reading import read_map
from mappings.language.shipped import FOLDER
from tests.support.small_map import loaded


def test_a_sound_map_has_no_problem(tmp_path: Path) -> None:
    assert check_map(loaded(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("goes-to: urgency", "goes-to: urgencyy", 'did you mean "urgency"'),
        ("goes-to: urgency", "goes_to: urgency", 'did you mean "goes-to"'),
        ("column: Why", "column: Whyy", 'did you mean "Why"'),
        ("Crisis: stat", "Crisis: statt", 'did you mean "stat"'),
        ("Crisis: stat", "Crisis: stat, crisis: stat", "stands twice"),
        ("otherwise: hold", "otherwise: default", "write one of"),
        ("read-as: M/D/YYYY}", "read-as: [M/D/YYYY, D/M/YYYY]}", "as two days"),
        ("read-as: M/D/YYYY}", "read-as: M/D/YY}", '"YY" means nothing'),
        ("read-as: M/D/YYYY}", "read-as: M/D/YYYY h:mm}", "is a day"),
        (", read-as: M/D/YYYY}", "}", "needs read-as"),
        ("zone: America/New_York", "zone: America/NewYork", 'did you mean "America/New_York"'),
        ("{column: Pct,", "{column: Club,", "both sent and do-not-send"),
        ("  - {column: Pct, goes-to: attendance_percent}\n", "", 'column "Pct" goes nowhere'),
        ("goes-to: guardian.phone", "goes-to: guardian.name", "filled twice (first on line"),
        ("goes-to: guardian.name", "goes-to: guardian.email", "guardian.name is needed"),
        ("row-key: No", "row-key: Noo", 'did you mean "No"'),
        ("format: csv", "format: cvs", "a format is one of"),
        ("column: Why\n", "column: Why\n    source: from\n", 'did you mean "form"'),
        ('split-on: [", ", ";"]', 'split-on: [" "]', "is a mark"),
        ("Anger: anger}", "Anger: anger, 'Sleep, Anger': other}", "cannot be told from its parts"),
        ("expect: {number", "expect: {nubmer", 'did you mean "number"'),
        ("row: {No", "row: {Noo", 'did you mean "No"'),
        ("otherwise: hold", "otherwise: leave-empty-and-keep-text", "must be answered"),
        ("goes-to: attendance_percent", "goes-to: attendance_percent, values: {a: b}", "no value"),
        ("zone: America/New_York", 'zone: ""', '"zone" is missing'),
        ("[Urgent, How urgent]", "[Urgent, Urgent]", 'stands twice behind "column"'),
        ("Crisis: stat", "'NULL': stat", "means an empty cell"),
        (
            "  - {column: Id,",
            "  - {column: Why, goes-to: reasons}\n  - {column: Id,",
            "fills reasons twice",
        ),
        ("goes-to: guardian.phone", "goes-to: guardian.phone, joined: words", "without columns"),
        ("goes-to: guardian.phone", "goes-to: guardian.phone, prefix: T-", "without made-from"),
        ("{column: No, goes", "{made-from: row-key, read-as: M/D/YYYY, goes", "beside made-from"),
        ("    row: {No", "    given: {from: {No: A1}}\n    row: {No", 'no source "from"'),
    ],
)
def test_a_mistake_is_named_with_its_place_before_a_row_is_read(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    problems = check_map(loaded(tmp_path, (old, new)))
    assert any(words in problem.text for problem in problems), problems
    assert all(problem.line >= 1 for problem in problems)


def test_a_line_of_choose_that_is_never_reached_is_named() -> None:
    text = (FOLDER / "harbor-hl7v2.yaml").read_text("utf-8")
    line = "      - {when: {MSH-9.2: [S15, S16, S17]}, gives: cancelled}\n"
    twice = "      - {when: {SCH-25.1: Booked, MSH-9.2: S15}, gives: booked}\n"
    document = read_map((text.replace(line, line + twice)).encode(), FOLDER / "x.yaml", bytes)
    found = [problem.text for problem in check_map(document)]
    assert len(found) == 1
    assert found[0].startswith("never reached: line")


def test_an_example_without_a_row_of_a_needed_source_is_named() -> None:
    text = (FOLDER / "somerville-mtss-form.yaml").read_text("utf-8")
    gone = text.partition("      roster:\n        local_id")
    rest = gone[2].partition("      office:")
    document = read_map(
        (gone[0] + rest[1] + rest[2]).encode(),
        FOLDER / "x.yaml",
        lambda name: (FOLDER / name).read_bytes(),
    )
    assert any("needs a row of roster" in problem.text for problem in check_map(document))


def test_the_place_is_line_and_column_of_the_mistake(tmp_path: Path) -> None:
    texts = [str(found) for found in check_map(loaded(tmp_path, ("Crisis: stat", "Crisis: sat")))]
    assert texts == ['small.yaml:17:14: "sat" is no code of urgency; did you mean "stat"?']


@pytest.mark.parametrize("name", ["urgency", "release.education.answer", "release.health.answer"])
def test_urgency_and_consent_are_never_constants(tmp_path: Path, name: str) -> None:
    document = loaded(tmp_path, ("do-not-send:", f"constants: {{{name}: routine}}\ndo-not-send:"))
    texts = [problem.text for problem in check_map(document)]
    assert f"{name} can never be a constant: only a person's answer fills it" in texts


@pytest.mark.parametrize("word", ["default", "else", "fallback"])
def test_there_is_no_way_to_write_a_default(tmp_path: Path, word: str) -> None:
    document = loaded(tmp_path, ("otherwise: hold", f"{word}: routine"))
    assert any(f'has no "{word}"' in problem.text for problem in check_map(document))


def test_a_map_without_consent_columns_is_refused_unless_it_says_so(tmp_path: Path) -> None:
    old = "    goes-to: release.health.answer\n"
    table = "    values: {yes: signed, no: refused, pending: pending}\n"
    edit = (old + table, "    goes-to: release.health.signer\n")
    texts = [problem.text for problem in check_map(loaded(tmp_path, edit))]
    assert texts == [
        "release.health.answer is needed: a field must fill it or stand under not-on-form"
    ]


def test_a_key_written_twice_stops_the_reading(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match='key "id" stands twice'):
        loaded(tmp_path, ("id: small", "id: small\nid: large"))


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/secret.csv", "secret.txt"])
def test_a_value_table_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    edit = ("values: {Crisis: stat, Soon: urgent, Later: routine}", f"values: {name}")
    assert any("map's folder" in problem.text for problem in check_map(loaded(tmp_path, edit)))
