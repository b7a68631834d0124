"""A search done the slow way, over what a client was released: the judge of the SQL.

Written from R4 search.html alone; it shares nothing with the program but its table of parameters.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.store.search.index import PARAMETERS, TARGETS, Parameter, ParameterKind
from tests.support.worlds import FHIR

Json = dict[str, Any]
Span = tuple[datetime, datetime]
START, END = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def holds(resource: Json, name: str, value: str) -> bool:
    """Whether one search parameter holds for a resource as it was released."""
    plain, _, modifier = name.partition(":")
    if plain == "_id":
        return resource["id"] in value.split(",")
    if plain == "_lastUpdated":
        return any(_updated(resource, each) for each in value.split(","))
    parameter = next(p for p in PARAMETERS[resource["resourceType"]] if p.name == plain)
    nodes = [node for path in parameter.each_path for node in _at(resource, _steps(path))]
    if modifier == "missing":
        return (not list(_said(parameter, nodes))) is (value == "true")
    found = any(_matches(parameter, modifier, nodes, choice) for choice in value.split(","))
    return not found if modifier == "not" else found


def _steps(path: str) -> list[tuple[str, str]]:
    steps, depth, word = [], 0, ""
    for letter in path + ".":
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "." and not depth:
            name, _, condition = word.removesuffix(")").partition("(")
            steps.append((name, condition))
            word = ""
        else:
            word += letter
    return steps


def _at(node: Any, steps: list[tuple[str, str]]) -> Iterator[Any]:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        for item in node:
            yield from _at(item, steps)
    elif not steps:
        yield node
    elif isinstance(node, dict) and steps[0][0] in node:
        below = node[steps[0][0]]
        for item in below if isinstance(below, list) else [below]:
            if not steps[0][1] or _meant(item, steps[0][1]):
                yield from _at(item, steps[1:])


def _meant(item: Any, condition: str) -> bool:  # noqa: ANN401 - JSON
    key, _, wanted = condition.partition("=")
    begins, found = key.endswith("^"), _at(item, [(k, "") for k in key.rstrip("^").split(".")])
    return any(str(f).startswith(wanted) if begins else f == wanted for f in found)


def _said(parameter: Parameter, nodes: list[Any]) -> Iterator[Any]:
    for node in nodes:
        match parameter.kind:
            case ParameterKind.REFERENCE:
                if node.get("reference"):
                    yield node["reference"]
            case ParameterKind.STRING:
                yield from _words(node)
            case ParameterKind.DATE:
                yield span_of(node)
            case _:
                yield from _tokens(parameter, node)


def _words(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(node, str):
        yield node
    else:
        for inner in node.values():
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, str) and item not in ("official", "usual", "work", "home"):
                    yield item


def _tokens(parameter: Parameter, node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(node, bool | str):
        yield parameter.system, str(node).lower() if isinstance(node, bool) else node
    else:
        for coding in node.get("coding", [node]):
            code = coding.get("code", coding.get("value"))
            if code is not None:
                yield coding.get("system", ""), code


def _matches(parameter: Parameter, modifier: str, nodes: list[Any], choice: str) -> bool:
    said = list(_said(parameter, nodes))
    match parameter.kind:
        case ParameterKind.REFERENCE:
            short = choice.removeprefix(f"{FHIR}/")
            types = (modifier,) if modifier else TARGETS[parameter.name]
            wanted = [short] if "/" in short else [f"{kind}/{short}" for kind in types]
            return any(each in wanted for each in said)
        case ParameterKind.STRING:
            if modifier == "exact":
                return choice in said
            return any(_plain(each).startswith(_plain(choice)) for each in said)
        case ParameterKind.DATE:
            prefix = choice[:2] if choice[:2].isalpha() else "eq"
            return any(
                compared(prefix, each, span_of(choice.lstrip("abceglnpqst"))) for each in said
            )
        case _:
            system, bar, code = choice.rpartition("|")
            return any(
                (not bar or system == s) and (code == c or (bool(bar) and not code))
                for s, c in said
            )


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def span_of(node: Any) -> Span:  # noqa: ANN401 - JSON
    """Return the instants a date or period stands for, the second not included."""
    if isinstance(node, dict):
        start, end = node.get("start"), node.get("end")
        return (span_of(start)[0] if start else START, span_of(end)[1] if end else END)
    day, _, time = node.partition("T")
    parts = [int(part) for part in day.split("-")]
    if len(parts) == 1:
        return datetime(parts[0], 1, 1, tzinfo=UTC), datetime(parts[0] + 1, 1, 1, tzinfo=UTC)
    if len(parts) == 2:
        year, month = parts
        after = (year + month // 12, month % 12 + 1)
        return datetime(year, month, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)
    if not time:
        start = datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type] # year, month, day ...
        return start, start + timedelta(days=1)
    start = datetime.fromisoformat(node).astimezone(UTC)
    clock = time.rstrip("Z").split("+")[0].rsplit("-", 1)[0]
    if clock.count(":") < 2:
        return start, start + timedelta(minutes=1)
    digits = len(clock.partition(".")[2])
    return start, start + timedelta(microseconds=10 ** (6 - digits))


def compared(prefix: str, target: Span, asked: Span) -> bool:
    """Compare two ranges as R4 search.html#prefix says."""
    inside = asked[0] <= target[0] and target[1] <= asked[1]
    return {
        "eq": inside,
        "ne": not inside,
        "gt": target[1] > asked[1],
        "lt": target[0] < asked[0],
        "ge": target[1] > asked[1] or inside,
        "le": target[0] < asked[0] or inside,
        "sa": target[0] >= asked[1],
        "eb": target[1] <= asked[0],
    }[prefix]


def _updated(resource: Json, choice: str) -> bool:
    prefix = choice[:2] if choice[:2].isalpha() else "eq"
    written = choice.lstrip("abceglnpqst")
    low, high = span_of(written)
    at = datetime.fromisoformat(resource["meta"]["lastUpdated"])
    if written.count(":") >= 2:  # an instant: ours is compared with it as one
        simple = {"gt": at > low, "sa": at > low, "le": at <= low}
        if prefix in simple:
            return simple[prefix]
    return {
        "gt": at >= high,
        "sa": at >= high,
        "ge": at >= low,
        "lt": at < low,
        "eb": at < low,
        "le": at < high,
        "ne": not low <= at < high,
        "eq": low <= at < high,
    }[prefix]


@dataclass(frozen=True, slots=True)
class Asked:
    """One random search: its type and parameters."""

    kind: str
    parameters: tuple[tuple[str, str], ...]


def found(resources: list[Json], asked: Asked) -> set[str]:
    """Return the ids of what a search must find among what was released."""
    mine = [r for r in resources if r["resourceType"] == asked.kind]
    return {r["id"] for r in mine if all(holds(r, n, v) for n, v in asked.parameters)}
