"""Files no import can use: one clear line, exit code 1, nothing written, in bounded time and room.

Each file is given to the command line itself, in a process of its own.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.schema import metadata
from bridge.settings import read_settings
from bridge.store.database.engine import open_engine, read
from tests.faults.deployment import make_deployment
from tests.support.nursery import born
from tests.support.worlds import HARBOR, LEA

MOST_SECONDS = 10
MOST_MEMORY = 300 * 2**20
VALUE = "Zebulonia"  # stands for what a record says
DATA = files("bridge.demo").joinpath("data")


def sample() -> bytes:
    return DATA.joinpath("millbrook-referrals.csv").read_bytes()


def header() -> bytes:
    return sample().splitlines(keepends=True)[0]


def row() -> bytes:
    """A row of the sample, with a name that must not be told."""
    second = sample().splitlines(keepends=True)[1]
    assert b"Eastwick" in second
    return second.replace(b"Eastwick", VALUE.encode())


def long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(header() + row()[:-1])
        for _ in range(200):
            file.write(VALUE.encode() * (2**20 // len(VALUE)))


def long_quoted_cell(path: Path) -> None:
    line = (VALUE * 10 + "\n").encode()
    path.write_bytes(header() + b'"' + line * (20 * 2**20 // len(line)))


def workbook(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def bomb(path: Path) -> None:
    """A real workbook whose sheet unpacks to half a gigabyte."""
    with zipfile.ZipFile(str(DATA.joinpath("millbrook-referrals.xlsx"))) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            if name != "xl/worksheets/sheet1.xml":
                made.writestr(name, content)
        with made.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            before, _, after = parts["xl/worksheets/sheet1.xml"].partition(b"<sheetData>")
            sheet.write(before + b"<sheetData>")
            for _ in range(512):
                sheet.write(b" " * 2**20)
            sheet.write(after)
    path.write_bytes(out.getvalue())


BAD: dict[str, Callable[[Path], object]] = {
    "wrong-header.csv": lambda p: p.write_bytes(b"Colour,Shape\n" + VALUE.encode() + b",round\n"),
    "missing-column.csv": lambda p: p.write_bytes(
        header().replace(b"Urgency,", b"") + row().replace(b"As soon as possible,", b"")
    ),
    "empty.csv": lambda p: p.write_bytes(b""),
    "blank.csv": lambda p: p.write_bytes(b"\n\n\n"),
    "only-a-header.csv": lambda p: p.write_bytes(header()),
    "one-column.csv": lambda p: p.write_bytes(f"Name\n{VALUE}\n".encode()),
    "semicolons.csv": lambda p: p.write_bytes((header() + row()).replace(b",", b";")),
    "binary.csv": lambda p: p.write_bytes(bytes(range(256)) * 400),
    "picture.csv": lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000)),
    "utf-16-cut.csv": lambda p: p.write_bytes((header() + row()).decode().encode("utf-16")[:-1]),
    "utf-16-bare.csv": lambda p: p.write_bytes((header() + row()).decode().encode("utf-16-le")),
    "old.xls": lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)),
    "cut.xlsx": lambda p: p.write_bytes(b"PK\x03\x04" + bytes(5000)),
    "no-sheet.xlsx": lambda p: p.write_bytes(workbook({"a.txt": b"a"})),
    "bomb.xlsx": bomb,
    "zeroes.xlsx": lambda p: p.write_bytes(workbook({"xl/workbook.xml": bytes(400 * 2**20)})),
    "long-line.csv": long_line,
    "long-quote.csv": long_quoted_cell,
    "cp1252.csv": lambda p: p.write_bytes(header() + row().replace(b"Wren", b"Zo\xeb")),
    "cp1252-late.csv": lambda p: p.write_bytes(
        sample() + row().replace(b"MPS-2026-0001", b"MPS-X").replace(b"Wren", b"Zo\xeb")
    ),
    "nul.csv": lambda p: p.write_bytes(header() + row().replace(b"Wren", b"Wr\x00n")),
    "nul-late.csv": lambda p: p.write_bytes(sample() + row().replace(b"Wren", b"Wr\x00n")),
    "open-quote.csv": lambda p: p.write_bytes(sample() + b'"' + row()),
    "a-folder": lambda p: p.mkdir(),
    "missing.csv": lambda _: None,
}


# What the line says of the place, where it can know one.
PLACES = {
    "cp1252.csv": "row 2",
    "cp1252-late.csv": "row 2",
    "nul.csv": "row 2",
    "long-quote.csv": "row 2",
    "bomb.xlsx": "sheet",
    "missing-column.csv": "Urgency",
}


@dataclass
class Ended:
    """A command that has ended, and what it took: seconds of a processor, bytes of memory."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int


def run(home: Path, file: Path) -> Ended:
    """Import a file in a process of its own."""
    out, err = file.with_name("out.txt"), file.with_name("err.txt")
    words = ["import", "referrals", str(file), "--lea", LEA, "--provider", HARBOR]
    done = born([*words, "--home", str(home)], out, err)
    code = done.wait(120)
    return Ended(code, out.read_text(), err.read_text(), done.seconds, done.memory)


def counts(home: Path) -> dict[str, int]:
    engine = open_engine(read_settings(home).database_url)
    with read(engine) as connection:
        found = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 - names of ours
            for name in metadata.tables
        }
    engine.dispose()
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with referrals in it."""
    folder = tmp_path_factory.mktemp("deployment") / "bridge"
    return make_deployment(folder, "sqlite:///bridge.sqlite3", referrals=3).home


@pytest.mark.parametrize("name", BAD)
def test_a_file_no_import_can_use_gets_one_line_that_says_where_and_nothing_is_written(
    home: Path, tmp_path: Path, name: str
) -> None:
    BAD[name](tmp_path / name)
    before = counts(home)
    ended = run(home, tmp_path / name)
    assert ended.code == 1, ended
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("schoolbridge: ")
    assert name in ended.err
    assert PLACES.get(name, "") in ended.err
    assert ended.out == ""
    assert counts(home) == before
    assert ended.seconds <= MOST_SECONDS
    assert ended.memory <= MOST_MEMORY
    for told in (VALUE, "Traceback", "unexpected", str(tmp_path)):
        assert told not in ended.err


def test_the_same_command_takes_a_good_file(home: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_bytes(header() + row())
    before = counts(home)
    ended = run(home, good)
    assert ended.code == 0, ended.err
    assert counts(home)["record"] > before["record"]
