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
# Longest text that may straddle two pieces and must still be recognised.
_OVERLAP = 512

_REFERENCE = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
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
        self.columns.update({column for column, _ in found})
        self.rows = max(self.rows, max((int(row) for _, row in found), default=0))
        width = max((_column_number(column) for column in self.columns), default=0)
        if self.rows * width > MAX_CELLS:
            advice = f"spans more than {MAX_CELLS:,} cells; save the sheet as CSV UTF-8"
            where = f"cell {column_letter(width - 1)}{self.rows}"
            raise SourceError(self.file, where, advice)


def refuse_dangerous_workbook(stream: BinaryIO, file: str) -> None:
    """Look into a workbook without opening it.

    Raises:
        SourceError: it is no .xlsx workbook, is protected, unpacks to too much, spans too many
            cells, or holds error cells or formulas without a value.
    """
    try:
        parts = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise SourceError(
            file, "the whole file", "is a damaged Excel file; save it again"
        ) from None
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
        corner = _Corner(file)
        sheet = part.filename.startswith("xl/worksheets/")
        tail = b""
        for piece in _unpacked(stream, part, file):
            total += len(piece)
            if total > MAX_UNPACKED:
                raise _too_big(file)
            if sheet:
                corner.see(tail + piece)
                _refuse_lost_values(tail + piece, file)
            tail = piece[-_OVERLAP:]


def _refuse_lost_values(piece: bytes, file: str) -> None:
    for pattern, what in ((_ERROR, "an error (such as #N/A)"), (_UNCALCULATED, "no result yet")):
        if found := pattern.search(piece):
            reference = _REFERENCE.match(found.group())
            cell = b"".join(reference.groups()).decode() if reference else "a formula"
            advice = f"shows {what}; correct it or paste the column as values"
            raise SourceError(file, f"cell {cell}", advice)


def _unpacked(stream: BinaryIO, part: zipfile.ZipInfo, file: str) -> Iterator[bytes]:
    """Yield what a part really unpacks to, piece by piece."""
    if part.flag_bits & 0x1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceError(file, "the whole file", "is protected by a password; save it without")
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
        raise SourceError(
            file, "the whole file", "is a damaged Excel file; save it again"
        ) from None


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
