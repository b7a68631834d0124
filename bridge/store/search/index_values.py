"""The values a resource is found by, read from the paths of :mod:`bridge.store.search.index`."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from bridge.store.search.index import MISSING, PARAMETERS, SOUGHT_MISSING, Parameter, ParameterKind
from bridge.store.search.ranges import OPEN_END, OPEN_START, Range, read_range
from consent.selectors import Selector, parse_selector

MOST_LETTERS = 200
"""Longer texts are found by their beginning, longer codes not at all: an index key has an end."""
EXACT = ":exact"
"""What the parameter of a text kept as it was written ends with."""
OF_ONE: Final = (
    *("identifier", "focus", "patient", "subject", "based-on", "target", "output"),
    *("family", "given", "name", "family:exact", "given:exact", "name:exact", "practitioner"),
)
"""Criteria that few records meet, from which a search can start with any number of values."""
SELECTIVE: Final = (*OF_ONE, "owner:missing", "business-status", "status", "code")
"""Criteria from which a search can start, the most selective first."""
STARTS: Final = frozenset((*SELECTIVE, "intent"))
"""Parameters of which a record is looked for by its value; of others, whether a record has one."""
_TEXTS = (
    *("text", "family", "given", "prefix", "suffix"),
    *("line", "city", "district", "state", "postalCode", "country"),
)


_MAPPINGS = (dict, Mapping)
"""What JSON gives first: to ask the abstract class alone takes five times as long."""


class SearchValue(NamedTuple):
    """One value a record is found by; ``system`` is empty where the value has none."""

    param: str
    system: str
    value: str


class SearchDate(NamedTuple):
    """One range of time a record is found by."""

    param: str
    low: int
    high: int


def search_values(resource: Mapping[str, object]) -> tuple[SearchValue, ...]:
    """Return the tokens, references and texts a resource is found by, without repeats."""
    return found_by(resource)[0]


def found_by(
    resource: Mapping[str, object],
) -> tuple[tuple[SearchValue, ...], tuple[SearchDate, ...]]:
    """Return all that a resource is found by, without repeats: values, and ranges of time."""
    values: set[SearchValue] = set()
    dates: set[SearchDate] = set()
    plan, sought = _plan(str(resource["resourceType"]))
    for parameter, steps in plan:
        if steps[0][0] not in resource:
            continue
        for node in _walk(resource, steps):
            if parameter.kind is not ParameterKind.DATE:
                values.update(_values(parameter, node))
            elif (span := _span(node)) is not None:
                dates.add(SearchDate(parameter.name, span.low, span.high))
    there = {value.param for value in values} if sought else ()
    values.update(SearchValue(n + MISSING, "", "true") for n in sought if n not in there)
    return tuple(sorted(values)), tuple(sorted(dates))


_Steps = tuple[tuple[str, Selector | None], ...]


@cache
def _plan(kind: str) -> tuple[tuple[tuple[Parameter, _Steps], ...], tuple[str, ...]]:
    """Return the parameters of a type, each with one path, and those sought where missing."""
    parameters = PARAMETERS.get(kind, ())
    paths = tuple((each, _steps(path)) for each in parameters for path in each.each_path)
    return paths, tuple(name for of, name in SOUGHT_MISSING if of == kind)


def normalised(text: str) -> str:
    """Return a text as strings are compared: without accents, case and outer space (R4 search)."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())
    return plain[:MOST_LETTERS]


def nodes_at(node: object, path: str) -> Iterator[object]:
    """Yield what stands at a dotted path; lists are looked into at every step."""
    yield from _walk(node, _steps(path))


@cache
def _steps(path: str) -> _Steps:
    steps: list[tuple[str, Selector | None]] = []
    while path:
        name, opened, rest = path.partition("(")
        if opened and "." not in name:
            condition, _, path = rest.partition(")")
            steps.append((name, parse_selector(condition)))
            path = path.removeprefix(".")
        else:
            name, _, path = path.partition(".")
            steps.append((name, None))
    return tuple(steps)


def _walk(node: object, steps: _Steps) -> Iterator[object]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, steps)
    elif not steps:
        yield node
    elif isinstance(node, _MAPPINGS) and steps[0][0] in node:
        (name, selector), rest = steps[0], steps[1:]
        below = node[name]
        for item in below if isinstance(below, list) else [below]:
            if selector is None or selector.matches(item):
                yield from _walk(item, rest)


def _values(parameter: Parameter, node: object) -> Iterator[SearchValue]:
    match parameter.kind:
        case ParameterKind.REFERENCE:
            link = node.get("reference") if isinstance(node, _MAPPINGS) else node
            if isinstance(link, str) and len(link) <= MOST_LETTERS:
                yield SearchValue(parameter.name, "", link)
        case ParameterKind.STRING:
            for text in _texts(node):
                yield SearchValue(parameter.name, "", normalised(text))
                yield SearchValue(parameter.name + EXACT, "", text[:MOST_LETTERS])
        case _:
            yield from _tokens(parameter, node)


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, _MAPPINGS):
        for name in _TEXTS:
            inner = node.get(name)
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, str):
                    yield item


def _tokens(parameter: Parameter, node: object) -> Iterator[SearchValue]:
    pairs: list[tuple[str, object]] = []
    if isinstance(node, bool):
        pairs.append((parameter.system, str(node).lower()))
    elif isinstance(node, str):
        pairs.append((parameter.system, node))
    elif isinstance(node, _MAPPINGS):
        for coding in _codings(node):
            system = str(coding.get("system", ""))
            pairs.append((system, coding.get("code", coding.get("value"))))
    for system, code in pairs:
        if code is not None and len(system) + len(str(code)) <= MOST_LETTERS:
            yield SearchValue(parameter.name, system, str(code))


def _codings(node: Mapping[str, object]) -> Iterable[Mapping[str, object]]:
    coding = node.get("coding", [node])
    items = coding if isinstance(coding, list) else []
    return [item for item in items if isinstance(item, _MAPPINGS)]


def _span(node: object) -> Range | None:
    if isinstance(node, str):
        return read_range(node)
    if not isinstance(node, _MAPPINGS):
        return None
    start, end = read_range(str(node.get("start", ""))), read_range(str(node.get("end", "")))
    if start is None and end is None:
        return None
    return Range(start.low if start else OPEN_START, end.high if end else OPEN_END)
