r"""HL7 v2 messages: one after another, in batches or alone, whatever ends their lines.

Seen in real files: a byte order mark, line feeds instead of carriage returns, several messages in
one file, FHS/BHS batches, delimiters of the sender's own choice, text that runs over several lines,
and a file name and MSH-9 that both say something else than the segments. So a message is known by
the segments it holds.

A location is written as HL7 writes it: ``PID-3.1`` is the first component of field 3 of the first
PID segment (of its first repetition). ``PID-3.1 where .4 is SCHOOLBRIDGE`` takes the repetition
whose component 4 (first sub-component) says so.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from mappings.readers.errors import SourceError
from mappings.readers.table import Table
from mappings.readers.text_chunks import MAX_LINE, TextFile

_ENVELOPE = ("FHS", "BHS", "BTS", "FTS")
_STARTS = ("MSH", *_ENVELOPE)
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_LOCATION = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>\d{1,3})(?:\.(?P<component>\d{1,2}))?"
    r"(?:\.(?P<sub>\d{1,2}))?(?: where \.(?P<key>\d{1,2}) is (?P<value>\S.*))?\Z"
)
_NULL = '""'  # HL7's "delete this value": nothing is said


@dataclass(frozen=True, slots=True)
class Hl7Format:
    """How a map says the messages are written, and the locations it asks for."""

    encoding: str = "utf-8"
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a message; ``component`` and ``sub`` are 0 when the whole is meant."""

    segment: str
    field: int
    component: int = 0
    sub: int = 0
    key: int = 0
    value: str = ""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five characters MSH-1 and MSH-2 declare."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"


@dataclass(slots=True)
class Message:
    """One message: its delimiters and its segments as written, split no further than asked."""

    delimiters: Delimiters
    segments: list[str] = field(default_factory=list)
    _split: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def text_at(self, place: Location) -> str:
        """Return the unescaped text at a place, or an empty string when nothing is there."""
        fields = self._fields(place.segment)
        # In MSH the field separator is itself field 1.
        index = place.field - 1 if place.segment == "MSH" else place.field
        if not 0 < index < len(fields):
            return ""
        repetition = self._repetition(fields[index], place)
        text = _part(repetition, self.delimiters.component, place.component)
        text = _part(text, self.delimiters.sub, place.sub)
        return "" if text == _NULL else _unescaped(text, self.delimiters)

    def _fields(self, segment: str) -> list[str]:
        fields = self._split.get(segment)
        if fields is None:
            start = segment + self.delimiters.field
            line = next((line for line in self.segments if line.startswith(start)), "")
            fields = self._split[segment] = line.split(self.delimiters.field)
        return fields

    def _repetition(self, text: str, place: Location) -> str:
        repetitions = text.split(self.delimiters.repetition)
        if not place.key:
            return repetitions[0]
        for repetition in repetitions:
            part = _part(repetition, self.delimiters.component, place.key)
            if part.split(self.delimiters.sub)[0] == place.value:
                return repetition
        return ""


def read_hl7(path: Path, how: Hl7Format) -> Table:
    """Read messages as rows: one row a message, one cell for each location asked for.

    Raises:
        SourceError: no message, a segment before any MSH, unusable delimiters, text that is not
            the declared encoding, a line beyond the cap. Raised before any row is given.
    """
    places = tuple(parse_location(text) for text in how.locations)
    for _ in messages(path, how.encoding):
        pass
    rows = (
        [message.text_at(place) for place in places] for message in messages(path, how.encoding)
    )
    return Table(path.name, how.locations, rows, first_row=1)


def table_from_text(file: str, text: str, locations: tuple[str, ...]) -> Table:
    """Return messages written in a text, such as a map's example, as :func:`read_hl7` does.

    Raises:
        SourceError: see :func:`read_hl7`.
    """
    places = tuple(parse_location(location) for location in locations)
    found = _grouped(file, iter(text.splitlines(keepends=True)))
    rows = ([message.text_at(place) for place in places] for message in found)
    return Table(file, locations, rows, first_row=1)


