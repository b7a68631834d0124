"""Text of a file in bounded pieces, each ending at the end of a line.

What is refused here, each with its place: an empty file, a binary one, NUL bytes and other control
characters, bytes that are not the declared encoding, a line longer than ``MAX_LINE``. A file is
never held in memory as a whole.

A mark at the start (UTF-8, UTF-16) is the file's own word on its encoding. UTF-16, Excel's "Unicode
text", is written anew as UTF-8 on the way in, so that one way of reading serves both.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from mappings.readers.errors import SourceError

CHUNK = 1 << 15  # its rows stay in a processor's cache: eight times as much costs a tenth more
MAX_LINE = 1 << 20
ENCODINGS = ("utf-8", "utf-16", "cp1252", "iso-8859-1", "iso-8859-15")

_BOM = b"\xef\xbb\xbf"
# Tab, line ends and the separators some exports put into cells (VT, FF, FS to US) may stay.
_CONTROLS = bytes(sorted({*range(0x01, 0x09), *range(0x0E, 0x1C), 0x7F}))
_MAGIC = (
    (b"%PDF", "is a PDF; ask for the CSV or Excel export"),
    (b"PK\x03\x04", "is a zip or Excel file; this source must be a text file"),
    (b"\xd0\xcf\x11\xe0", "is an old Office file (.xls) or is encrypted; save it as .xlsx or CSV"),
    (b"\x1f\x8b", "is compressed with gzip; unpack it first"),
    (b"\x89PNG", "is a picture; ask for the CSV or Excel export"),
    (b"\xff\xd8\xff", "is a picture; ask for the CSV or Excel export"),
)
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes (a recoded stream: about as many)."""


class _Recoded:
    """UTF-16 bytes read as UTF-8.

    Raises:
        UnicodeDecodeError: half a character, or half of a pair.
    """

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)()

    def read(self, size: int, /) -> bytes:
        while piece := self._stream.read(size):
            if text := self._decoder.decode(piece):
                return text.encode()
        self._decoder.decode(b"", final=True)
        return b""


@dataclass(slots=True)
class TextFile:
    """A file opened as text, and how far it has been read.

    Attributes:
        stream: the open bytes; must be able to seek.
        file: name for messages.
        encoding: one of ``ENCODINGS``.
        lines: complete lines handed out so far, for messages.
        offset: bytes handed out so far; of a text written anew, bytes of what it became.
        anew: whether the text is written anew on the way in.
    """

    stream: BinaryIO
    file: str
    encoding: str = "utf-8"
    lines: int = 0
    offset: int = 0
    anew: bool = False
    _not_utf8: bool = field(default=False, repr=False)
    _beyond_ascii: bool = field(default=False, repr=False)

    def chunks(self, start: int = 0) -> Iterator[str]:
        """Yield the text in pieces that end where a line ends.

        Args:
            start: an offset at which a line begins; not of a text written anew.

        Raises:
            SourceError: for anything this module's docstring refuses.
        """
        self.stream.seek(0)
        self.lines = 0
        self.offset = self._start()
        source = self._recoded()
        if start:
            self.stream.seek(start)
            self.offset = start
        rest = b""
        while piece := self._piece(source):
            whole, rest = _cut(rest + piece)
            if len(rest) > MAX_LINE:
                raise self._too_long()
            if whole:
                yield self._decoded(whole)
        if rest:
            yield self._decoded(rest)
        if not start:
            self._refuse_hidden_utf8()

    def _start(self) -> int:
        """Refuse what is no text at all; skip a byte order mark and return its length."""
        first = self.stream.read(8)
        if not first:
            raise SourceError(self.file, "the whole file", "is empty; export it again")
        for magic, advice in _MAGIC:
            if first.startswith(magic):
                raise SourceError(self.file, "the whole file", advice)
        if not first.startswith(_BOM):
            self.stream.seek(0)
            return 0
        if self.encoding not in ("utf-8", "utf-16"):
            advice = f"starts with a UTF-8 mark but the map says encoding {self.encoding}"
            raise SourceError(self.file, "byte 1", advice)
        self.stream.seek(len(_BOM))
        return len(_BOM)

    def _recoded(self) -> _Readable:
        """Return the bytes as they are, or UTF-16 as UTF-8; only a mark says which it is."""
        at = self.stream.tell()
        codec = _UTF16.get(self.stream.read(2)) if at == 0 else None
        if codec and self.encoding in ("utf-8", "utf-16"):
            self.offset = len(codecs.BOM_UTF16)
            self.anew = True
            return _Recoded(self.stream, codec)
        if codec:
            advice = f"starts with a UTF-16 mark but the map says encoding {self.encoding}"
            raise SourceError(self.file, "byte 1", advice)
        if self.encoding == "utf-16" and at == 0:
            raise SourceError(self.file, "byte 1", "has no UTF-16 mark; save it as CSV UTF-8")
        self.stream.seek(at)
        return self.stream

    def _piece(self, source: _Readable) -> bytes:
        try:
            return source.read(CHUNK)
        except UnicodeDecodeError:
            advice = "is not whole UTF-16 text; export the file again as CSV UTF-8"
            raise SourceError(self.file, f"after line {self.lines}", advice) from None

    def _too_long(self) -> SourceError:
        advice = f"is longer than {MAX_LINE:,} bytes; this is not one row of a table or message"
        return SourceError(self.file, f"line {self.lines + 1}", advice)

    @property
    def _codec(self) -> str:
        return "utf-8" if self.encoding == "utf-16" else self.encoding

    def _decoded(self, whole: bytes) -> str:
        if len(whole.translate(None, _CONTROLS)) != len(whole) or b"\0" in whole:
            raise self._control(whole)
        try:
            text = whole.decode(self._codec)
        except UnicodeDecodeError as error:
            raise self._undecodable(whole, error) from None
        if self._codec != "utf-8" and not whole.isascii():
            self._watch_for_utf8(whole)
        self.lines += whole.count(b"\n") or whole.count(b"\r")
        self.offset += len(whole)
        return text

    def _control(self, whole: bytes) -> SourceError:
        refused = set(_CONTROLS) | {0}
        at = next(index for index, byte in enumerate(whole) if byte in refused)
        what = "a NUL byte" if whole[at] == 0 else "a control character"
        advice = f"holds {what}; this is a binary or damaged file, export it again as CSV UTF-8"
        return SourceError(self.file, self._place(whole, at), advice)

    def _undecodable(self, whole: bytes, error: UnicodeDecodeError) -> SourceError:
        advice = (
            f"is not {self.encoding} text; save the file as CSV UTF-8, or if the export cannot,"
            " write its encoding into the map (for example encoding: cp1252)"
        )
        return SourceError(self.file, self._place(whole, error.start), advice)

    def _place(self, whole: bytes, at: int) -> str:
        row = self.lines + whole.count(b"\n", 0, at) + 1
        return f"row {row} (counted in lines), byte {self.offset + at + 1}"

    def _watch_for_utf8(self, whole: bytes) -> None:
        self._beyond_ascii = True
        try:
            whole.decode("utf-8")
        except UnicodeDecodeError:
            self._not_utf8 = True

    def _refuse_hidden_utf8(self) -> None:
        """Refuse UTF-8 read as a single-byte encoding: every accent would become two letters."""
        if self._beyond_ascii and not self._not_utf8:
            advice = f"is UTF-8 text although the map says encoding {self.encoding}"
            raise SourceError(self.file, "the whole file", advice)


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Split after the last complete line.

    A carriage return that is the very last byte stays: its line feed may be in the next piece.
    """
    at = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, len(data) - 1) + 1
    return data[:at], data[at:]
