"""Strict search: a parameter that is not understood refuses the request (FHIR R4 search.html).

Ignoring an unknown parameter would drop a filter and send more than was asked for; a client that
wants that says so (``Prefer: handling=lenient``) and reads in the self link what was understood.
``_has``, ``_filter``, ``_text``, ``_content``, ``_list`` and other chains than to a person's
identifier are not understood, so they are refused too: they reach into what cannot be read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from bridge.api.search_values import ValueReader, ids_of, parts_of, refused
from bridge.errors import BadRequestError
from bridge.gate import Chain, Criterion, Match, Order, Query, Released, Shape
from bridge.identifiers import Identifiers
from bridge.store.search.index import (
    INCLUDES,
    Parameter,
    ParameterKind,
    is_coded,
    reverse_includes,
    searchable,
)
from bridge.store.search.ranges import instant_of

MAX_COUNT: Final = 200
DEFAULT_COUNT: Final = 50
NOWHERE: Final = "-"
"""An id no resource has: what is asked for is in two lists that share none."""
SUMMARIES: Final = ("true", "text", "data", "count", "false")
_ELEMENT: Final = re.compile(r"[A-Za-z]+(\.[A-Za-z]+)*(\[x\])?")
_CHAINS: Final = ("patient.identifier", "subject.identifier")
_PLACES: Final = 2**63
_TIES: Final = {"_id": "id", "_lastUpdated": "change"}
"""What may break the ties of a date: the id, or when the caller's view last changed."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search understood: the query, what to include, its shape, and how to ask for it again."""

    query: Query
    includes: tuple[str, ...] = ()
    shape: Shape = field(default_factory=Shape)
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchReader:
    """Reads search parameters of one type for one client of a party."""

    kind: str
    client_id: str
    base: str
    identifiers: Identifiers
    party: str
    now: datetime
    lenient: bool = False

    def read(self, given: Sequence[tuple[str, str]]) -> SearchRequest:
        """Understand every parameter, or refuse the whole request.

        Raises:
            BadRequestError: an unknown parameter, modifier or prefix, or a value out of form.
        """
        page = [value for name, value in given if name == "_page"]
        request = SearchRequest(Query(self.kind, limit=DEFAULT_COUNT))
        for name, value in given:
            if name == "_page":
                continue
            try:
                request = self._with(request, name, value)
            except BadRequestError:
                if not self.lenient:
                    raise
        query = request.query
        if query.limit == 0:  # R4: the same as _summary=count
            shape = replace(request.shape, summary="count")
            request = replace(request, query=replace(query, limit=1), shape=shape)
        return replace(request, query=self._paged(request.query, page, request.parameters))

    def criteria(self, given: Iterable[tuple[str, str]]) -> tuple[Criterion, ...]:
        """Read parameters that limit what may be reached, as in the constraint of a scope.

        Raises:
            BadRequestError: one of them is no search parameter of the type for this party.
        """
        return tuple(self._criterion(name, value) for name, value in given)

    def links(self, request: SearchRequest, released: Released) -> Mapping[str, str]:
        """Return the self link and, where more matches may follow, the next link."""
        here = f"{self.base}/{self.kind}"
        links = {"self": self.self_link(request)}
        if len(released.matches) == request.query.limit:
            # INVARIANT: the number itself stays hidden, since it counts the changes of everybody.
            page = self.identifiers.hide(_packed(released.last), *self._bound(request.parameters))
            asked = (
                _encoded(request.parameters),
                f"_page={page}",
            )  # of letters that stay as they are
            links["next"] = f"{here}?{'&'.join(filter(None, asked))}"
        return links

    def self_link(self, request: SearchRequest) -> str:
        """Return the search as it was understood."""
        return f"{self.base}/{self.kind}?{_encoded(request.parameters)}"

    @staticmethod
    def types_reached(request: SearchRequest) -> tuple[str, ...]:
        """Return the types whose search a chain needs, so that the scopes are asked for them."""
        chains = (each for each in request.query.matches if isinstance(each, Chain))
        return tuple(dict.fromkeys(each.type for each in chains))

    def _with(self, request: SearchRequest, name: str, value: str) -> SearchRequest:
        """Return a request with one more parameter."""
        if name in _ONCE and any(given == name for given, _ in request.parameters):
            raise refused(name, "is given twice")
        parameters = (*request.parameters, (name, value))
        match name:
            case "_include":
                includes = (*request.includes, self._include(value))
                return replace(request, includes=includes, parameters=parameters)
            case "_elements" | "_summary":
                shape = _shaped(request.shape, name, value)
                return replace(request, shape=shape, parameters=parameters)
            case _:
                query = replace(request.query, **self._fields(request.query, name, value))
                return replace(request, query=query, parameters=parameters)

    def _fields(self, query: Query, name: str, value: str) -> dict[str, Any]:
        """Return what a parameter changes of a query."""
        found: dict[str, Any] = {}
        match name:
            case "_count":
                found["limit"] = _count(value)
            case "_sort":
                found["order"] = self._order(value)
            case "_total":
                found["counted"] = _total(value)
            case "_format":
                _json(value)
            case "_revinclude":
                found["reverse"] = tuple(dict.fromkeys((*query.reverse, self._reverse(value))))
            case "_id" if not self._coded:
                ids = ids_of(value)
                both = tuple(each for each in ids if each in query.ids) or (NOWHERE,)
                found["ids"] = both if query.ids else ids
            case "_lastUpdated" if not self._coded:
                bounds, left_out = self._values.updated(value)
                spans = tuple((instant_of(s.low), instant_of(s.high)) for s in left_out)
                found["updated"] = (*query.updated, *bounds)
                found["not_updated"] = (*query.not_updated, *spans)
            case _:
                found["matches"] = (*query.matches, self._criterion(name, value))
        return found

    def _criterion(self, name: str, value: str) -> Criterion:
        plain, colon, modifier = name.partition(":")
        if colon and not modifier:
            raise self._unknown(name)
        if plain in _CHAINS and not modifier and self.party == "provider":
            return self._chain(plain, value)
        parameter = self._parameter(plain)
        return self._values.criterion(parameter, modifier, value)

    def _chain(self, name: str, value: str) -> Chain:
        """Read a search by a person's identifier: what the same client could ask of Patient."""
        link, _, _ = name.partition(".")
        self._parameter(link)
        person = next(p for p in searchable(self.party, "Patient") if p.name == "identifier")
        match = self._values.criterion(person, "", value)
        if not isinstance(match, Match):
            raise self._unknown(name)
        return Chain(link, "Patient", match)

    def _parameter(self, name: str) -> Parameter:
        found = next((p for p in searchable(self.party, self.kind) if p.name == name), None)
        if found is None:
            raise self._unknown(name)
        return found

    def _order(self, value: str) -> Order:
        """Read ``_sort``: a date and, after it, what breaks its ties."""
        first, *more = value.split(",")
        descending, name = first.startswith("-"), first.removeprefix("-")
        if name == "_lastUpdated" and not self._coded and not more:
            return Order("", descending)
        dates = [p.name for p in searchable(self.party, self.kind) if p.kind is ParameterKind.DATE]
        if name not in dates or len(more) > 1:
            known = ", ".join(["_lastUpdated", *dates] if not self._coded else dates)
            raise refused("_sort", f"understands one of: {known or 'none for this type'}")
        return replace(Order(name, descending), **self._ties(more))

    def _ties(self, more: Sequence[str]) -> dict[str, Any]:
        """Read what breaks ties; of a coded row nobody is told id or instant, so nothing can."""
        if not more:
            return {}
        descending, name = more[0].startswith("-"), more[0].removeprefix("-")
        if self._coded or name not in _TIES:
            raise refused("_sort", f"understands after a date: {', '.join(_TIES)}")
        return {"tie": _TIES[name], "tie_descending": descending}

    def _include(self, value: str) -> str:
        kind, _, rest = value.partition(":")
        name, _, target = rest.partition(":")
        # The misspelling is the guide's: SDOHCC 3.0.0 CapabilityStatements ask for it.
        kind = "HealthcareService" if kind == "HealthCareService" else kind
        if kind != self.kind or name not in INCLUDES.get(self.kind, {}) or not _is_type(target):
            known = ", ".join(f"{self.kind}:{n}" for n in INCLUDES.get(self.kind, {}))
            raise refused("_include", f"understands {known or 'nothing for this type'}")
        return f"{name}:{target}" if target else name

    def _reverse(self, value: str) -> tuple[str, str]:
        source, _, rest = value.partition(":")
        name, _, target = rest.partition(":")
        offered = reverse_includes(self.party, self.kind)
        if (source, name) not in offered or target not in ("", self.kind):
            known = ", ".join(f"{s}:{n}" for s, n in offered)
            raise refused("_revinclude", f"understands {known or 'nothing for this type'}")
        return source, name

    def _paged(self, query: Query, page: Sequence[str], kept: Sequence[tuple[str, str]]) -> Query:
        if not page:
            return query
        number = self.identifiers.reveal(page[0], *self._bound(kept)) if len(page) == 1 else None
        if number is None:
            raise refused("_page", "is not a page link of this search")
        place, last = _unpacked(number)
        tie: str | int = _id_of(last) if query.order.tie == "id" else last
        return replace(query, order=replace(query.order, after=place, after_tie=tie))

    def _bound(self, parameters: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
        return (self.client_id, self.kind, _encoded(tuple(parameters)))

    @property
    def _values(self) -> ValueReader:
        return ValueReader(self.kind, self.base, self.now)

    @property
    def _coded(self) -> bool:
        return is_coded(self.party, self.kind)

    def _unknown(self, name: str) -> BadRequestError:
        always = [] if self._coded else ["_id", "_lastUpdated"]
        offered = (p.name for p in searchable(self.party, self.kind))
        known = ", ".join([*always, *offered])
        return refused(name, f"is not a search parameter of {self.kind}; known: {known}")


_ONCE: Final = ("_count", "_sort", "_total", "_summary", "_elements", "_format")


def _shaped(shape: Shape, name: str, value: str) -> Shape:
    if name == "_summary":
        if value not in SUMMARIES:
            raise refused("_summary", f"is one of: {', '.join(SUMMARIES)}")
        return replace(shape, summary="" if value == "false" else value)
    elements = parts_of("_elements", value)
    if any(not _ELEMENT.fullmatch(each) for each in elements):
        raise refused("_elements", "takes names of elements")
    return replace(shape, elements=tuple(each.rpartition(".")[2] for each in elements))


def _count(value: str) -> int:
    if not value.isdecimal() or not value.isascii() or len(value) > 6:
        raise refused("_count", "must be one number, 0 or more")
    return min(int(value), MAX_COUNT)


def _total(value: str) -> bool:
    if value not in ("none", "accurate", "estimate"):
        raise refused("_total", "is one of: none, accurate, estimate")
    return value != "none"  # what is counted is exact


def _json(value: str) -> None:
    if value not in ("json", "application/json", "application/fhir+json", "text/json"):
        raise refused("_format", "is json")


def _is_type(target: str) -> bool:
    return not target or (target.isalpha() and target[0].isupper())


def _packed(last: tuple[int, str]) -> int:
    """Return a place and what breaks its tie as one number.

    Ids the bridge issues are 128 bits in hexadecimal; so is the number of a change written here.
    """
    place, tie = last
    digits = tie.replace("-", "")
    number = int(digits, 16) if re.fullmatch("[0-9a-f]{32}", digits) else 0
    return (place + _PLACES) << 128 | number


def _unpacked(number: int) -> tuple[int, int]:
    return (number >> 128) - _PLACES, number & (2**128 - 1)


def _id_of(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


# What is asked again and again, and written twice in each answer.
@lru_cache(maxsize=1024)
def _encoded(parameters: tuple[tuple[str, str], ...]) -> str:
    return urlencode(parameters)
