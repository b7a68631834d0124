"""Each of these must end soon and small: measured in a process of its own."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

READ = """
import json, pathlib, re, sys, time
from mappings.readers import SourceError, SourceFormat, open_table
start = time.process_time()
try:
    for _ in open_table(pathlib.Path(sys.argv[1]), SourceFormat(("csv", "xlsx"))).rows: pass
    outcome = "read"
except SourceError as error:
    outcome = str(error)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([outcome, time.process_time() - start, peak]))
"""


def read_in_a_process(path: Path, fault: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - the interpreter itself
        [sys.executable, "-c", fault + READ, str(path)], capture_output=True, text=True, check=True
    )
    outcome, seconds, megabytes = json.loads(done.stdout)
    assert seconds < 2
    assert megabytes < 256
    return outcome


def workbook(path: Path, sheet: bytes | None = None) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.save(path)
    if sheet is None:
        return path
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


def sheet_with(cells: bytes) -> bytes:
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (space, cells)


def test_a_line_of_200_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n1,")
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
    assert "longer than" in read_in_a_process(path)


def test_a_row_that_never_closes_its_quotes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_bytes(b"a,b\n" + b'"x","y\n' * 8_000_000)
    assert "row 2" in read_in_a_process(path)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book,
        book.open("xl/media/image1.png", "w", force_zip64=True) as part,
    ):
        for _ in range(300):
            part.write(b"\0" * 1_000_000)
    assert "unpacks to more" in read_in_a_process(path)


def test_a_part_that_declares_a_small_size_is_counted_by_what_comes_out(tmp_path: Path) -> None:
    path = workbook(tmp_path / "liar.xlsx", sheet_with(b" " * 150_000_000))
    data = bytearray(path.read_bytes())
    true_size = (150_000_000 + len(sheet_with(b""))).to_bytes(4, "little")
    assert true_size in data
    path.write_bytes(bytes(data).replace(true_size, (1000).to_bytes(4, "little")))
    assert "unpacks to more" in read_in_a_process(path)


def test_a_far_away_cell_is_refused_before_memory_is_reserved(tmp_path: Path) -> None:
    cells = b'<row r="1"><c r="A1"><v>1</v></c></row><row><c r="XFD1048576"><v>1</v></c></row>'
    path = workbook(tmp_path / "far.xlsx", sheet_with(cells))
    assert "cell XFD1048576: spans more than" in read_in_a_process(path)


@pytest.mark.parametrize(
    "cell",
    [
        b'<row r="1"><c r="D9999999999991"><v>1</v></c></row>',
        b'<row r="9999999"><c><v>1</v></c><c><v>1</v></c></row>',
        b'<row r="1"><c s=">" r="XFD1048576"><v>1</v></c></row>',
        b'<row r="1"><c r="ZZZZZZ9"><v>1</v></c></row>',
        b'<row r="1"><c ' + b" " * 1_048_400 + b'r="XFD1048576"><v>1</v></c></row>',
    ],
    ids=["column", "row", "style", "letters", "far apart"],
)
def test_a_reference_no_spreadsheet_writes_is_refused(tmp_path: Path, cell: bytes) -> None:
    outcome = read_in_a_process(workbook(tmp_path / "odd.xlsx", sheet_with(cell)))
    assert "spans more than" in outcome or "open it in Excel" in outcome


def test_a_workbook_of_very_many_parts_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "parts.xlsx")
    with zipfile.ZipFile(path, "a") as book:
        for number in range(1_001):
            book.writestr(f"xl/p{number}", "")
    assert "parts" in read_in_a_process(path)


CAPS = {
    "MAX_PARTS": (20, {f"xl/p{number}": b"" for number in range(20)}),
    "MAX_UNPACKED": (90_000, {"xl/a.png": bytes(range(256)) * 400}),
    "MAX_CELLS": (
        100,
        {"xl/worksheets/sheet2.xml": sheet_with(b'<row r="60"><c r="B60"><v>1</v></c></row>')},
    ),
    "MAX_RATIO": (30, {"xl/a.png": b"\0" * 2_000_000}),
}


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_that_is_not_kept_is_noticed(tmp_path: Path, cap: str) -> None:
    """A file a little beyond one cap, made small for it, is refused; it is read without the cap."""
    most, parts = CAPS[cap]
    path = workbook(tmp_path / "beyond.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            book.writestr(name, data)
    fault = f"import mappings.readers.workbook_limits as limits\nlimits.{cap} = "
    assert "beyond.xlsx" in read_in_a_process(path, f"{fault}{most}")
    assert read_in_a_process(path, f"{fault}10**12") == "read"


@pytest.mark.parametrize("data", [b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_damaged_or_old_workbook_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "old.xlsx"
    path.write_bytes(data)
    assert "save it" in read_in_a_process(path)


def test_another_kind_of_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.docx"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as book:
        book.writestr("word/document.xml", "<x/>")
    path.write_bytes(data.getvalue())
    assert "no .xlsx workbook" in read_in_a_process(path)
