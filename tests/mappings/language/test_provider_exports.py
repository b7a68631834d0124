"""Whole exports of providers through the shipped maps: zips, joins, pairs of columns, overlaps."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from mappings.canonical import ServiceSession
from mappings.language import Held, Mapped, compile_map, load_map
from mappings.readers import SourceError

FHIR = Path(__file__).parents[1] / "readers" / "data" / "fhir"
HL7 = Path(__file__).parents[1] / "readers" / "data"
EXPORTED = datetime(2026, 9, 18, tzinfo=ZoneInfo("America/New_York"))


def outcomes(name: str, *paths: Path) -> list[Mapped | Held]:
    return list(compile_map(load_map(name)).run(list(paths), EXPORTED))


def sessions(found: list[Mapped | Held]) -> list[ServiceSession]:
    assert [row for row in found if isinstance(row, Held)] == []
    return [row.record for row in found if isinstance(row.record, ServiceSession)]


def examples(name: str) -> dict[str, dict[str, str]]:
    """Return the rows of the first example of a map by source."""
    given = load_map(name).examples[0].given
    return {role: row for role, row in given.items() if isinstance(row, dict)}


def zipped(path: Path, texts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def ndjson(*rows: dict[str, str]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def table(headings: list[str], *rows: dict[str, str]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, headings)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def headings(name: str, role: str) -> list[str]:
    source = load_map(name).source(role)
    assert source is not None
    return [word.text for word in source.headings]


def test_a_zip_of_ndjson_is_joined_by_client_and_clinician(tmp_path: Path) -> None:
    rows = examples("credible-style")
    texts = {
        "export/ClientVisit.ndjson": ndjson(rows["visits"], {**rows["visits"], "Visit Id": "2"}),
        "export/Client.ndjson": ndjson(rows["clients"]),
        "export/Employee.ndjson": ndjson(rows["staff"]),
        "export/ClientAllergy.ndjson": ndjson({"Client Id": "4102"}),
    }
    found = sessions(outcomes("credible-style", zipped(tmp_path / "e.zip", texts)))
    assert [session.key for session in found] == ["88001", "2"]
    assert {session.patient_id for session in found} == {"P-1"}
    assert found[0].origin.file == "e.zip/ClientVisit.ndjson"


def test_a_zip_of_tables_keeps_two_clients_of_one_group_apart(tmp_path: Path) -> None:
    name, rows = "carelogic-style", examples("carelogic-style")
    other = {"CLIENT_ID": "312"}
    names = (("activities", "CLIENT_ACTIVITY"), ("clients", "CLIENT"), ("staff", "STAFF"))
    two = {
        "activities": [rows["activities"], {**rows["activities"], **other}],
        "clients": [rows["clients"], {**rows["clients"], **other, "EXTERNAL_ID": "P-8"}],
        "staff": [rows["staff"]],
    }
    texts = {f"{part}.csv": table(headings(name, role), *two[role]) for role, part in names}
    found = sessions(outcomes(name, zipped(tmp_path / "e.zip", texts)))
    assert [session.patient_id for session in found] == ["P-7", "P-8"]
    assert len({session.key for session in found}) == 2


def test_a_zip_without_a_needed_table_is_refused(tmp_path: Path) -> None:
    texts = {"CLIENT.csv": table(headings("carelogic-style", "clients"))}
    with pytest.raises(SourceError, match="must hold one file named CLIENT_ACTIVITY"):
        outcomes("carelogic-style", zipped(tmp_path / "e.zip", texts))


def test_the_files_of_a_zip_may_come_unpacked(tmp_path: Path) -> None:
    rows = examples("credible-style")
    for role, part in (("visits", "ClientVisit"), ("clients", "Client"), ("staff", "Employee")):
        (tmp_path / f"{part}.ndjson").write_text(ndjson(rows[role]), encoding="utf-8")
    assert len(sessions(outcomes("credible-style", tmp_path))) == 1


def week(folder: Path, name: str, *rows: dict[str, str]) -> Path:
    (folder / name).write_text(table(headings("weekly-sheet", "sheet"), *rows), encoding="utf-8")
    return folder / name


def test_weeks_that_overlap_give_equal_sessions_and_a_correction_a_new_one(tmp_path: Path) -> None:
    row = examples("weekly-sheet")["sheet"]
    late = {**row, "Appointment ID": "A-9", "Date": "9/11/2026"}
    first = week(tmp_path, "1.csv", row)
    again = week(tmp_path, "2.csv", late, {**row, "Status": "No Show"})
    before, after = (sessions(outcomes("weekly-sheet", path)) for path in (first, again))
    assert [session.key for session in after] == ["A-9", "A-1"]
    assert (before[0].key, before[0].starts) == (after[1].key, after[1].starts)
    assert (before[0].attendance.value, after[1].attendance.value) == ("attended", "no-show")


def test_days_and_times_of_a_workbook_are_read_as_those_of_a_text(tmp_path: Path) -> None:
    row: dict[str, object] = dict(examples("weekly-sheet")["sheet"])
    typed = {"Date": date(2026, 9, 14), "Start": time(9, 30), "End": time(10, 15)}
    book = openpyxl.Workbook()
    book.active.append(headings("weekly-sheet", "sheet"))
    for cells in (row, {**row, **typed, "Appointment ID": "A-2"}):
        book.active.append([cells.get(name) for name in headings("weekly-sheet", "sheet")])
    book.save(tmp_path / "week.xlsx")
    first, second = sessions(outcomes("weekly-sheet", tmp_path / "week.xlsx"))
    assert (first.starts, first.ends) == (second.starts, second.ends)
    assert first.starts == datetime(2026, 9, 14, 13, 30, tzinfo=UTC)


def test_the_same_row_twice_in_one_sheet_counts_once(tmp_path: Path) -> None:
    row = examples("weekly-sheet")["sheet"]
    run = compile_map(load_map("weekly-sheet")).run([week(tmp_path, "w.csv", row, row)], EXPORTED)
    assert len(list(run)) == 1
    assert run.report.duplicates == 1


FOREIGN = sorted(FHIR.glob("*json"))


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.name)
def test_visits_of_nobody_the_bridge_knows_are_all_held(path: Path) -> None:
    found = outcomes("fhir-encounters", path)
    assert found
    assert all(isinstance(row, Held) for row in found)
    reasons = [str(reason) for row in found if isinstance(row, Held) for reason in row.reasons]
    assert any("no identifier of the bridge" in text for text in reasons)


@pytest.mark.parametrize("name", ["DFT-P03-01.hl7", "DFT-P03-02.hl7", "DFT-P11-01.hl7"])
def test_a_charge_for_something_else_is_held_and_never_a_visit(name: str) -> None:
    found = outcomes("hl7v2-dft", HL7 / name)
    assert found
    assert all(isinstance(row, Held) for row in found)


@pytest.mark.parametrize("name", [path.name for path in sorted(HL7.glob("REF-I12-*.hl7"))])
def test_a_referral_without_the_familys_answer_is_held(name: str) -> None:
    (found,) = outcomes("hl7v2-ref", HL7 / name)
    assert isinstance(found, Held)
    assert "not-on-form" in {str(reason.code) for reason in found.reasons}


@pytest.mark.parametrize("name", ["REF-I14-01.hl7", "REF-I14-02.hl7"])
def test_a_referral_called_off_is_no_new_one_although_its_structure_says_i12(name: str) -> None:
    (found,) = outcomes("hl7v2-ref", HL7 / name)
    assert isinstance(found, Held)
    assert [str(reason.code) for reason in found.reasons] == ["hold-when"]
