"""Resources as bytes, from proven templates.

A builder makes a dict, a checker walks it and a serialiser walks it again: three times the work for
a resource that differs from the one before in a name and a date. Here the first resource of a form
is built, checked in full and written that way. When the form comes again its template is derived:
the builder runs once more on probes (:mod:`mappings.fhir.probes`), and where they come out is where
values go. From then on only the values are written, between bytes that never change.

INVARIANT: a template is kept only if (1) a resource of its shape passed the full check, (2) the
builder did nothing with the probes but copy them, and (3) filled with the values of a real record
it gives byte for byte what the builder and ``orjson`` give. A form that cannot be proved is built,
checked and serialised every time.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import count, pairwise
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, Final

import orjson

from mappings.canonical import Coded, Referral
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import instant, number
from mappings.fhir.errors import FhirError
from mappings.fhir.probes import HIDDEN, MARK, LookedIntoError, place_of, probe
from mappings.fhir.recipes import RECIPES, Ids, Part, Recipe
from mappings.fhir.referral import referral_parts
from mappings.fhir.shapes import ShapeChecker

_MOST_FORMS: Final = 8_192
_MOST_VALUES: Final = 4_096

# FHIR ids need no escaping in JSON (R4, id: [A-Za-z0-9.-]{1,64}).
_SAFE: Final = re.compile(r"[A-Za-z0-9.-]+")

Line = tuple[str, bytes]
"""Resource type and the resource as compact JSON."""


class InvalidResourceError(FhirError):
    """A resource that was built does not pass our own check; nothing of it was written."""


class ReferralWriter:
    """Writes the resources of referrals under one context.

    ``checked_in_full`` and ``proven`` count the shapes checked and the templates in use.
    """

    def __init__(self, context: ReferralContext) -> None:
        self._context = context
        self._shapes = ShapeChecker()
        self._writers = {recipe: _Writer(recipe, context, self._shapes) for recipe in RECIPES}

    @property
    def checked_in_full(self) -> int:
        """The number of resources that were checked in full, one for each shape."""
        return self._shapes.checked_in_full

    @property
    def proven(self) -> int:
        """The number of templates that were proved and are in use."""
        return sum(writer.proven for writer in self._writers.values())

    def lines(self, referral: Referral) -> list[Line]:
        """Return the resources of a referral, in the order and with the bytes of its builders.

        Raises:
            UnknownCodeError: a code of the referral is not in our tables.
            MissingValueError: its school is not known.
            InvalidResourceError: a resource does not pass the full check.
        """
        parts = referral_parts(referral, self._context)
        ids = [part.ids[0] for part in parts]
        if not _SAFE.fullmatch("".join((*ids, *parts[0].ids))):
            raise InvalidResourceError("Resource.id", "use letters, digits, - and . only")
        writers = self._writers
        return [(part.recipe.kind, writers[part.recipe].write(part)) for part in parts]


class _Blank(Exception):  # noqa: N818 - caught within the module
    """A text is blank, which no template was made for."""


class _Template:
    """Bytes that never change, with the places of values between them.

    Args:
        built: what the builder gives for probes.
        texts: the record's own texts, whose types are those of every record of the form.
        ids: how many ids go with it.
    """

    __slots__ = ("_order", "_others", "_pieces", "_strings")

    def __init__(self, built: bytes, texts: tuple[Any, ...], ids: int) -> None:
        marks = list(MARK.finditer(built))
        within = {place_of(mark) for mark in marks if not _is_whole(built, mark)}
        strings = [n for n, text in enumerate(texts) if isinstance(text, str) and n not in within]
        others = [n for n, text in enumerate(texts) if text is not None and n not in strings]
        # Values come strings first, with their quotes, then other texts, ids, the list's items.
        after = range(len(texts), len(texts) + ids + 1)
        values = {n: at for at, n in enumerate([*strings, *others, *after])}
        spans = [_span(mark, quoted=place_of(mark) in strings) for mark in marks]
        edges = [0, *(edge for span in spans for edge in span), len(built)]
        pieces = [built[start:end] for start, end in pairwise(edges)]
        # itemgetter gives a tuple only of two or more: the empty value is copied twice more.
        self._pieces = [*pieces, b"", b"", b"", b""]
        self._order = itemgetter(*(values[place_of(mark)] for mark in marks), -1, -1)
        self._strings = _picker(strings)
        self._others = [(_WRITERS[type(texts[n])], n) for n in others]

    def fill(self, texts: tuple[Any, ...], ids: Ids, items: bytes) -> bytes:
        """Return the bytes with values in their places.

        Raises:
            _Blank: a text is blank.
        """
        strings = self._strings(texts)
        if not all(map(str.strip, strings)):
            raise _Blank
        values = list(map(orjson.dumps, strings))
        for write, place in self._others:
            values.append(write(texts[place]))
        values += map(str.encode, ids)
        values += (items, b"")
        pieces = self._pieces.copy()
        pieces[1::2] = self._order(values)
        return b"".join(pieces)


def _is_whole(built: bytes, mark: re.Match[bytes]) -> bool:
    """Whether a probe is a JSON string of its own and not a part of one."""
    return built[mark.start() - 1 : mark.start()] == built[mark.end() : mark.end() + 1] == b'"'


def _span(mark: re.Match[bytes], *, quoted: bool) -> tuple[int, int]:
    return (mark.start() - quoted, mark.end() + quoted)


class _Writer:
    """Writes the resources of one recipe."""

    def __init__(self, recipe: Recipe, context: ReferralContext, shapes: ShapeChecker) -> None:
        self._recipe, self._context, self._shapes = recipe, context, shapes
        self._texts = _getter(recipe.texts)
        self._codes = _getter(recipe.codes)
        self._list, self._element = recipe.listed
        self._templates: dict[Hashable, _Template] = {}
        self._untried: dict[Hashable, bool] = {}  # of each form seen: no proof was tried yet
        self._items: dict[Coded, bytes] = {}

    @property
    def proven(self) -> int:
        return len(self._templates)

    def write(self, part: Part) -> bytes:
        texts = self._texts(part.record)
        form = (part.choice, self._codes(part.record), *map(type, texts))
        template = self._templates.get(form)
        if template is not None:
            try:
                return template.fill(texts, part.ids, self._listed(part))
            except (_Blank, KeyError):
                pass
        return self._built(part, form)

    def _listed(self, part: Part) -> bytes:
        """Return the items of the list.

        Raises:
            KeyError: one of them has not been seen.
        """
        if not self._list:
            return b""
        items = self._items
        return b",".join([items[item] for item in getattr(part.record, self._list)])

    def _built(self, part: Part, form: Hashable) -> bytes:
        resource = part.build(self._context)
        for issue in self._shapes.check(resource):
            raise InvalidResourceError(issue.path, issue.text)
        built = orjson.dumps(resource)
        if self._list:
            items = getattr(part.record, self._list)
            _bound(self._items, _MOST_VALUES)
            self._items.update(
                (item, orjson.dumps(made))
                for item, made in zip(items, resource.get(self._element, ()), strict=True)
            )
        # What comes once is not worth a template: one source may hold a new form in every row. And
        # a resource that holds what looks like a probe could not be told from its template.
        untried = self._untried.get(form)
        if untried and not MARK.search(built):
            self._prove(part, form, built)
        _bound(self._untried, _MOST_FORMS)
        self._untried[form] = untried is None
        return built

    def _prove(self, part: Part, form: Hashable, built: bytes) -> None:
        """Keep the template of a form if it gives what the builder gave for this very part."""
        texts = self._texts(part.record)
        try:
            template = _Template(self._probed(part), texts, len(part.ids))
            same = template.fill(texts, part.ids, self._listed(part)) == built
        except (_Blank, LookedIntoError):
            return
        if same:
            _bound(self._templates, _MOST_FORMS)
            self._templates[form] = template

    def _probed(self, part: Part) -> bytes:
        """Build from probes.

        Raises:
            LookedIntoError: the builder does more than copy, or looks at a field of no list.
        """
        recipe, record = self._recipe, part.record
        places = count()
        given = {name: getattr(record, name) for name in recipe.codes}
        given |= {name: probe(next(places), getattr(record, name)) for name in recipe.texts}
        ids: Ids = tuple(probe(next(places), id_) for id_ in part.ids)
        mark = probe(next(places), self._element)
        if self._list:
            given[self._list] = (Coded("", mark),) if getattr(record, self._list) else ()
        hidden = {field.name: HIDDEN for field in fields(record)}
        probed = replace(record, **(hidden | given))
        body = orjson.dumps(recipe.build(probed, ids, part.choice, self._context))
        return body.replace(orjson.dumps({"text": mark}), orjson.dumps(mark)[1:-1])


class _Remembered(dict[Any, bytes]):
    """What values are written as; forgets everything when full, so that memory stays bounded."""

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: Any) -> bytes:  # noqa: ANN401 - a value of a record
        _bound(self, _MOST_VALUES)
        self[value] = written = self._write(value)
        return written


def _bound(known: dict[Any, Any], most: int) -> None:
    if len(known) >= most:
        known.clear()


def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    match names:
        case ():
            return lambda _: ()
        case (name,):
            return lambda record: (getattr(record, name),)
        case _:
            return attrgetter(*names)


def _picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    match places:
        case []:
            return lambda _: ()
        case [place]:
            return lambda texts: (texts[place],)
        case _:
            return itemgetter(*places)


_WRITERS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: lambda value: orjson.dumps(value)[1:-1],
    date: _Remembered(lambda day: day.isoformat().encode()).__getitem__,
    datetime: _Remembered(lambda when: instant(when).encode()).__getitem__,
    Decimal: lambda value: orjson.dumps(number(value)),
    int: lambda value: b"%d" % value,
    NoneType: lambda _: b"",
}
