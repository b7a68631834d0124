"""Screenings: what contradicts itself is held, and nothing missing is worked out."""

from pathlib import Path

import pytest

from mappings.canonical import StudentScreening
from mappings.language import Held, Mapped, compile_map, flatten, load_map

HEADER = "Screening ID,Student ID,Instrument,Date,Answered by,Score,Result"


def outcome(tmp_path: Path, instrument: str, score: str, result: str) -> Mapped | Held:
    path = tmp_path / "scores.csv"
    row = f"S1,100234,{instrument},9/14/2026,Student,{score},{result}"
    path.write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    (found,) = compile_map(load_map("screening-scores")).run([path])
    return found


@pytest.mark.parametrize(
    ("instrument", "score", "result"),
    [
        ("PHQ-9", "0", "Minimal"),
        ("PHQ-9", "4", "None"),
        ("PHQ-9", "27", "Severe"),
        ("PHQ-A", "12", ""),
        ("GAD-7", "15", "Severe"),
        ("PSC-17", "", "Positive"),
        ("SDQ", "17.5", "Abnormal"),
        ("BESS", "64", "Elevated"),
        ("C-SSRS", "", "High risk"),
    ],
)
def test_a_score_a_band_or_both_become_a_screening(
    tmp_path: Path, instrument: str, score: str, result: str
) -> None:
    found = outcome(tmp_path, instrument, score, result)
    assert isinstance(found, Mapped)
    assert isinstance(found.record, StudentScreening)
    (total,) = found.record.scores
    assert str(total.score if total.score is not None else "") == score
    assert (total.band.text if total.band else "") == result


@pytest.mark.parametrize(
    ("instrument", "score", "result", "words"),
    [
        ("PHQ-9", "28", "", "beyond the greatest, 27"),
        ("PHQ-9", "9", "Moderate", "outside the range"),
        ("GAD-7", "5", "Moderately severe", "never called"),
        ("C-SSRS", "", "Elevated", "never called"),
        ("SDQ", "", "", "neither a score nor a band"),
        ("PHQ-9", "-1", "", "is no number"),
        ("PHQ-2", "3", "", "does not know"),
    ],
)
def test_what_contradicts_itself_is_held_without_its_values(
    tmp_path: Path, instrument: str, score: str, result: str, words: str
) -> None:
    found = outcome(tmp_path, instrument, score, result)
    assert isinstance(found, Held)
    told = " ".join(map(str, found.reasons))
    assert words in told
    assert not result or result not in told


def test_the_band_of_one_column_is_not_the_band_of_another(tmp_path: Path) -> None:
    header = ",".join(word.text for word in load_map("basc3-bess").main.headings)
    row = "S,N,100,2,F,,,,Parent,,,10/20/2022,BESS-3 (Parent),64,41,90,{},13,{}" + "," * 8
    path = tmp_path / "bess.csv"
    rows = [row.format("Elevated", "Elevated Risk"), row.format("Elevated Risk", "Elevated")]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    good, bad = compile_map(load_map("basc3-bess")).run([path])
    assert isinstance(good, Mapped)
    assert flatten(good.record)["band.bess"] == flatten(good.record)["band.bess-eri"] == "elevated"
    assert isinstance(bad, Held)


def test_a_total_is_compared_with_all_answers_and_never_made_from_them(tmp_path: Path) -> None:
    header = "Screening ID,Student ID,Date," + ",".join(f"Q{n}" for n in range(1, 10)) + ",Total"
    rows = [
        "S1,1,9/14/2026,1,1,1,1,1,1,1,1,1,9",
        "S2,1,9/14/2026,1,1,1,1,1,1,1,1,1,10",
        "S3,1,9/14/2026,1,1,1,1,1,1,1,1,1,",
        "S4,1,9/14/2026,1,1,,1,1,1,1,1,1,12",
    ]
    path = tmp_path / "phq.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    right, wrong, without, partly = compile_map(load_map("phq-9-answers")).run([path])
    assert isinstance(wrong, Held)
    assert "not the sum" in str(wrong.reasons[0])
    for found, scores in ((right, 1), (without, 0), (partly, 1)):
        assert isinstance(found, Mapped)
        assert isinstance(found.record, StudentScreening)
        assert len(found.record.scores) == scores
