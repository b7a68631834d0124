r"""JSON read object by object: an array of objects, one object, or one after another (NDJSON).

The text is cut at the objects of the top level first, so that one is in memory at a time, and its
size and depth are known before it is parsed. Numbers stay as they were written (``0.10``). An
object that says one name twice, a number JSON does not have, half a surrogate pair and ``\u0000``
are refused: each would be read differently by different programs.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part

MAX_OBJECT: Final = 8_000_000
MAX_DEPTH: Final = 64
_CHUNK: Final = 1 << 16
_OUTSIDE: Final = re.compile(r'["{}\[\]]')
_INSIDE: Final = re.compile(r'["\\]')
_BETWEEN: Final = " \t\r\n,"

Record = dict[str, Any]


class _Bad(Exception):  # noqa: N818 - caught within this module
    """What is wrong with the text, in words."""


@dataclass(slots=True)
class _Cutter:
    """Cuts text into the objects of its top level; fed piece by piece."""

    depth: int = 0
    array: int = 0  # 0 none yet, 1 open, 2 closed
    objects: int = 0
    quoted: bool = False
    escaped: bool = False
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def feed(self, text: str) -> Iterator[str]:
        """Yield each object that ends in this piece.

        Raises:
            _Bad: what stands there is no array of objects and no object.
        """
        at = begun = 0
        while at < len(text):
            if self.escaped:
                self.escaped = False
                at += 1
                continue
            found = (_INSIDE if self.quoted else _OUTSIDE).search(text, at)
            if not self.depth:
                self._between(text[at : found.start() if found else None])
            if found is None:
                break
            at = found.end()
            if self.depth == 0 and found[0] == "{":
                begun = found.start()
            if self._mark(found[0]):
                self.pieces.append(text[begun:at])
                yield "".join(self.pieces)
                self.pieces.clear()
                self.size = 0
        self._carry(text[begun:] if self.depth else "")

    def _between(self, text: str) -> None:
        if text.strip(_BETWEEN):
            raise _Bad("holds something else between its objects")

    def _mark(self, mark: str) -> bool:
        """Take in one mark; return whether an object of the top level ends with it."""
        if self.quoted:
            self.escaped = mark == "\\"
            self.quoted = self.escaped
        elif self.depth == 0:
            self._top(mark)
        elif mark == '"':
            self.quoted = True
        elif mark in "{[":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise _Bad(f"is nested more than {MAX_DEPTH} deep")
        else:
            self.depth -= 1
            return self.depth == 0
        return False

    def _top(self, mark: str) -> None:
        if mark == "{" and self.array < 2:
            self.depth = 1
            self.objects += 1
        elif mark == "[" and not self.array and not self.objects:
            self.array = 1
        elif mark == "]" and self.array == 1:
            self.array = 2
        else:
            raise _Bad("is no list of objects")

    def _carry(self, text: str) -> None:
        if text:
            self.pieces.append(text)
            self.size += len(text)
        if self.size > MAX_OBJECT:
            raise _Bad(f"holds an object of more than {MAX_OBJECT:,} characters; send it in parts")

    def finish(self) -> None:
        """Say that the text ends here."""
        if self.depth or self.array == 1:
            raise _Bad("ends in the middle; it is cut off, export it again")


def json_records(part: Part) -> Iterator[Record]:
    """Yield the objects of the top level in order.

    Raises:
        SourceError: the part is empty, is no UTF-8, is no JSON of objects, or holds what this
            module's docstring refuses; names the object by its number.
    """
    cutter, number = _Cutter(), 0
    try:
        for text in _texts(part):
            for piece in cutter.feed(text):
                number += 1
                yield _parsed(piece)
        cutter.finish()
    except _Bad as bad:
        raise SourceError(part.file, f"object {max(number, cutter.objects)}", str(bad)) from None


def _texts(part: Part) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    begun = False
    with part.opener() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                begun = True
                yield decoder.decode(chunk)
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _Bad("is not UTF-8 text; export it again as UTF-8") from None
    if not begun:
        raise _Bad("is missing: the file is empty; export it again")


def _parsed(text: str) -> Record:
    try:
        found: Record = json.loads(
            text,
            object_pairs_hook=_once,
            parse_float=str,
            parse_int=str,
            parse_constant=_refuse_constant,
        )
        if "\\u" in text:
            _refuse_characters(found)
    except ValueError:
        raise _Bad("is no valid JSON; export it again") from None
    return found


def _once(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Bad("says one name twice; which is meant is not known")
    return found


def _refuse_constant(name: str) -> None:
    raise _Bad("holds a number that JSON does not have") from ValueError(name)


def _refuse_characters(found: Record) -> None:
    plain = json.dumps(found, ensure_ascii=False)
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise _Bad("holds half of a surrogate pair; export it again as UTF-8") from None
    if "\\u0000" in plain:
        raise _Bad("holds a NUL character; export it again")