def parse_location(text: str) -> Location:
    """Read ``PID-3.1 where .4 is SCHOOLBRIDGE``.

    Raises:
        ValueError: the text is no location; the message says what one looks like.
    """
    found = _LOCATION.match(text)
    if found is None:
        raise ValueError(
            f'"{text}" is no place in a message; write for example SCH-25.1 or'
            ' "PID-3.1 where .4 is AUTHORITY"'
        )
    numbers = {name: int(found[name] or 0) for name in ("field", "component", "sub", "key")}
    return Location(found["segment"], value=found["value"] or "", **numbers)


def messages(path: Path, encoding: str = "utf-8") -> Iterator[Message]:
    """Yield the messages of a file in order, holding one at a time.

    Raises:
        SourceError: see :func:`read_hl7`.
    """
    with path.open("rb") as stream:
        text = TextFile(stream, path.name, encoding)
        lines = chain.from_iterable(io.StringIO(chunk, newline=None) for chunk in text.chunks())
        yield from _grouped(path.name, lines)


def _grouped(file: str, lines: Iterator[str]) -> Iterator[Message]:
    message: Message | None = None
    count = size = 0
    for line in lines:
        segment = line.rstrip("\n")
        if segment.startswith(_STARTS):
            if message:
                yield message
            message, size = None, 0
        if segment.startswith("MSH"):
            count += 1
            message = Message(_delimiters(file, count, segment))
        size += len(segment)
        if size > MAX_LINE:
            raise SourceError(file, f"message {count}", f"is longer than {MAX_LINE:,} characters")
        _add(file, count, message, segment)
    if message:
        yield message
    if not count:
        raise SourceError(file, "the whole file", "holds no HL7 v2 message (no MSH segment)")


def _add(file: str, count: int, message: Message | None, segment: str) -> None:
    if segment[:3] in _ENVELOPE or not segment.strip():
        return
    if message is None:
        advice = "a segment stands before any MSH; the file is cut off or is no HL7 v2 file"
        raise SourceError(file, f"after message {count}", advice)
    if f"MSH{message.delimiters.field}{message.delimiters.component}" in segment[3:]:
        # Files glued together without a line end: the second message would vanish in the first.
        raise SourceError(
            file, f"message {count}", "another message starts in the middle of a line"
        )
    if _SEGMENT.match(segment[:3]) and segment[3:4] in ("", message.delimiters.field):
        message.segments.append(segment)
    else:
        # Free text that was written over several lines belongs to the segment above.
        message.segments[-1] += "\n" + segment


def _delimiters(file: str, count: int, header: str) -> Delimiters:
    marks = header[3:8]
    # A fifth mark (truncation, since v2.7) may follow and means nothing here.
    if len(marks) < 5 or len(set(marks)) < 5 or any(mark.isalnum() for mark in marks):
        advice = "MSH-1 and MSH-2 must name five different delimiters, such as |^~\\&"
        raise SourceError(file, f"message {count}", advice)
    return Delimiters(marks[0], marks[1], marks[2], marks[3], marks[4])


def _part(text: str, delimiter: str, number: int) -> str:
    if not number:
        return text
    parts = text.split(delimiter, number)
    return parts[number - 1] if number <= len(parts) else ""


def _unescaped(text: str, delimiters: Delimiters) -> str:
    r"""Undo the escapes ``\F\ \S\ \T\ \R\ \E\ \.br\ \Xhh\``; leave unknown ones as written."""
    mark = delimiters.escape
    if mark not in text:
        return text
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.sub,
        "R": delimiters.repetition,
        "E": mark,
        ".br": "\n",
    }
    pattern = re.escape(mark) + r"([^" + re.escape(mark) + r"\s]{1,40})" + re.escape(mark)
    return re.sub(pattern, lambda found: _escape(found, plain), text)


def _escape(found: re.Match[str], plain: dict[str, str]) -> str:
    code = found[1]
    if code in plain:
        return plain[code]
    if code.startswith("X"):
        try:
            return bytes.fromhex(code[1:]).decode("utf-8")
        except ValueError:
            return found[0]
    return found[0]
