r"""Places in HL7 v2 messages, and the text there.

A place is written as HL7 writes it: ``PID-3.1`` is the first component of field 3 of the first PID
segment (of its first repetition). ``PID-3.1 where .4 is SCHOOLBRIDGE`` takes the repetition whose
component 4 (first sub-component) says so.

Source of delimiters and escapes: HL7 v2.5.1 chapter 2, sections 2.5.4 and 2.7.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mappings.readers.table import SEVERAL

INNER_LINE: Final = "\r"
"""Line end inside a segment, while a line feed divides segments."""
_LOCATION = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>[0-9]{1,3})(?:\.(?P<component>[0-9]{1,2}))?"
    r"(?:\.(?P<sub>[0-9]{1,2}))?(?: where \.(?P<key>[0-9]{1,2}) is (?P<value>\S.*))?\Z"
)
_NULL = '""'  # HL7's "delete this value": nothing is said
_FORMATTING = {"H": "", "N": "", ".br": "\n", ".sp": "\n", ".fi": "", ".nf": "", ".ce": "\n"}
# Characters that no reader hands on: a database refuses some, a page hides others.
_UNWANTED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a message; ``component`` and ``sub`` are 0 when the whole is meant."""

    segment: str
    field: int
    component: int = 0
    sub: int = 0
    key: int = 0
    value: str = ""

    @property
    def index(self) -> int:
        """Where the field stands after splitting: in MSH the separator itself is field 1."""
        return self.field - 1 if self.segment == "MSH" else self.field


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five characters MSH-1 and MSH-2 declare."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, or one part of it.

    Attributes:
        delimiters: as the message declares them.
        own: the segments of the message, or those of the part alone.
        shared: the segments that hold for all parts of the message.
    """

    delimiters: Delimiters
    own: list[str]
    shared: list[str]

    def text_at(self, place: Location) -> str:
        """Return the unescaped text at a place, or an empty string when nothing is there."""
        return extractor((place,), self.delimiters)(self)[0]


Extract = Callable[[Message], list[str]]


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


def extractor(places: tuple[Location, ...], delimiters: Delimiters) -> Extract:
    """Return what gives the texts at these places; each segment is found and split once."""
    by_segment: dict[str, list[tuple[int, Callable[[str], str]]]] = {}
    for number, place in enumerate(places):
        by_segment.setdefault(place.segment, []).append((number, _text_of(place, delimiters)))
    plan = [
        (
            f"{segment}{delimiters.field}",
            max(place.index for place in places if place.segment == segment) + 1,
            [(number, places[number].index, read) for number, read in wanted],
        )
        for segment, wanted in by_segment.items()
    ]
    of_person = f"PID{delimiters.field}" if "PID" in by_segment else ""

    def extract(message: Message) -> list[str]:
        cells = [""] * len(places)
        lines = _first_lines(message, of_person)
        for start, most, wanted in plan:
            fields = lines.get(start, "").split(delimiters.field, most)
            count = len(fields)
            for number, index, read in wanted:
                if index < count and (text := fields[index]):
                    cells[number] = text if text == SEVERAL else read(text)
        return cells

    return extract


def _first_lines(message: Message, of_person: str) -> dict[str, str]:
    """Return the first segment of each name by its first four characters."""
    heads = [line[:4] for line in message.own]
    lines = dict(zip(reversed(heads), reversed(message.own), strict=True))
    if of_person and heads.count(of_person) > 1:
        people = [line for line in message.own if line.startswith(of_person)]
        # One message about several people: whose visit it is must not be taken for granted.
        lines[of_person] = _said_by_several(people, of_person[-1])
    for line in message.shared:
        lines.setdefault(line[:4], line)
    return lines


def _said_by_several(people: list[str], mark: str) -> str:
    """Return a segment that keeps the fields all of them share, and says ``SEVERAL`` elsewhere."""
    rows = [line.split(mark) for line in people]
    width = max(map(len, rows))
    columns = zip(*(row + [""] * (width - len(row)) for row in rows), strict=True)
    return mark.join(cells[0] if len(set(cells)) == 1 else SEVERAL for cells in columns)


def _text_of(place: Location, delimiters: Delimiters) -> Callable[[str], str]:
    """Return what reads the text of a place out of its field."""
    repetition, component, number = delimiters.repetition, delimiters.component, place.component
    chosen, sub = place.key > 0, place.sub > 0
    last = number - 1

    def read(text: str) -> str:
        if chosen or repetition in text:
            text = _repetition(text, place, delimiters)
        if number:
            parts = text.split(component, number)
            text = parts[last] if number <= len(parts) else ""
        if sub:
            text = _part(text, delimiters.sub, place.sub)
        # Nearly all texts are plain words: only a mark or a quote needs a second look.
        return text if text.isalnum() else _plain(text, delimiters)

    return read


def _plain(text: str, delimiters: Delimiters) -> str:
    """Return a text as it was meant: escapes undone, lines divided, HL7's null empty."""
    if delimiters.escape in text:
        text = unescaped(text, delimiters)
    if INNER_LINE in text:
        text = text.replace(INNER_LINE, "\n")
    return "" if text == _NULL else text


def _repetition(text: str, place: Location, delimiters: Delimiters) -> str:
    repetitions = text.split(delimiters.repetition)
    if not place.key:
        return repetitions[0]
    return next((one for one in repetitions if _is_meant(one, place, delimiters)), "")


def _is_meant(repetition: str, place: Location, delimiters: Delimiters) -> bool:
    part = _part(repetition, delimiters.component, place.key)
    return part.partition(delimiters.sub)[0] == place.value


def _part(text: str, delimiter: str, number: int) -> str:
    if number == 1:
        return text.partition(delimiter)[0]
    parts = text.split(delimiter, number)
    return parts[number - 1] if number <= len(parts) else ""


def unescaped(text: str, delimiters: Delimiters) -> str:
    r"""Undo the escapes ``\F\ \S\ \T\ \R\ \E\ \.br\ \Xhh\``; leave unknown ones as written."""
    pattern, plain = _escapes(delimiters)
    return pattern.sub(lambda found: _escape(found, plain), text)


@lru_cache(maxsize=64)
def _escapes(delimiters: Delimiters) -> tuple[re.Pattern[str], dict[str, str]]:
    mark = re.escape(delimiters.escape)
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.sub,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        **_FORMATTING,
    }
    return re.compile(rf"{mark}([^{mark}\s]{{1,40}}){mark}"), plain


def _escape(found: re.Match[str], plain: dict[str, str]) -> str:
    code = found[1]
    if code in plain:
        return plain[code]
    if not code.startswith("X"):
        return found[0]
    try:
        text = bytes.fromhex(code[1:]).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except ValueError:
        return found[0]
    return found[0] if _UNWANTED.search(text) else text
