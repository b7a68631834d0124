"""Templates: bytes that never change, with the places of values between them.

Joining them is the innermost loop of a run, so a function is written for it, once for each layout
(which values stand in which order); templates that differ in their bytes alone share it. For two
texts and an id that occurs twice, it says::

    def layout(p0, p1, p2, p3, p4):
        def fill(texts, ids, items):
            t0,t1, = texts
            i2, = ids
            if not all(map(strip, (t0,t1,))): raise BlankError
            v0 = w0(t0)
            v1 = w1(t1)
            v2 = encode(i2)
            v3 = items
            return join((p0, v2, p1, v0, p2, v1, p3, v2, p4))
        return fill
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from types import NoneType
from typing import Any, Final

import orjson

from mappings.fhir.elements import instant, number
from mappings.fhir.probes import MARK, place_of

_MOST_VALUES: Final = 4_096

Fill = Callable[[tuple[Any, ...], tuple[str, ...], bytes], bytes]
"""(texts, ids, the list's items as JSON) -> the resource as JSON. Raises BlankError."""


class BlankError(Exception):
    """A text is blank, which no template was made for."""


class Remembered(dict[Any, Any]):
    """What was made of values; forgets everything when full, so that memory stays bounded."""

    def __init__(self, make: Callable[[Any], Any], most: int = _MOST_VALUES) -> None:
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, value: Any) -> Any:  # noqa: ANN401 - a value of a record
        made = self._make(value)
        if len(self) >= self._most:
            self.clear()
        self[value] = made
        return made


_WRITERS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: orjson.dumps,
    date: Remembered(lambda day: day.isoformat().encode()).__getitem__,
    datetime: Remembered(lambda when: instant(when).encode()).__getitem__,
    Decimal: Remembered(lambda value: orjson.dumps(number(value))).__getitem__,
    int: lambda value: b"%d" % value,
}


def template(built: bytes, texts: tuple[Any, ...], ids: int) -> Fill:
    """Return what fills a template.

    Args:
        built: what the builder gives for probes (:mod:`mappings.fhir.probes`), whose places count
            texts, then ids, then the list's items.
        texts: the record's own texts, whose types are those of every record of the form.
        ids: how many ids go with it.
    """
    marks = list(MARK.finditer(built))
    within = {place_of(mark) for mark in marks if not _is_whole(built, mark)}
    kinds = tuple(
        (type(text), isinstance(text, str) and place not in within)
        for place, text in enumerate(texts)
    )
    quoted = {place for place, (_, whole) in enumerate(kinds) if whole}
    spans = [_span(mark, quoted=place_of(mark) in quoted) for mark in marks]
    edges = [0, *(edge for span in spans for edge in span), len(built)]
    pieces = tuple(built[start:end] for start, end in list(pairwise(edges))[::2])
    made: Fill = _layout(kinds, ids, tuple(map(place_of, marks)))(*pieces)
    return made


def _is_whole(built: bytes, mark: re.Match[bytes]) -> bool:
    """Whether a probe is a JSON string of its own and not a part of one."""
    return built[mark.start() - 1 : mark.start()] == built[mark.end() : mark.end() + 1] == b'"'


def _span(mark: re.Match[bytes], *, quoted: bool) -> tuple[int, int]:
    return (mark.start() - quoted, mark.end() + quoted)


@lru_cache(maxsize=1_024)
def _layout(
    kinds: tuple[tuple[type, bool], ...], ids: int, order: tuple[int, ...]
) -> Callable[..., Fill]:
    """Write the function that makes a template of the pieces between values.

    Args:
        kinds: of each text its type, and whether it is a JSON string of its own.
        ids: how many ids there are.
        order: the places of the values as they come.
    """
    here = [place for place, (kind, _) in enumerate(kinds) if kind is not NoneType]
    strings = "".join(f"t{place}," for place in here if kinds[place][1])
    lines = [f"{''.join(f't{place},' for place in range(len(kinds)))} = texts"] if kinds else []
    lines.append(f"{''.join(f'i{len(kinds) + place},' for place in range(ids))} = ids")
    if strings:
        lines.append(f"if not all(map(strip, ({strings}))): raise BlankError")
    names: dict[str, Any] = {"BlankError": BlankError, "strip": str.strip, "join": b"".join}
    names |= {"encode": str.encode}
    for place in here:
        kind, whole = kinds[place]
        names[f"w{place}"] = _part_of_text if kind is str and not whole else _WRITERS[kind]
        lines.append(f"v{place} = w{place}(t{place})")
    last = len(kinds) + ids
    lines += [f"v{place} = encode(i{place})" for place in range(len(kinds), last) if place in order]
    lines.append(f"v{last} = items")
    pieces = ", ".join(f"p{at}" for at in range(len(order) + 1))
    joined = ", ".join(f"p{at}, v{place}" for at, place in enumerate(order))
    lines.append(f"return join(({joined}, p{len(order)}))")
    body = "\n        ".join(lines)
    source = (
        f"def layout({pieces}):\n    def fill(texts, ids, items):\n        {body}\n    return fill"
    )
    # The lines hold names made of numbers only: no text of a record or a resource enters them.
    exec(compile(source, "<template>", "exec"), names)  # noqa: S102 - code made of our own shapes
    made: Callable[..., Fill] = names["layout"]
    return made


def _part_of_text(value: str) -> bytes:
    return orjson.dumps(value)[1:-1]
