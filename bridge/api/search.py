"""Strict search: a parameter that is not understood refuses the request (FHIR R4 search.html).

Ignoring an unknown parameter would drop a filter and send more than was asked for. Chaining,
``_has``, ``_filter``, ``_sort`` and modifiers are not understood here, so they are refused too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from bridge.errors import BadRequestError, Finding
from bridge.gate import Match, Query, Released
from bridge.identifiers import Identifiers
from bridge.store.index import (
    CODED,
    INCLUDES,
    REFERENCE,
    SHOWN,
    TARGETS,
    Parameter,
    searchable,
)

MAX_COUNT = 200
DEFAULT_COUNT = 50
_PREFIX = re.compile(r"^(eq|gt|ge|lt|le)?(\d{4}-\d{2}-\d{2}T.*)$")
_ID = re.compile(r"^[A-Za-z0-9.\-]{1,64}$")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search understood: the query, what to include, and how to ask for it again."""

    query: Query
    includes: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SearchReader:
    """Reads search parameters of one type for one client of a party."""

    kind: str
    client_id: str
    base: str
    identifiers: Identifiers
    party: str

    def read(self, given: Sequence[tuple[str, str]]) -> SearchRequest:
        """Understand every parameter, or refuse the whole request.

        Raises:
            BadRequestError: an unknown parameter, modifier or prefix, or a value out of form.
        """
        parts: dict[str, list[str]] = {}
        for name, value in given:
            parts.setdefault(name, []).append(value)
        page = parts.pop("_page", [])
        kept = tuple((n, v) for n, v in given if n != "_page")
        count = self._count(parts.pop("_count", []))
        parts.pop("_format", None)
        includes = tuple(self._include(value) for value in parts.pop("_include", []))
        if self._coded() and (hidden := [n for n in ("_id", "_lastUpdated") if n in parts]):
            raise self._unknown(hidden[0])
        updated = tuple(_updated(value) for value in parts.pop("_lastUpdated", []))
        ids = tuple(_ids(parts.pop("_id", [])))
        matches = tuple(self._match(n, v) for n, values in parts.items() for v in values)
        after = self._cursor(page, kept)
        query = Query(self.kind, ids, matches, updated, after_change=after, limit=count)
        return SearchRequest(query, includes, kept)

    def links(self, request: SearchRequest, released: Released) -> Mapping[str, str]:
        """Return the self link and, where more matches follow, the next link."""
        here = f"{self.base}/{self.kind}"
        links = {"self": f"{here}?{urlencode(request.parameters)}"}
        if len(released.matches) == request.query.limit:
            # INVARIANT: the number itself stays hidden, since it counts the changes of everybody.
            page = self.identifiers.hide(released.last_change, *self._bound(request.parameters))
            links["next"] = f"{here}?{urlencode([*request.parameters, ('_page', page)])}"
        return links

    def _bound(self, parameters: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
        return (self.client_id, self.kind, urlencode(parameters))

    def _cursor(self, page: Sequence[str], kept: Sequence[tuple[str, str]]) -> int:
        if not page:
            return 0
        change = self.identifiers.reveal(page[0], *self._bound(kept)) if len(page) == 1 else None
        if change is None:
            raise _refused("_page", "is not a page link of this search")
        return change

    def _count(self, values: Sequence[str]) -> int:
        if not values:
            return DEFAULT_COUNT
        if len(values) > 1 or not values[0].isdecimal() or len(values[0]) > 6 or values[0] == "0":
            raise _refused("_count", "must be one number of at least 1")
        return min(int(values[0]), MAX_COUNT)

    def _include(self, value: str) -> str:
        kind, _, name = value.partition(":")
        if kind != self.kind or name not in INCLUDES.get(self.kind, {}):
            known = ", ".join(f"{self.kind}:{n}" for n in INCLUDES.get(self.kind, {}))
            raise _refused("_include", f"understands {known or 'nothing for this type'}")
        return name

    def _match(self, name: str, value: str) -> Match:
        parameter = next((p for p in searchable(self.party, self.kind) if p.name == name), None)
        if parameter is None:
            raise self._unknown(name)
        choices = [choice for choice in value.split(",") if choice]
        if not choices:
            raise _refused(name, "needs a value")
        values = [v for choice in choices for v in self._value(parameter, choice)]
        return Match(name, tuple(values))

    def _coded(self) -> bool:
        return self.party in CODED and (self.party, self.kind) in SHOWN

    def _unknown(self, name: str) -> BadRequestError:
        always = [] if self._coded() else ["_id", "_lastUpdated"]
        offered = (p.name for p in searchable(self.party, self.kind))
        known = ", ".join([*always, *offered])
        return _refused(name[:40], f"is not a search parameter of {self.kind}; known: {known}")

    def _value(self, parameter: Parameter, choice: str) -> list[tuple[str | None, str]]:
        if parameter.kind == REFERENCE:
            relative = choice.removeprefix(f"{self.base}/")
            targets = TARGETS[parameter.name]
            if "/" in relative:
                return [(None, relative)]
            return [(None, f"{target}/{relative}") for target in targets]
        system, bar, code = choice.rpartition("|")
        return [(system if bar else None, code)]


def _ids(values: Sequence[str]) -> list[str]:
    ids = [i for value in values for i in value.split(",")]
    if any(not _ID.match(i) for i in ids):
        raise _refused("_id", "is not a resource id")
    return ids


def _updated(value: str) -> tuple[str, datetime]:
    found = _PREFIX.match(value)
    try:
        instant = datetime.fromisoformat(found[2]) if found else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or found is None:
        raise _refused(
            "_lastUpdated", "needs an instant with seconds and zone, as gt2026-09-01T00:00:00Z"
        )
    return (found[1] or "eq", instant.astimezone(UTC))


def _refused(name: str, text: str) -> BadRequestError:
    return BadRequestError(Finding("not-supported", f"Search parameter {name} {text}.", name))
