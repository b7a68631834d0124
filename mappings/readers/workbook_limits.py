"""What a workbook may hold before it is opened.

An .xlsx file is a zip of XML. A small one can unpack to gigabytes, and one far-away cell makes a
reader reserve memory for every cell before it. So each part is unpacked here in pieces, counted by
what really comes out (never by what the zip declares), and the far corner of each sheet is found.

Two things that would make a value vanish are refused too: error cells (``#N/A``) and formulas that
were never calculated, because readers show both as empty cells.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from mappings.readers.errors import SourceError
from mappings.readers.table import column_letter

MAX_PARTS = 1_000
MAX_UNPACKED = 96_000_000
MAX_CELLS = 1_500_000
MAX_RATIO = 200
_PIECE = 1 << 20
# Text that may straddle two pieces and must still be recognised; a tag may be longer than this.
_OVERLAP = 512
_MAX_TAG = 8_192

# Every attribute ``r``, of whatever tag: a cell's reference, a row's number.
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)([^"'<>]*)["']""")
_UNREFERENCED = re.compile(rb"""<(?:\w+:)?c(?=[\s/>])(?![^<>]*\sr\s*=)""")
_ERROR = re.compile(rb"""<(?:\w+:)?c\s[^<>]*\bt\s*=\s*["']e["']""")
_UNCALCULATED = re.compile(
    rb"""<c\s(?![^<>]*\bt=["']str["'])[^<>]*>(?:<f[^<>]*>[^<]*</f>|<f[^<>]*/>)"""
    rb"""(?:<v\s*/>|<v></v>)?</c>"""
)


@dataclass(slots=True)
class _Corner:
    """The farthest cell of a sheet seen so far."""

    file: str
    rows: int = 0
    columns: set[bytes] = field(default_factory=set)

    def see(self, piece: bytes) -> None:
        found = _REFERENCE.findall(piece)
        self.columns.update({column.upper() for column, _ in found})
        for row in {row for _, row in found}:
            # A reference no spreadsheet writes makes a reader reserve memory without bound.
            if not row.isdigit() or len(row) > 7:
                raise _damaged(self.file)
            self.rows = max(self.rows, int(row))
        width = max((_column_number(column) for column in self.columns), default=0)
        if self.rows * width > MAX_CELLS:
            advice = f"spans more than {MAX_CELLS:,} cells; save the sheet as CSV UTF-8"
            where = f"cell {column_letter(width - 1)}{self.rows}"
            raise SourceError(self.file, where, advice)


def _damaged(file: str) -> SourceError:
    advice = "is a damaged or unusual Excel file; open it in Excel and save it again"
    return SourceError(file, "the whole file", advice)


def refuse_dangerous_workbook(stream: BinaryIO, file: str) -> None:
    """Look into a workbook without opening it.

    Raises:
        SourceError: it is no .xlsx workbook, is protected, unpacks to too much, spans too many
            cells, or holds error cells or formulas without a value.
    """
    try:
        parts = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _damaged(file) from None
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise SourceError(file, "the whole file", "is no .xlsx workbook; save it as .xlsx or CSV")
    if len(parts) > MAX_PARTS:
        raise SourceError(file, "the whole file", f"has more than {MAX_PARTS:,} parts")
    _refuse_declared_bomb(parts, file)
    _look_into(stream, parts, file)


def _refuse_declared_bomb(parts: list[zipfile.ZipInfo], file: str) -> None:
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED:
        raise _too_big(file)
    for part in parts:
        if part.file_size > _PIECE and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise _too_big(file)


def _too_big(file: str) -> SourceError:
    advice = f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB or is packed unnaturally tight"
    return SourceError(file, "the whole file", f"{advice}; save the sheet as CSV UTF-8")


def _look_into(stream: BinaryIO, parts: list[zipfile.ZipInfo], file: str) -> None:
    total = 0
    for part in parts:
        sheet = _Corner(file) if part.filename.startswith("xl/worksheets/") else None
        tail = b""
        for piece in _unpacked(stream, part, file):
            total += len(piece)
            if total > MAX_UNPACKED:
                raise _too_big(file)
            if sheet:
                tail = _look_at(sheet, tail + piece)


def _look_at(sheet: _Corner, data: bytes) -> bytes:
    """Look at a piece of a sheet; return its end, to be looked at again with the next piece."""
    # UTF-16 would hide every reference from the patterns.
    if b"\0" in data or _UNREFERENCED.search(data[: data.rfind(b">") + 1]):
        raise _damaged(sheet.file)
    sheet.see(data)
    _refuse_lost_values(data, sheet.file)
    opened = data.rfind(b"<")
    if opened < 0 or b">" in data[opened:]:
        return data[-_OVERLAP:]
    if len(data) - opened > _MAX_TAG:
        raise _damaged(sheet.file)
    return data[min(opened, max(len(data) - _OVERLAP, 0)) :]


def _refuse_lost_values(piece: bytes, file: str) -> None:
    for pattern, what in ((_ERROR, "an error (such as #N/A)"), (_UNCALCULATED, "no result yet")):
        if found := pattern.search(piece):
            reference = _REFERENCE.search(found.group())
            cell = b"".join(reference.groups()).decode() if reference else "a formula"
            advice = f"shows {what}; correct it or paste the column as values"
            raise SourceError(file, f"cell {cell}", advice)


def _unpacked(stream: BinaryIO, part: zipfile.ZipInfo, file: str) -> Iterator[bytes]:
    """Yield what a part really unpacks to, piece by piece."""
    if part.flag_bits & 0x1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceError(file, "the whole file", "is protected by a password; save it without")
    if part.header_offset < 0:
        raise _damaged(file)
    left = _seek_to_data(stream, part)
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := stream.read(min(left, 1 << 16))):
        left -= len(packed)
        yield from _pieces(inflate, packed, file)


def _pieces(inflate: "zlib._Decompress | None", packed: bytes, file: str) -> Iterator[bytes]:
    if inflate is None:
        yield packed
        return
    try:
        while packed:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail
    except zlib.error:
        raise _damaged(file) from None


def _seek_to_data(stream: BinaryIO, part: zipfile.ZipInfo) -> int:
    """Go to the packed bytes of a part; return how many there are."""
    stream.seek(part.header_offset)
    header = stream.read(30)
    if len(header) == 30:
        name, extra = struct.unpack("<HH", header[26:30])
        stream.seek(part.header_offset + 30 + name + extra)
    return part.compress_size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
