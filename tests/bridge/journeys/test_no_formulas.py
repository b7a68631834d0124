"""Whatever stands in a name or a reason, no download of the bridge makes a formula of it.

The short part reads each file as spreadsheet programs divide it; the long one opens the files with
LibreOffice, every formula it may evaluate switched on.
"""

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from bridge.journeys.files.export_referrals import ReferralExport
from bridge.journeys.files.write_columns import csv_text
from mappings.language.text_workbook import cell_fits, text_workbook
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_import_page import begun, lead
from tests.faults.seeds import told_seed
from tests.support.hostile_texts import formulas
from tests.support.worlds import LEA, World, referral

SIGNS = tuple("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
DIVIDERS = {",": "44", ";": "59", "\t": "9", ",;\t": "44/59/9"}
FIELDS = ("Description", "Guardian name", "Address", "Supports already tried", "Referred by")
MAP = "schoolbridge-template"


def begins(text: str) -> bool:
    return text.lstrip(" \u00a0\u3000\ufeff\u200b").startswith((*SIGNS, "\t", "\r", "\n"))


def cells(text: str) -> Iterator[str]:
    """Yield every cell of a CSV file, however a program divides it."""
    for delimiter in (",", ";", "\t", "|"):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield from row


def formulas_in(workbook: bytes) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    return [c.coordinate for sheet in book for row in sheet for c in row if c.data_type == "f"]


def hostile(world: World, texts: Sequence[str], count: int) -> int:
    """Refer students whose names and reasons are hostile; return how many were taken."""

    def text(n: int) -> str:
        return texts[n % len(texts)]

    rows = []
    for n in range(count):
        made = referral(n, student={"given_name": text(n)}, description=text(n + 2 * count))
        assert made.guardian
        guardian = replace(made.guardian, name=text(n + 3 * count))
        rows.append(replace(made, number=text(n + count), guardian=guardian))
    return world.refer(rows).stored


def downloads(world: World, texts: Sequence[str], folder: Path) -> dict[str, bytes]:
    """Return every file with texts of people that a page or a command gives."""
    counselor = Visitor.signed_in(world)
    files = {
        f"board.{end}": counselor.get(f"/portal/board.{end}").content for end in ("csv", "xlsx")
    }
    waiting = tuple(
        {"Referral number": f"H-{n}", "Urgency": ""}
        | {name: texts[(n * len(FIELDS) + k) % len(texts)] for k, name in enumerate(FIELDS)}
        for n in range(min(200, -(-len(texts) // len(FIELDS))))
    )
    visitor = lead(world)
    files["held.xlsx"] = visitor.get(f"{begun(visitor, waiting)}/held.xlsx").content
    for follow_up in (False, True):
        for end in ("csv", "xlsx"):
            out = folder / f"referrals-{follow_up}.{end}"
            school = (LEA, "referral_coordinator")
            ReferralExport(world.bridge, world.parts, school, MAP, follow_up).run(out)
            files[out.name] = out.read_bytes()
    return files


def test_no_cell_begins_a_formula_however_a_program_divides_the_file() -> None:
    chosen = told_seed()
    texts = formulas(chosen)
    assert len(texts) >= 5_000

    text = csv_text([["first", each, "last"] for each in texts])

    assert [cell for cell in cells(text) if begins(cell)] == []
    kept = [each for each in texts if cell_fits(each)]
    assert formulas_in(text_workbook("rows", [[each] for each in kept])) == []


def test_a_text_that_is_no_formula_is_written_as_it_is() -> None:
    plain = ["Cries in class; sleeps - a little", "Ann-Marie", "a = b", "x; y", "1|2", "O'Neil"]
    read = next(csv.reader(io.StringIO(csv_text([plain]))))
    assert read == plain


def test_the_judge_sees_a_formula_that_nobody_guarded() -> None:
    assert any(begins(cell) for cell in cells('a,"x;=1+1;2"\r\n'))
    assert any(begins(cell) for cell in cells('a,"x\r\n=1+1"\r\n'.replace('"', "")))


def test_no_download_of_a_page_or_a_command_begins_a_formula(lite: World, tmp_path: Path) -> None:
    chosen = told_seed()
    texts = formulas(chosen)[:60]
    assert hostile(lite, texts, 15) >= 5

    for name, content in downloads(lite, texts, tmp_path).items():
        if name.endswith("csv"):
            assert [cell for cell in cells(content.decode()) if begins(cell)] == [], name
        else:
            assert formulas_in(content) == [], name


def opened(folder: Path, file: Path, reading: str = "") -> int:
    """Open a file with LibreOffice; return how many formulas it sees."""
    out = folder / "opened"
    command = [shutil.which("soffice") or "", "--headless", "--norestore"]
    command += [f"-env:UserInstallation=file://{folder}/profile", "--convert-to", "fods"]
    if reading:
        # Detect special numbers, and evaluate formulas: what a person may have switched on.
        command.append(f"--infilter=CSV:{reading},34,76,1,,0,false,true,false,false,false,,true")
    subprocess.run(  # noqa: S603 - a program of this machine
        [*command, "--outdir", str(out), str(file)], check=True, capture_output=True, timeout=300
    )
    return (out / f"{file.stem}.fods").read_text(encoding="utf-8").count("table:formula=")


@pytest.mark.faults
@pytest.mark.skipif(
    shutil.which("soffice") is None,
    reason="no LibreOffice: apt-get install --no-install-recommends libreoffice-calc",
)
def test_libreoffice_sees_no_formula_in_any_download(lite: World, tmp_path: Path) -> None:
    chosen = told_seed()
    texts = formulas(chosen)
    control = tmp_path / "control.csv"
    control.write_text('a,=1+1\r\nb,"x;=1+1;2"\r\n', encoding="utf-8")
    assert opened(tmp_path, control, "44") == 1
    assert opened(tmp_path, control, "44/59/9") >= 1

    taken = hostile(lite, texts, 2_600)
    sys.stdout.write(f"{taken} referrals, {len(texts)} texts\n")
    assert 2 * taken >= 5_000

    for name, content in downloads(lite, texts, tmp_path).items():
        file = tmp_path / f"open-{name}"
        file.write_bytes(content)
        for reading in DIVIDERS.values() if name.endswith("csv") else ("",):
            found = opened(tmp_path, file, reading)
            sys.stdout.write(f"{name} {reading}: {found}\n")
            assert found == 0, (name, reading)
