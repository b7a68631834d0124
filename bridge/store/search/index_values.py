"""The values a resource is found by, read from the paths of :mod:`bridge.store.search.index`."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Final, NamedTuple

import orjson

from bridge.store.search.index import (
    MISSING,
    PARAMETERS,
    SOUGHT_MISSING,
    STORED_AS,
    ParameterKind,
)
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
FOLLOWED: Final[Mapping[str, str]] = {"patient": "Patient", "based-on": "ServiceRequest"}
"""References by which a search starts from the records of the student that the target is of, whose
index there is anyway. INVARIANT: a record is of the student of what it refers to so."""
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


_made: Final = partial(tuple.__new__, SearchValue)
"""Makes a value of its three texts, in half the time of the class's own way."""


class SearchDate(NamedTuple):
    """One range of time a record is found by."""

    param: str
    low: int
    high: int


def starts(param: str, value: str) -> bool:
    """Tell whether a search can start from a value, in the index of values."""
    return param in STARTS and not is_followed(param, value)


def is_followed(param: str, value: str) -> bool:
    """Tell whether a search for a value starts from a student's records (:data:`FOLLOWED`)."""
    return param in FOLLOWED and value.startswith(f"{FOLLOWED[param]}/")


def search_values(resource: Mapping[str, object]) -> tuple[SearchValue, ...]:
    """Return the tokens, references and texts a resource is found by, without repeats."""
    return found_by(resource)[0]


def found_by(
    resource: Mapping[str, object], *, elsewhere: bool = True
) -> tuple[tuple[SearchValue, ...], tuple[SearchDate, ...]]:
    """Return all that a resource is found by, without repeats: values, and ranges of time.

    Args:
        resource: what is to be found.
        elsewhere: also under the parameters whose values are kept under another's name.
    """
    plan, coded, sought = _plan(str(resource["resourceType"]), elsewhere)
    values = _coded(coded, resource)
    dates: set[SearchDate] = set()
    _look(plan, resource, values, dates)
    there = {value.param for value in values} if sought else ()
    values.update(SearchValue(n + MISSING, "", "true") for n in sought if n not in there)
    return tuple(sorted(values)), tuple(sorted(dates))


def _look(
    plan: Iterable["_Looked"],
    resource: Mapping[str, object],
    values: set[SearchValue],
    dates: set[SearchDate],
) -> None:
    """Add what stands at the paths of a plan."""
    for of, first, steps, read in plan:
        if first not in resource:
            continue
        if steps:
            nodes = _walk(resource, steps)
        else:
            below = resource[first]
            nodes = _flat(below) if isinstance(below, list) else [below]
        for node in nodes:
            if read is not None:
                read(values, of, node)
            elif (span := _span(node)) is not None:
                dates.add(SearchDate(of[0], span.low, span.high))


def _coded(coded: "_Coded", resource: Mapping[str, object]) -> set[SearchValue]:
    """Return what a resource is found by for its codes.

    INVARIANT: what is remembered was read from the very same elements. Most sessions of a sender
    have the same codes; reading them takes ten times as long as recognising them.
    """
    elements, plan = coded
    said = [resource.get(name) for name in elements]
    try:
        key = (elements, hashlib.sha256(orjson.dumps(said, option=_AS_JSON)).digest())
    except TypeError:  # not as JSON gives it
        key = None
    known = _CODED.get(key) if key else None
    if known is None:
        values: set[SearchValue] = set()
        _look(plan, resource, values, set())
        known = tuple(values)
        if key:
            if len(_CODED) >= _MOST_CODED:
                _CODED.clear()
            _CODED[key] = known
    return set(known)


_Steps = tuple[tuple[str, Selector | None], ...]
_Read = Callable[[set[SearchValue], tuple[str, str], object], None]
"""Adds what a node says: to the values, under the name and the system of a parameter."""
_Looked = tuple[tuple[str, str], str, _Steps | None, _Read | None]
"""Name and system of a parameter, the first step of one of its paths, all its steps (none where
that is all), and what reads what stands there; none for a range of time."""


_Coded = tuple[tuple[str, ...], tuple[_Looked, ...]]
"""The elements that hold nothing but codes, and what is looked for in them."""
_CODED: Final[dict[tuple[tuple[str, ...], bytes], tuple[SearchValue, ...]]] = {}
"""By digest of such elements what they say: of a resource it keeps nothing that is its own."""
_MOST_CODED: Final = 4096
_AS_JSON: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
"""What only resembles a text is none here: no two elements that are read otherwise look alike."""


