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

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, replace
from itertools import count
from operator import attrgetter
from string import ascii_letters, digits
from typing import Any, Final

import orjson

from mappings.canonical import Coded, Referral
from mappings.fhir.context import ReferralContext
from mappings.fhir.errors import FhirError
from mappings.fhir.probes import HIDDEN, MARK, LookedIntoError, probe
from mappings.fhir.recipes import PATIENT, RECIPES, Ids, Part, Recipe, build
from mappings.fhir.referral import referral_parts
from mappings.fhir.shapes import ShapeChecker
from mappings.fhir.templates import BlankError, Fill, template

_MOST_FORMS: Final = 8_192
_MOST_VALUES: Final = 4_096

# FHIR ids need no escaping in JSON (R4, id: [A-Za-z0-9.-]{1,64}).
_SAFE: Final = f"{ascii_letters}{digits}.-".encode()

Write = Callable[[Any, Ids, Hashable], bytes]
"""(record, ids, choice) -> the resource as JSON."""

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
        self._writers = [_Writer(recipe, context, self._shapes) for recipe in RECIPES]
        self._write = {writer.recipe: writer.writer() for writer in self._writers}

    @property
    def checked_in_full(self) -> int:
        """The number of resources that were checked in full, one for each shape."""
        return self._shapes.checked_in_full

    @property
    def proven(self) -> int:
        """The number of templates that were proved and are in use."""
        return sum(writer.proven for writer in self._writers)

    def lines(self, referral: Referral) -> list[Line]:
        """Return the resources of a referral, in the order and with the bytes of its builders.

        Raises:
            UnknownCodeError: a code of the referral is not in our tables.
            MissingValueError: its school is not known.
            InvalidResourceError: a resource does not pass the full check.
        """
        return self.lines_of([referral])

    def lines_of(self, referrals: Iterable[Referral]) -> list[Line]:
        """Return the resources of several referrals, one's behind the other's; see :meth:`lines`.

        Some dozens at a time cost a fifth less than one by one: what a processor keeps at hand of
        one step of the work serves all of them before the next step displaces it.
        """
        context = self._context
        parts = [part for each in referrals for part in referral_parts(each, context)]
        # Ids that a resource refers to are ids of others, but for that of the patient's school.
        ids = [part[2][0] for part in parts]
        ids += [id_ for recipe, _, own, _ in parts if recipe is PATIENT for id_ in own]
        if "".join(ids).encode().translate(None, _SAFE):
            raise InvalidResourceError("Resource.id", "use letters, digits, - and . only")
        write = self._write
        return [
            (recipe.kind, write[recipe](record, ids, choice))
            for recipe, record, ids, choice in parts
        ]


