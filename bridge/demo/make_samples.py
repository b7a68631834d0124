"""Make the synthetic input files of the demonstration: ``python -m bridge.demo.make_samples``.

The same seed gives the same files, byte for byte (the workbook: cell for cell).
"""

import csv
import io
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from bridge.demo.sample_form import form_rows, office_rows, roster_rows
from bridge.demo.sample_messages import message_template
from bridge.demo.sample_referrals import Row, referral_rows
from mappings.language import load_map

DATA: Final = Path(__file__).parent / "data"
_NATIVE_DATES: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_NATIVE_NUMBERS: Final = ("Discipline incidents", "Student ID")
Cell = str | int | date


def sample_texts() -> dict[str, str]:
    """Return the text files by name."""
    form = _recorded("somerville-mtss-form", "form")
    roster = roster_rows()
    return {
        "millbrook-referrals.csv": _csv(referral_rows(_recorded("schoolbridge-template"))),
        "millbrook-roster.csv": _csv(roster),
        "millbrook-mtss-form.csv": _csv(form_rows(_form_header(form))),
        "millbrook-office.csv": _csv(office_rows(_recorded("somerville-mtss-form", "office"))),
        "harbor-messages.template.hl7": message_template(DATA / "originals"),
    }


def workbook_rows() -> list[list[Cell]]:
    """Return the referrals as a workbook holds them: days and some numbers are no text there."""
    rows = referral_rows(_recorded("schoolbridge-template"))
    return [list(rows[0]), *([_native(name, text) for name, text in row.items()] for row in rows)]


def write_samples(folder: Path) -> None:
    """Write all files."""
    for name, text in sample_texts().items():
        (folder / name).write_bytes(text.encode())
    _write_workbook(folder / "millbrook-referrals.xlsx")


def _recorded(map_id: str, role: str = "") -> tuple[str, ...]:
    document = load_map(map_id)
    source = document.source(role) if role else document.main
    return tuple(word.text for word in source.headings) if source else ()


def _form_header(recorded: tuple[str, ...]) -> tuple[str, ...]:
    """Return the form's header as the public fixture has it, stray spaces included."""
    with (DATA / "originals" / "mtss_referral_fixture.csv").open(newline="") as stream:
        header = tuple(next(csv.reader(stream)))
    if tuple(heading.strip() for heading in header) != recorded:
        raise ValueError("the fixture's header and the map's recorded headings differ")
    return header


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _native(heading: str, text: str) -> Cell:
    if _NATIVE_DATES.match(text):
        return date.fromisoformat(text)
    if heading in _NATIVE_NUMBERS and text.isdecimal():
        return int(text)
    return text


def _write_workbook(path: Path) -> None:
    from openpyxl import Workbook  # noqa: PLC0415 - only this script writes workbooks

    book = Workbook()
    book.properties.created = book.properties.modified = datetime(2026, 8, 31, tzinfo=UTC)
    sheet = book.active
    if sheet is None:
        raise ValueError("a new workbook has a sheet")
    sheet.title = "Referrals"
    for row in workbook_rows():
        sheet.append(row)
    book.save(path)


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
