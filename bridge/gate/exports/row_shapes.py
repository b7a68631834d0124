"""Telling at one look what a row says: rows whose JSON has one shape, read by one expression.

A shape is a text with its strings and numbers left open. A row that fits has the same members in
the same order, nested alike, and nothing is escaped; so each member is where the expression says,
and what is not read may say what it will. What matters of a row is then: what the members say that
are read, the record's own id, and to whom it refers.

INVARIANT: a row fits a shape only if taking it apart (:mod:`bridge.gate.exports.row_plans`) would
find the same members, and in each the person that is found here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.gate.exports.row_pieces import Made

_TOKEN: Final = re.compile(r'"[^"\\]*"(?=:)|("[^"\\]*")|(-?[0-9][-+.0-9eE]*)')
"""The name of a member, a string, a number: in JSON that is written without spaces or escapes."""
_STRING: Final = r'"[^"]*+"'
_NUMBER: Final = r"-?[0-9][-+.0-9eE]*+"
_ID: Final = re.compile(r'"[^"\\]+"')
_SOMEBODY: Final = r'([^"]++)'
_REFERENCE: Final = '"reference":"'
ESCAPE: Final = "\\"
"""A text that has one fits no shape."""
_OWN, _SAID, _PERSON = "own id", "what is said", "whom it refers to"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One shape of rows.

    Attributes:
        fits: matches the text of a row without a backslash: in it nothing is escaped, and a
            quotation mark ends a text. (Looking for both, an expression takes four times as long.)
        said: groups of what is said in the members that are read.
        people: groups of ids: the record's own, of whom it refers to in the order in which it does,
            and once more its own.
        known: by what is said, how such rows are written.
    """

    fits: Callable[[str], "re.Match[str] | None"]
    said: tuple[int, ...]
    people: tuple[int, ...]
    known: dict[object, Made] = field(default_factory=dict)


def shape_of(
    members: Mapping[str, str], body: str, halves: Mapping[str, tuple[str, str] | None]
) -> Shape | None:
    """Return the shape of a row in which nothing is escaped; None where that is not sure.

    Args:
        members: the texts of its members.
        body: its text.
        halves: of the members that are read, what stands before and after the id of the person
            they refer to; None where they refer to nobody.
    """
    whole = ",".join(f'"{name}":{text}' for name, text in members.items())
    if f"{{{whole}}}" != body or not _ID.fullmatch(members["id"]):
        return None  # spaces, or a member twice
    groups: dict[str, list[int]] = {_OWN: [], _SAID: [], _PERSON: []}
    written, number, before = list[str](), 0, ""
    for name, text in members.items():
        group, piece = _member(name, text, halves)
        if group == before == _SAID:  # what stands side by side is said in one
            written[-1] = f'{written[-1][:-1]},"{re.escape(name)}":{piece})'
            continue
        if group:
            number += 1
            groups[group].append(number)
        before = group
        grouped = f"({piece})" if group == _SAID else piece
        written.append(f'"{re.escape(name)}":{grouped}')
    fits = re.compile(rf"\{{{','.join(written)}\}}").fullmatch
    own, said = groups[_OWN], groups[_SAID]
    return Shape(fits, (*said,), (*own, *groups[_PERSON], *own)) if said else None


def _member(name: str, text: str, halves: Mapping[str, tuple[str, str] | None]) -> tuple[str, str]:
    """Return for what a member has a group, and the expression of what it says."""
    if name == "id":
        return _OWN, f'"{_SOMEBODY}"'
    if name not in halves:
        return "", _opened(text)
    halved = halves[name]
    if halved is not None:
        return _PERSON, _SOMEBODY.join(map(re.escape, halved))
    if name == "resourceType" or _REFERENCE in text:
        return "", re.escape(text)
    return _SAID, _opened(text)


def _opened(text: str) -> str:
    """Return an expression for whatever differs from a text in strings and numbers alone."""
    written, end = [], 0
    for token in _TOKEN.finditer(text):
        written.append(re.escape(text[end : token.start()]))
        string, number = token.groups()
        written.append(_STRING if string else _NUMBER if number else re.escape(token.group()))
        end = token.end()
    return "".join((*written, re.escape(text[end:])))