class _Writer:
    """Writes the resources of one recipe."""

    def __init__(self, recipe: Recipe, context: ReferralContext, shapes: ShapeChecker) -> None:
        self.recipe, self._context, self._shapes = recipe, context, shapes
        self._texts = _getter(recipe.texts)
        self._codes = _getter(recipe.codes)
        self._list, self._element = recipe.listed
        self._templates: dict[Hashable, Fill] = {}
        self._untried: dict[Hashable, bool] = {}  # of each form seen: no proof was tried yet
        self._items: dict[Coded, bytes] = {}
        # Codes come from the memory of a map, the same object row after row; to hash one costs as
        # much as to write a small resource. What is kept beside keeps an object's id its own.
        self._same_template: dict[Hashable, tuple[Fill, object]] = {}
        self._same_item: dict[int, tuple[bytes, object]] = {}

    @property
    def proven(self) -> int:
        return len(self._templates)

    def writer(self) -> Write:
        """Return what writes the resource of a record, its ids and its choice.

        It is written for the recipe, as :mod:`mappings.fhir.templates` writes what fills: to go
        through the names of fields would cost a fourth of a resource. For one text, two codes and
        a list it says::

            def write(record, ids, choice):
                t0 = record.description
                same = (choice, id(record.urgency), id(record.role), type(t0))
                known = known_of(same)
                try:
                    fill = known[0] if known else known_by_value(same, record)
                    return fill((t0,), ids, listed(record))
                except (BlankError, KeyError):
                    return built((recipe, record, ids, choice))
        """
        recipe = self.recipe
        texts = [f"t{place}" for place in range(len(recipe.texts))]
        form = ["choice", *(f"id(record.{name})" for name in recipe.codes)]
        form += [f"type({text})" for text in texts]
        lines = [f"{text} = record.{name}" for text, name in zip(texts, recipe.texts, strict=True)]
        lines += [
            f"same = ({', '.join(form)},)",
            "known = known_of(same)",
            "try:",
            "    fill = known[0] if known else known_by_value(same, record)",
            f"    return fill(({''.join(f'{t}, ' for t in texts)}), ids, "
            + ("listed(record))" if self._list else 'b"")'),
            "except (BlankError, KeyError):",
            "    return built((recipe, record, ids, choice))",
        ]
        names = {
            "known_of": self._same_template.get,
            "known_by_value": self._known_by_value,
            "listed": self._listed,
            "built": self._built,
            "recipe": recipe,
            "BlankError": BlankError,
        }
        source = "def write(record, ids, choice):\n    " + "\n    ".join(lines) + "\n"
        # The lines hold names of fields of our own records: no text of a record enters them.
        exec(compile(source, f"<{recipe.kind}>", "exec"), names)  # noqa: S102 - ours
        written: Write = names["write"]  # type: ignore[assignment] # of the code made just there
        return written

    def _known_by_value(self, same: tuple[Any, ...], record: object) -> Fill:
        """Return the template of other codes that say the same, and remember it for these.

        Raises:
            KeyError: there is none.
        """
        codes = self._codes(record)
        fill = self._templates[(same[0], codes, same[1 + len(codes) :])]
        _bound(self._same_template, _MOST_FORMS)
        self._same_template[same] = (fill, codes)
        return fill

    def _listed(self, record: object) -> bytes:
        """Return the items of the list.

        Raises:
            KeyError: one of them has not been seen.
        """
        if not self._list:
            return b""
        items, same = getattr(record, self._list), self._same_item
        try:
            return b",".join([same[id(item)][0] for item in items])
        except KeyError:
            _bound(same, _MOST_VALUES)
            same.update({id(item): (self._items[item], item) for item in items})
            return b",".join([self._items[item] for item in items])

    def _built(self, part: Part) -> bytes:
        resource = build(part, self._context)
        for issue in self._shapes.check(resource):
            raise InvalidResourceError(issue.path, issue.text)
        built = orjson.dumps(resource)
        if self._list:
            items = getattr(part[1], self._list)
            _bound(self._items, _MOST_VALUES)
            self._items.update(
                (item, orjson.dumps(made))
                for item, made in zip(items, resource.get(self._element, ()), strict=True)
            )
        # What comes once is not worth a template: one source may hold a new form in every row. And
        # a resource that holds what looks like a probe could not be told from its template.
        form = self._form(part)
        untried = self._untried.get(form)
        if untried and not MARK.search(built):
            self._prove(part, form, built)
        _bound(self._untried, _MOST_FORMS)
        self._untried[form] = untried is None
        return built

    def _form(self, part: Part) -> Hashable:
        _, record, _, choice = part
        return (choice, self._codes(record), tuple(map(type, self._texts(record))))

    def _prove(self, part: Part, form: Hashable, built: bytes) -> None:
        """Keep the template of a form if it gives what the builder gave for this very part."""
        _, record, ids, _ = part
        texts = self._texts(record)
        try:
            fill = template(self._probed(part), texts, len(ids))
            same = fill(texts, ids, self._listed(record)) == built
        except (BlankError, LookedIntoError):
            return
        if same:
            _bound(self._templates, _MOST_FORMS)
            self._templates[form] = fill

    def _probed(self, part: Part) -> bytes:
        """Build from probes.

        Raises:
            LookedIntoError: the builder does more than copy, or looks at a field of no list.
        """
        recipe, record, own_ids, choice = part
        places = count()
        given = {name: getattr(record, name) for name in recipe.codes}
        given |= {name: probe(next(places), getattr(record, name)) for name in recipe.texts}
        ids: Ids = tuple(probe(next(places), id_) for id_ in own_ids)
        mark = probe(next(places), self._element)
        if self._list:
            given[self._list] = (Coded("", mark),) if getattr(record, self._list) else ()
        hidden = {field.name: HIDDEN for field in fields(record)}
        probed = replace(record, **(hidden | given))
        body = orjson.dumps(recipe.build(probed, ids, choice, self._context))
        return body.replace(orjson.dumps({"text": mark}), orjson.dumps(mark)[1:-1])


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
