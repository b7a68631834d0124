"""Places in nested records: JSON objects, XML elements read as objects.

A place is written as the names on the way to it, divided by dots, the kind of record first:

- ``Student.Name.FirstName`` the text there; the place means nothing where a step is missing.
- ``Contact.2.Name.FirstName`` the second of several records of that kind.
- ``Patient.telecom.value where system is phone`` only where the nearest element around the text
  that has a ``system`` says so.
- ``every ServiceRequest.reasonCode.text`` all texts, divided by ``¦``, which no text needs.
- ``first Patient.name.given`` the first of several texts.

Without ``every`` or ``first``, several different texts at one place are ``SEVERAL``: which one is
meant is not known, and the row is held.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mappings.readers.table import SEVERAL

_PLACE = re.compile(
    r"(?:(?P<which>every|first) )?(?P<record>[A-Za-z][A-Za-z0-9]*)(?:\.(?P<number>[1-9]))?"
    r"\.(?P<path>[A-Za-z_@][A-Za-z0-9_]*(?:\.[A-Za-z_@][A-Za-z0-9_]*)*)"
    r"(?: where (?P<key>[A-Za-z_@][A-Za-z0-9_.]*) is (?P<value>\S.*))?\Z"
)
_DIVIDER: Final = " ¦ "


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """A place in a record.

    Attributes:
        record: kind of record, as the source names it.
        path: names on the way.
        number: which of several records of that kind, counted from 1; 0 for whichever there are.
        which: ``every``, ``first`` or empty.
        key, value: the member, and its text, that an element around the place must have.
    """

    record: str
    path: tuple[str, ...]
    number: int = 0
    which: str = ""
    key: tuple[str, ...] = ()
    value: str = ""

    def texts(self, record: object) -> list[str]:
        """Return the texts at this place of one record, in order, empty ones left out."""
        return [text for text in self._found(record, self.path, ()) if text]

    def _found(
        self, value: object, path: tuple[str, ...], around: tuple[dict[str, Any], ...]
    ) -> Iterator[str]:
        if isinstance(value, list):
            for item in value:
                yield from self._found(item, path, around)
        elif path:
            if isinstance(value, dict) and path[0] in value:
                yield from self._found(value[path[0]], path[1:], (*around, value))
        elif isinstance(value, str | bool) and self._is_meant(around):
            yield _text(value)

    def _is_meant(self, around: tuple[dict[str, Any], ...]) -> bool:
        if not self.key:
            return True
        nearest = next((item for item in reversed(around) if self.key[0] in item), None)
        return nearest is not None and self.value in _values(nearest, self.key)

    def one_of(self, texts: Iterable[str]) -> str:
        """Return the cell for the texts found."""
        found = list(texts)
        if self.which == "every":
            return _DIVIDER.join(dict.fromkeys(found))
        if len(set(found)) < 2 or self.which == "first":
            return found[0] if found else ""
        return SEVERAL


def parse_place(text: str) -> RecordPlace:
    """Read a place.

    Raises:
        ValueError: the text is no place; the message says what one looks like.
    """
    found = _PLACE.match(text)
    if found is None:
        raise ValueError(
            f'"{text}" is no place in a record; write for example Student.Name.FirstName or'
            ' "Patient.telecom.value where system is phone"'
        )
    return RecordPlace(
        record=found["record"],
        path=tuple(found["path"].split(".")),
        number=int(found["number"] or 0),
        which=found["which"] or "",
        key=tuple(found["key"].split(".")) if found["key"] else (),
        value=found["value"] or "",
    )


def _text(value: str | bool) -> str:
    """Return a leaf as its source writes it."""
    return value.strip() if isinstance(value, str) else str(value).lower()


def _values(value: object, path: tuple[str, ...]) -> list[str]:
    """Return every text at a path."""
    if isinstance(value, list):
        return [text for item in value for text in _values(item, path)]
    if not path:
        return [_text(value)] if isinstance(value, str | bool) else []
    return _values(value.get(path[0]), path[1:]) if isinstance(value, dict) else []


def values_at(record: object, path: str) -> list[str]:
    """Return every text at a path written with dots.

    >>> values_at({"a": [{"b": " x "}, {"b": "y"}]}, "a.b")
    ['x', 'y']
    """
    return _values(record, tuple(path.split(".")))


_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*\Z")


def leaf_paths(value: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every text in a record, as a place writes it; one may come repeatedly.

    >>> list(leaf_paths({"a": [{"b": "x", "c": {"d": True}}]}))
    ['a.b', 'a.c.d']
    """
    if isinstance(value, dict):
        for name, item in value.items():
            if _NAME.match(name):
                yield from leaf_paths(item, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from leaf_paths(item, path)
    elif isinstance(value, str | bool) and value != "" and path:
        yield ".".join(path)
