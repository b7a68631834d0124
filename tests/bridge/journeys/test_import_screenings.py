"""Screenings are kept with the student and told with open referrals alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bridge.errors import BridgeError
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.files.held_rows import row_key, write_held
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.files.import_screenings import ScreeningReport, import_screenings
from bridge.journeys.files.run_maps import compiled_map, run_of
from bridge.store.database.engine import read
from bridge.store.directory import held
from mappings.canonical import Coded, ItemAnswer, ScaleResult, StudentScreening
from mappings.language import Mapped
from tests.support.screening_records import gad_7
from tests.support.worlds import COVE, LEA, World, caller, form_education, put_task, referral

Json = dict[str, Any]


def screening(number: int, score: str = "12", **changes: object) -> StudentScreening:
    """Return the GAD-7 of the n-th student, with its answers."""
    result = ScaleResult("gad-7", Decimal(score), Coded("moderate", "Moderate"))
    answers = tuple(ItemAnswer(f"gad-7.{n}", "1") for n in range(1, 8))
    who = Coded("self", "Student")
    made = gad_7(number, f"S-{number}", scores=(result,), answers=answers, respondent=who)
    return replace(made, **changes)


def brought(world: World, *rows: StudentScreening) -> ScreeningReport:
    return import_screenings(world.parts, LEA, [Mapped(row, row.origin.row) for row in rows])


def enrolled(world: World, *numbers: int) -> None:
    rows = [Mapped(referral(n).student, n) for n in numbers]
    import_roster(world.parts, LEA, rows)


def gad(world: World, client: str = "harbor-ehr") -> list[Json]:
    """Return the GAD-7 results a provider finds."""
    found = world.web(client).found("/fhir/Observation")
    return [o for o in found if "gad-7" in {c["code"] for c in o["code"]["coding"]}]


def kept(world: World) -> dict[str, int]:
    """Return how much is kept; asking leaves marks of its own in other tables."""
    names = ("record", "search_value", "student", "evidence", "held_row")
    return {name: count for name, count in world.counts().items() if name in names}


def codes(report: ScreeningReport) -> list[tuple[str, ...]]:
    return [row.codes for row in report.held]


def test_results_are_told_with_an_open_referral(world: World) -> None:
    world.refer([referral(1)])

    report = brought(world, screening(1))

    assert (report.stored, report.told, report.alone) == (1, 1, 0)
    (told,) = gad(world)
    assert told["valueQuantity"]["value"] == 12
    assert told["effectiveDateTime"] == "2026-09-14"
    patient = world.web().found("/fhir/ServiceRequest")[0]["subject"]
    assert told["subject"] == patient


def test_answers_and_who_gave_them_leave_to_nobody(world: World) -> None:
    world.refer([referral(1)])
    brought(world, screening(1))

    (told,) = gad(world)
    assert not {"derivedFrom", "extension", "method", "interpretation"} & set(told)
    assert world.web().found("/fhir/QuestionnaireResponse") == []


def test_a_student_without_a_referral_is_kept_and_told_to_nobody(world: World) -> None:
    world.refer([referral(1)])
    enrolled(world, 2)
    seen = world.web().found("/fhir/Observation")

    report = brought(world, screening(2))

    assert (report.stored, report.told, report.alone) == (1, 0, 1)
    for client in ("harbor-ehr", "cove-ehr", "millbrook-sis", "state-hub"):
        answer = world.web(client).get("/fhir/Observation")
        assert answer.status_code in (200, 403), client
    assert world.web().found("/fhir/Observation") == seen


def test_a_file_brought_again_after_the_referral_tells_its_results(world: World) -> None:
    enrolled(world, 1)
    brought(world, screening(1))
    world.refer([referral(1)])
    assert gad(world) == []

    report = brought(world, screening(1))

    assert (report.unchanged, report.told) == (1, 1)
    assert len(gad(world)) == 1


def test_importing_screenings_twice_is_importing_them_once(world: World) -> None:
    world.refer([referral(1), referral(2)])
    brought(world, screening(1), screening(2))
    before, seen = kept(world), gad(world)
    world.clock.advance(timedelta(days=1))

    report = brought(world, screening(1), screening(2))

    assert (report.stored, report.unchanged, report.held) == (0, 2, [])
    assert kept(world) == before
    assert gad(world) == seen


@pytest.mark.parametrize("answer", ["refused", "pending"])
def test_without_the_form_no_result_leaves(world: World, answer: str) -> None:
    world.refer([referral(1, releases=(form_education(answer=answer),))])

    report = brought(world, screening(1))

    assert (report.told, gad(world)) == (1, [])


def test_revoking_the_form_ends_it(world: World) -> None:
    world.refer([referral(1)])
    brought(world, screening(1))
    request = world.id_of("ServiceRequest", "R-1")
    assert len(gad(world)) == 1

    revoke_release(world.parts, world.bridge.identifiers.issue("release", request, "education"))

    assert gad(world) == []


def test_a_result_goes_to_the_provider_of_the_referral_and_no_other(world: World) -> None:
    world.refer([referral(1)])
    world.refer([referral(2)], COVE)

    brought(world, screening(1), screening(2, "7"))

    assert [o["valueQuantity"]["value"] for o in gad(world)] == [12]
    assert [o["valueQuantity"]["value"] for o in gad(world, "cove-ehr")] == [7]


def test_a_result_told_to_nobody_changes_nothing_a_provider_can_see(world: World) -> None:
    """Not even when the referral last changed: a withheld result is as one that never was."""
    world.refer([referral(1, releases=()), referral(2)])
    web = world.web()
    kinds = ("Task", "ServiceRequest", "Patient", "Observation")
    before = [web.found(f"/fhir/{kind}") for kind in kinds]
    world.clock.advance(timedelta(minutes=1))

    brought(world, screening(1))

    assert [web.found(f"/fhir/{kind}") for kind in kinds] == before


def test_a_closed_referral_is_told_nothing_new(world: World) -> None:
    world.refer([referral(1)])
    web = world.web()
    assert put_task(web, web.found("/fhir/Task")[0], "rejected").status_code == 200

    report = brought(world, screening(1))

    assert (report.told, report.alone, gad(world)) == (0, 1, [])


def test_an_unknown_student_is_held_until_the_roster_knows_them(world: World) -> None:
    report = brought(world, screening(7))
    assert (codes(report), report.stored) == ([("unknown-student",)], 0)
    enrolled(world, 7)

    report = brought(world, screening(7))

    assert (report.stored, waiting(world)) == (1, 0)


def waiting(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return len(held(connection, LEA))


def test_one_key_for_two_students_holds_the_second(world: World) -> None:
    world.refer([referral(1), referral(2)])
    brought(world, screening(1))

    report = brought(world, replace(screening(2), key="S-1"))

    assert codes(report) == [("other-student",)]
    assert [o["valueQuantity"]["value"] for o in gad(world)] == [12]


@pytest.mark.parametrize(
    "other",
    [
        {"scores": (ScaleResult("gad-7", Decimal(13)),)},
        {"scores": ()},
        {"answers": ()},
        {"screened_on": date(2026, 9, 15)},
        {"instrument": Coded("phq-9", "PHQ-9"), "scores": (ScaleResult("phq-9", Decimal(3)),)},
    ],
    ids="+".join,
)
def test_other_content_under_a_known_key_is_held_and_changes_nothing(
    world: World, other: dict[str, Any]
) -> None:
    if "instrument" in other:
        other = {**other, "answers": ()}
    world.refer([referral(1)])
    brought(world, screening(1))
    before, seen = kept(world), gad(world)

    report = brought(world, screening(1, **other))

    assert codes(report) == [("differs-from-import",)]
    assert gad(world) == seen
    assert kept(world) == before | {"held_row": 1}


SCORES = "Screening ID,Student ID,Instrument,Date,Answered by,Score,Result\n"


def scores_file(path: Path, *rows: str) -> Path:
    path.write_text(SCORES + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def in_files(world: World, path: Path) -> ScreeningReport:
    return import_screenings(world.parts, LEA, run_of("screening-scores", [path]))


def sheet_of(world: World, source: Path, report: ScreeningReport, out: Path) -> Path:
    rows = {
        h.origin.row: (" | ".join(h.texts), row_key(world.parts.identifiers, LEA, h.origin))
        for h in report.held
    }
    assert write_held(compiled_map("screening-scores"), [source], rows, out) == len(rows)
    return out


def test_a_person_confirms_a_correction_by_bringing_it_back(world: World, tmp_path: Path) -> None:
    world.refer([referral(1)])
    row = "A1,1001,GAD-7,2026-09-14,Student,{},"
    in_files(world, scores_file(tmp_path / "one.csv", row.format(12)))
    world.clock.advance(timedelta(minutes=1))
    source = scores_file(tmp_path / "two.csv", row.format(4))
    report = in_files(world, source)
    assert codes(report) == [("differs-from-import",)]
    assert gad(world)[0]["valueQuantity"]["value"] == 12
    sheet = sheet_of(world, source, report, tmp_path / "held.xlsx")

    report = in_files(world, sheet)

    assert (report.corrected, report.held, waiting(world)) == (1, [], 0)
    (told,) = gad(world)
    assert (told["status"], told["valueQuantity"]["value"]) == ("corrected", 4)
    before = kept(world)
    assert (in_files(world, sheet).unchanged, gad(world)) == (1, [told])
    assert kept(world) == before


def test_a_confirmed_row_that_was_edited_once_more_waits_again(
    world: World, tmp_path: Path
) -> None:
    enrolled(world, 1)
    row = "A1,1001,GAD-7,2026-09-14,Student,{},"
    in_files(world, scores_file(tmp_path / "one.csv", row.format(12)))
    source = scores_file(tmp_path / "two.csv", row.format(4))
    sheet = sheet_of(world, source, in_files(world, source), tmp_path / "held.xlsx")
    book = openpyxl.load_workbook(sheet)
    page = book.active
    assert page is not None
    column = {cell.value: cell.column for cell in page[1]}["Score"]
    page.cell(2, column).value = "5"
    book.save(sheet)

    assert codes(in_files(world, sheet)) == [("differs-from-import",)]


def test_a_result_that_a_correction_leaves_out_was_entered_in_error(world: World) -> None:
    world.refer([referral(1)])
    both = (ScaleResult("psc-17", Decimal(9)), ScaleResult("psc-17-attention", Decimal(4)))
    first = screening(1, instrument=Coded("psc-17", "PSC-17"), scores=both, answers=())
    brought(world, first)
    less = replace(first, scores=both[:1])
    (waits,) = brought(world, less).held
    ticket = row_key(world.parts.identifiers, LEA, waits.origin)
    back = replace(less, origin=replace(less.origin, ticket=ticket))

    report = brought(world, back)

    assert report.corrected == 1
    found = world.web().found("/fhir/Observation")
    by_code = {o["code"]["coding"][-1]["code"]: o for o in found}
    gone = by_code["psc-17-attention"]
    assert (gone["status"], "valueQuantity" in gone) == ("entered-in-error", False)
    assert by_code["psc-17"]["status"] == "final"
    assert brought(world, less).unchanged == 1
    assert codes(brought(world, first)) == [("differs-from-import",)]


def test_a_batch_of_screenings_that_breaks_off_leaves_nothing(world: World) -> None:
    world.refer([referral(1)])
    before = world.counts()
    rows: Iterable[Any] = [Mapped(screening(1), 2), Mapped(referral(1), 3)]

    with pytest.raises(BridgeError, match="kind screening"):
        import_screenings(world.parts, LEA, rows)

    assert world.counts() == before


def test_there_must_be_such_a_district(world: World) -> None:
    with pytest.raises(BridgeError, match="no district"):
        import_screenings(world.parts, "nowhere", [Mapped(screening(1), 2)])


def test_a_shipped_file_of_each_kind_comes_in(world: World, tmp_path: Path) -> None:
    enrolled(world, 1)
    answers = tmp_path / "answers.csv"
    answers.write_text(
        "Screening ID,Student ID,Date,Q1,Q2,Q3,Q4,Q5,Q6,Q7,Q8,Q9,Total\n"
        "P1,1001,9/14/2026,1,1,1,1,1,1,1,1,1,9\n",
        encoding="utf-8",
    )

    report = import_screenings(world.parts, LEA, run_of("phq-9-answers", [answers]))

    assert (report.read, report.stored) == (1, 1)


def test_only_the_gate_knows_a_withheld_result(world: World) -> None:
    world.refer([referral(1, releases=())])
    brought(world, screening(1))
    id_of = world.bridge.identifiers.issue
    key = f"{world.id_of('ServiceRequest', 'R-1')}/screening-scores/S-1/gad-7"
    observation = id_of(LEA, "harbor", "Observation", key)
    assert world.stored("Observation", observation)["valueQuantity"]["value"] == 12

    assert world.bridge.gate.read(caller(), "Observation", observation) is None
