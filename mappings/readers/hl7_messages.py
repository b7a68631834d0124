r"""HL7 v2 messages: one after another, in batches or alone, whatever ends their lines.

Seen in real files: a byte order mark, line feeds instead of carriage returns, the block characters
of MLLP, several messages in one file, FHS/BHS batches, delimiters of the sender's own choice, text
that runs over several lines, and a file name and MSH-9 that both say something else than the
segments. So a message is known by the segments it holds.

A row is one message or, where the map says ``each: FT1``, one segment of that name with what
follows it and with what holds for the whole message. Places are those of
:mod:`mappings.readers.hl7_places`.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.hl7_places import (
    INNER_LINE,
    Delimiters,
    Message,
    extractor,
    parse_location,
)
from mappings.readers.table import Cells, Table
from mappings.readers.text_chunks import MAX_LINE, TextFile

_STARTS: Final = ("MSH", "FHS", "BHS", "BTS", "FTS")
_START = re.compile(r"\n(?=MSH|FHS|BHS|BTS|FTS)")
# Start and end of a block as MLLP, the usual transport, sends them; captured files keep them.
_BLOCK: Final = str.maketrans("", "", "\x0b\x1c")
_KEPT_BYTES: Final = 8_000_000
_KEPT_MESSAGES: Final = 20_000
"""A file up to both is kept in memory after the first reading."""
_GROUP_END: Final = "RGS"
"""The resources of an appointment (HL7 v2.5.1, 10.4): they belong to it, not to its last PID."""


@dataclass(frozen=True, slots=True)
class Hl7Format:
    """How a map says the messages are written, what a row is, and the places it asks for."""

    encoding: str = "utf-8"
    locations: tuple[str, ...] = ()
    each: str = ""


def read_hl7(path: Path, how: Hl7Format) -> Table:
    """Read messages as rows, one cell for each place asked for.

    Raises:
        SourceError: no message, a segment before any MSH, unusable delimiters, text that is not
            the declared encoding, a line or message beyond the cap. Raised before any row is given.
    """
    rows = _rows(_proved(path, how.encoding), how)
    return Table(path.name, how.locations, rows, first_row=1, joined=True)


def _proved(path: Path, encoding: str) -> Iterable[Message]:
    """Read everything once; a small file is kept, another one is read again."""
    small, kept = path.stat().st_size <= _KEPT_BYTES, list[Message]()
    for message in messages(path, encoding):
        if small:
            kept.append(message)
        if len(kept) > _KEPT_MESSAGES:
            small = False
            kept.clear()
    return kept if small else messages(path, encoding)


def table_from_text(file: str, text: str, locations: tuple[str, ...], each: str = "") -> Table:
    """Return messages written in a text, such as a map's example, as :func:`read_hl7` does.

    Raises:
        SourceError: see :func:`read_hl7`.
    """
    found = _messages(file, [io.StringIO(text, newline=None).read()])
    rows = _rows(found, Hl7Format(locations=locations, each=each))
    return Table(file, locations, rows, first_row=1, joined=True)


def messages(path: Path, encoding: str = "utf-8") -> Iterator[Message]:
    """Yield the messages of a file in order, holding one at a time.

    Raises:
        SourceError: see :func:`read_hl7`.
    """
    with path.open("rb") as stream:
        chunks = TextFile(stream, path.name, encoding).chunks()
        yield from _messages(path.name, map(_lines, chunks))


def _lines(chunk: str) -> str:
    """Return a piece whose lines all end in a line feed, without the marks of a transport."""
    if "\r" in chunk:
        chunk = chunk.replace("\r\n", "\n").replace("\r", "\n")
    return chunk.translate(_BLOCK) if "\x0b" in chunk or "\x1c" in chunk else chunk


def _rows(found: Iterable[Message], how: Hl7Format) -> Iterator[Cells]:
    places = tuple(parse_location(text) for text in how.locations)
    extract, written_for = extractor(places, Delimiters()), Delimiters()
    for message in found:
        if message.delimiters != written_for:
            extract, written_for = extractor(places, message.delimiters), message.delimiters
        if how.each:
            yield from map(extract, _parts(message, how.each))
        else:
            yield extract(message)


def _messages(file: str, chunks: Iterable[str]) -> Iterator[Message]:
    count = 0
    for text in _divided(file, chunks):
        if text.startswith("MSH"):
            count += 1
            yield _message(file, count, text)
        elif "\n" in text.strip() or (text.strip() and not text.startswith(_STARTS)):
            advice = "a segment stands before any MSH; the file is cut off or is no HL7 v2 file"
            raise SourceError(file, f"after message {count}", advice)
    if not count:
        raise SourceError(file, "the whole file", "holds no HL7 v2 message (no MSH segment)")


def _divided(file: str, chunks: Iterable[str]) -> Iterator[str]:
    """Cut the text before each MSH and each segment of an envelope."""
    rest = ""
    for number, chunk in enumerate(chain(chunks, [""])):
        text = rest + chunk
        starts = [found.end() for found in _START.finditer(text)]
        for start, end in zip([0, *starts], starts, strict=False):
            yield text[start:end]
        rest = text[starts[-1] :] if starts else text
        if len(rest) > 2 * MAX_LINE:
            advice = f"is longer than {2 * MAX_LINE:,} characters"
            raise SourceError(file, f"a message near piece {number + 1}", advice)
    yield rest


def _message(file: str, count: int, text: str) -> Message:
    delimiters = _delimiters(file, count, text[3:8])
    if len(text) > MAX_LINE:
        raise SourceError(file, f"message {count}", f"is longer than {MAX_LINE:,} characters")
    if text.find(f"MSH{delimiters.field}{delimiters.component}", 3) > 0:
        # Files glued together without a line end: the second message would vanish in the first.
        raise SourceError(
            file, f"message {count}", "another message starts in the middle of a line"
        )
    text = text.rstrip()
    if _no_segment(delimiters.field).search(text):
        lines = [line for line in text.split("\n") if line.strip()]
        # Free text that was written over several lines belongs to the segment above.
        text = _no_segment(delimiters.field).sub(INNER_LINE, "\n".join(lines))
    return Message(delimiters, text.split("\n"), [])


@lru_cache(maxsize=64)
def _no_segment(field: str) -> re.Pattern[str]:
    """Return what finds the start of a line that is no segment."""
    return re.compile(rf"\n(?![A-Z][A-Z0-9]{{2}}(?:{re.escape(field)}|\n|\Z))")


def _delimiters(file: str, count: int, marks: str) -> Delimiters:
    # A fifth mark (truncation, since v2.7) may follow and means nothing here.
    found = _declared(marks)
    if found is None:
        advice = "MSH-1 and MSH-2 must name five different delimiters, such as |^~\\&"
        raise SourceError(file, f"message {count}", advice)
    return found


@lru_cache(maxsize=64)
def _declared(marks: str) -> Delimiters | None:
    odd = any(mark.isalnum() or mark.isspace() for mark in marks)
    return None if len(marks) < 5 or len(set(marks)) < 5 or odd else Delimiters(*marks)


def _parts(message: Message, each: str) -> Iterator[Message]:
    """Yield a part for each segment of that name; the whole message if it has none."""
    start = each + message.delimiters.field
    shared: list[str] = []
    parts: list[list[str]] = []
    here = shared
    for line in message.own:
        if line.startswith(start):
            here = []
            parts.append(here)
        elif line.startswith(_GROUP_END):
            here = shared
        here.append(line)
    for part in parts:
        yield Message(message.delimiters, part, shared)
    if not parts:
        yield message