@cache
def _plan(kind: str, elsewhere: bool) -> tuple[tuple[_Looked, ...], _Coded, tuple[str, ...]]:
    """Return the parameters of a type, each with one path; those of codes; those sought missing."""
    without = () if elsewhere else STORED_AS.get(kind, ())
    paths = tuple(
        (
            (each.name, each.system),
            steps[0][0],
            steps if len(steps) > 1 or steps[0][1] else None,
            _READS.get(each.kind),
        )
        for each in PARAMETERS.get(kind, ())
        if each.name not in without
        for steps in map(_steps, each.each_path)
    )
    of_codes = tuple(each for each in paths if each[3] is _read_tokens and each[1] != _OWN)
    others = tuple(each for each in paths if each not in of_codes)
    elements = tuple(dict.fromkeys(first for _, first, *_ in of_codes))
    sought = tuple(name for of, name in SOUGHT_MISSING if of == kind)
    return others, (elements, of_codes), sought


_OWN: Final = "identifier"
"""The element of tokens that each resource has its own of."""


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


def _walk(node: object, steps: _Steps) -> list[object]:
    # Step by step over all there is, not by calls within calls: ten paths of each record.
    nodes = _flat(node) if isinstance(node, list) else [node]
    for name, selector in steps:
        below = list[object]()
        for each in nodes:
            if isinstance(each, _MAPPINGS) and name in each:
                inner = each[name]
                items = inner if isinstance(inner, list) else [inner]
                below += items if selector is None else filter(selector.matches, items)
        nodes = _flat(below)
    return nodes


def _flat(items: list[object]) -> list[object]:
    """Return what stands in a list, and in the lists in it, in their order."""
    if list not in map(type, items):
        return items
    return [each for i in items for each in (_flat(i) if isinstance(i, list) else [i])]


def _read_link(values: set[SearchValue], of: tuple[str, str], node: object) -> None:
    link = node.get("reference") if isinstance(node, _MAPPINGS) else node
    if isinstance(link, str) and len(link) <= MOST_LETTERS:
        values.add(_made((of[0], "", link)))


def _read_texts(values: set[SearchValue], of: tuple[str, str], node: object) -> None:
    for text in _texts(node):
        values.add(SearchValue(of[0], "", normalised(text)))
        values.add(SearchValue(of[0] + EXACT, "", text[:MOST_LETTERS]))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, _MAPPINGS):
        for name in _TEXTS:
            inner = node.get(name)
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, str):
                    yield item


def _read_tokens(values: set[SearchValue], of: tuple[str, str], node: object) -> None:
    if isinstance(node, _MAPPINGS):
        coding = node.get("coding")
        if coding is None and "coding" not in node:
            _add_coding(values, of[0], node)
        elif isinstance(coding, list):
            for item in coding:
                if isinstance(item, _MAPPINGS):
                    _add_coding(values, of[0], item)
    elif isinstance(node, str):
        _add_token(values, of, node)
    elif isinstance(node, bool):
        _add_token(values, of, str(node).lower())


def _add_coding(values: set[SearchValue], name: str, item: Mapping[str, object]) -> None:
    code = item["code"] if "code" in item else item.get("value")
    _add_token(values, (name, str(item.get("system", ""))), code)


def _add_token(values: set[SearchValue], of: tuple[str, str], code: object) -> None:
    name, system = of
    if code is not None and len(system) + len(written := str(code)) <= MOST_LETTERS:
        values.add(_made((name, system, written)))


_READS: Final[Mapping[ParameterKind, _Read]] = {
    ParameterKind.REFERENCE: _read_link,
    ParameterKind.STRING: _read_texts,
    ParameterKind.TOKEN: _read_tokens,
}


def _span(node: object) -> Range | None:
    if isinstance(node, str):
        return read_range(node)
    if not isinstance(node, _MAPPINGS):
        return None
    start, end = read_range(str(node.get("start", ""))), read_range(str(node.get("end", "")))
    if start is None and end is None:
        return None
    return Range(start.low if start else OPEN_START, end.high if end else OPEN_END)
