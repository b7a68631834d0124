"""XML read record by record: each child of the root becomes an object, one in memory at a time.

Python's own expat is driven directly, because only so can everything dangerous be refused where it
begins: a document type (and with it every entity, so that nothing expands and nothing is fetched),
deep nesting, a record or a tag beyond ``MAX_RECORD``. Attributes other than ``id`` and ``ref`` are
dropped; namespaces are left out of names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from xml.parsers import expat  # nosec - entities are refused below

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part

MAX_RECORD: Final = 1_000_000
MAX_DEPTH: Final = 32
_CHUNK: Final = 1 << 16
_KEPT: Final = ("id", "ref")

Record = dict[str, Any]


@dataclass(slots=True)
class _Element:
    """An element that is still open."""

    name: str
    members: Record = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def add(self, name: str, value: object) -> None:
        """Add a child; a second of the same name makes a list."""
        if name not in self.members:
            self.members[name] = value
        elif isinstance(self.members[name], list):
            self.members[name].append(value)
        else:
            self.members[name] = [self.members[name], value]

    def value(self) -> object:
        """Return what it is once closed: its text, or its members."""
        return self.members or "".join(self.text).strip()


class _Refusal(Exception):  # noqa: N818 - caught within this module
    """What is refused inside a callback of the parser."""


@dataclass(slots=True)
class _Building:
    """The elements open now, and the records complete so far."""

    open: list[_Element] = field(default_factory=list)
    done: list[tuple[str, Record]] = field(default_factory=list)
    size: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise _Refusal(f"is nested more than {MAX_DEPTH} deep")
        element = _Element(name.rpartition(" ")[2])
        for attribute in _KEPT:
            if attribute in attributes:
                element.members[f"@{attribute}"] = attributes[attribute]
        self.open.append(element)
        self._grow(len(name) + sum(map(len, attributes.values())))

    def text(self, text: str) -> None:
        if len(self.open) > 1:
            self.open[-1].text.append(text)
            self._grow(len(text))

    def end(self, name: str) -> None:
        del name
        element = self.open.pop()
        if len(self.open) > 1:
            self.open[-1].add(element.name, element.value())
        elif self.open:
            self.done.append((element.name, element.members))
            self.size = 0

    def _grow(self, by: int) -> None:
        # A markup of one letter still takes an object: small things count for more than their text.
        self.size += by + 64
        if self.size > MAX_RECORD:
            raise _Refusal(f"holds a record longer than {MAX_RECORD:,} characters")


def xml_records(part: Part) -> Iterator[tuple[str, Record]]:
    """Yield name and content of each child of the root.

    Raises:
        SourceError: the part is empty, no well-formed XML, or dangerous as this module's docstring
            says; names the line.
    """
    building = _Building()
    parser = _parser(building)
    fed = 0
    with part.opener() as stream:
        while True:
            chunk = stream.read(_CHUNK)
            if not fed and not chunk:
                raise SourceError(part.file, "the whole file", "is empty; export it again")
            fed += len(chunk)
            _feed(parser, chunk, part.file)
            if fed - max(parser.CurrentByteIndex, 0) > MAX_RECORD and chunk:
                raise SourceError(part.file, _line(parser), "holds a tag that never ends")
            yield from building.done
            building.done.clear()
            if not chunk:
                return


def _parser(building: _Building) -> "expat.XMLParserType":
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = building.start
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> NoReturn:
    raise _Refusal("has a document type (DOCTYPE), which no export needs; it is not read")


def _feed(parser: "expat.XMLParserType", chunk: bytes, file: str) -> None:
    try:
        parser.Parse(chunk, not chunk)
    except _Refusal as refusal:
        raise SourceError(file, _line(parser), str(refusal)) from None
    except (expat.ExpatError, LookupError, ValueError):
        advice = "is no well-formed XML from here on; export the file again"
        raise SourceError(file, _line(parser), advice) from None


def _line(parser: "expat.XMLParserType") -> str:
    return f"line {parser.CurrentLineNumber}"
