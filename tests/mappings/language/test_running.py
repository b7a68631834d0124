from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mappings.canonical import Coded, Referral
from mappings.language import Held, Mapped
from mappings.readers import SourceError
from tests.support.small_map import HEADER, codes, compiled, outcomes, rows_file


def record_of(outcome: Mapped | Held) -> Referral:
    assert isinstance(outcome, Mapped), outcome
    assert isinstance(outcome.record, Referral)
    return outcome.record


def test_a_row_becomes_a_record_and_keeps_the_words_beside_each_code(tmp_path: Path) -> None:
    record = record_of(outcomes(tmp_path, {"Why": "sad,  LOW mood; Anger"})[0])
    assert record.urgency == Coded("stat", "Crisis")
    assert record.reasons == (Coded("low-mood", "sad, LOW mood"), Coded("anger", "Anger"))
    assert record.student.local_id == "007"
    assert record.student.birth_date == date(2012, 3, 4)
    assert [(release.form, release.answer) for release in record.releases] == [
        ("education", "signed"),
        ("health", "pending"),
    ]


def test_a_time_without_zone_is_read_in_the_zone_of_the_map_by_date(tmp_path: Path) -> None:
    rows = [{"No": "1", "Made": "7/1/2026 8:00:00"}, {"No": "2", "Made": "12/1/2026 8:00:00"}]
    found = [record_of(outcome).authored_on for outcome in outcomes(tmp_path, *rows)]
    assert found == [datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 12, 1, 13, tzinfo=UTC)]


@pytest.mark.parametrize("time", ["11/1/2026 1:30:00", "3/8/2026 2:30:00"])
def test_a_time_the_clocks_showed_twice_or_never_is_held(tmp_path: Path, time: str) -> None:
    assert codes(outcomes(tmp_path, {"Made": time})[0]) == ["unreadable"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Urgent": "Crsis"}, "unmapped"),
        ({"Urgent": ""}, "empty"),
        ({"Urgent": "NULL"}, "empty"),
        ({"Edu": ""}, "empty"),
        ({"Health": "maybe"}, "unmapped"),
        ({"Born": "17/1/2012"}, "unreadable"),
        ({"Born": "3/4/12"}, "unreadable"),
        ({"Born": "2/30/2012"}, "unreadable"),
        ({"Why": ""}, "empty"),
        ({"Why": "Sleep; Mondays"}, "unmapped"),
        ({"Pct": "101"}, "unreadable"),
        ({"Id": "   "}, "empty"),
        ({"Tel": "555-0100"}, "incomplete"),
        ({"No": ""}, "empty"),
    ],
)
def test_what_cannot_be_read_holds_the_row(
    tmp_path: Path, changes: dict[str, str], code: str
) -> None:
    assert code in codes(outcomes(tmp_path, changes)[0])


def test_an_empty_consent_says_what_to_write(tmp_path: Path) -> None:
    (held,) = outcomes(tmp_path, {"Edu": ""})
    assert isinstance(held, Held)
    assert held.reasons[0].text == "release column empty: write yes, no or pending"
    assert held.reasons[0].column == "Edu"
    assert held.origin.row == 2


def test_every_reason_of_a_row_is_given_at_once(tmp_path: Path) -> None:
    changes = {"Urgent": "?", "Born": "?", "Edu": "", "Pct": "x"}
    assert codes(outcomes(tmp_path, changes)[0]) == [
        "unmapped",
        "unreadable",
        "empty",
        "unreadable",
    ]


def test_the_same_row_twice_is_a_duplicate_and_another_text_is_held(tmp_path: Path) -> None:
    path = rows_file(tmp_path, {}, {}, {"Why": "Anger"}, {"No": "A2"})
    run = compiled(tmp_path).run([path])
    found = list(run)
    assert (run.report.read, run.report.mapped, run.report.held) == (4, 2, 1)
    assert run.report.duplicates == 1
    assert isinstance(found[1], Held)
    assert "row 2" in found[1].reasons[0].text


def test_a_row_of_another_width_is_held_and_a_blank_row_only_counted(tmp_path: Path) -> None:
    path = rows_file(tmp_path, {}, {"No": "A2"})
    path.write_text(path.read_text("utf-8") + "\nA3,x\n", encoding="utf-8")
    run = compiled(tmp_path).run([path])
    held = [outcome for outcome in run if isinstance(outcome, Held)]
    assert [codes(outcome) for outcome in held] == [["ragged"]]
    assert held[0].origin.row == 5
    assert (run.report.read, run.report.blank) == (3, 1)


def test_the_report_counts_fill_and_unmapped_cells_without_a_persons_words(tmp_path: Path) -> None:
    rows = [{"No": str(n), "Urgent": "High"} for n in range(5)]
    rows += [{"No": "x", "Urgent": "my friend Kanari"}, {"No": "y"}]
    run = compiled(tmp_path).run([rows_file(tmp_path, *rows)])
    list(run)
    assert run.report.fill["Urgent"] == 7
    assert run.report.fill["Club"] == 0
    assert run.report.unmapped["Urgent"].cells == 6
    assert run.report.unmapped["Urgent"].options == {"High": 5}
    assert "Kanari" not in repr(run.report)


def test_no_reason_repeats_what_the_row_holds(tmp_path: Path) -> None:
    changes = dict.fromkeys(HEADER.split(","), "Kanarienvogel")
    (held,) = outcomes(tmp_path, changes)
    assert isinstance(held, Held)
    assert len(held.reasons) >= 5
    assert "Kanarien" not in " ".join(map(str, held.reasons))


def test_stop_file_stops_before_the_first_row(tmp_path: Path) -> None:
    stopping = compiled(tmp_path, ("otherwise: hold", "otherwise: stop-file"))
    path = rows_file(tmp_path, {}, {"No": "A2", "Urgent": "Crsis"})
    with pytest.raises(SourceError, match='row 3, column "Urgent"') as refused:
        stopping.run([path])
    assert "Crsis" not in str(refused.value)


def test_an_accepted_heading_and_another_order_of_columns_are_read(tmp_path: Path) -> None:
    path = rows_file(tmp_path, {}, header=HEADER.replace("Urgent", " HOW  urgent "))
    assert record_of(next(compiled(tmp_path).run([path]))).urgency.code == "stat"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace("Urgent", "Urgancy"), 'column C: did you mean "Urgent"'),
        (HEADER.replace(",Club", ",Fone"), '"Club" is missing'),
        (HEADER.replace("Tel", "Guardian"), 'columns L and M both are "Guardian"'),
        (",".join(f"Kanari{n}" for n in range(14)), "does not look like the header"),
    ],
)
def test_another_header_is_refused_with_the_headings_accepted(
    tmp_path: Path, header: str, words: str
) -> None:
    with pytest.raises(SourceError) as refused:
        compiled(tmp_path).run([rows_file(tmp_path, {}, header=header)])
    assert words in str(refused.value)
    assert "Kanari" not in str(refused.value)


def test_a_column_nobody_knows_is_refused_since_nobody_said_it_may_be_read(tmp_path: Path) -> None:
    path = rows_file(tmp_path, {})
    lines = path.read_text("utf-8").splitlines()
    path.write_text(f"{lines[0]},Extra\n{lines[1]},x\n", encoding="utf-8")
    with pytest.raises(SourceError, match="column O has a heading the map does not know"):
        compiled(tmp_path).run([path])
