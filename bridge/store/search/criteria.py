"""One criterion of a search as a condition on ``record``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.store.search.index import STORED_AS
from bridge.store.search.query import AnyOf, Chain, Criterion, DateMatch, Match, Missing, Query
from bridge.store.search.ranges import Range

_LAST_LETTER: Final = "\U0010ffff"


@dataclass(kw_only=True)
class Statement:
    """SQL being written: every value is bound by name, none is written into the text."""

    binds: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """Return the name a value is bound to, with its colon."""
        name = f"q{len(self.binds)}"
        self.binds[name] = value
        return f":{name}"


def as_stored(query: Query) -> Query:
    """Return a query by the names under which values are kept."""
    names = STORED_AS.get(query.type)
    if not names or not query.matches:
        return query
    return replace(query, matches=tuple(_stored(names, each) for each in query.matches))


def _stored(names: Mapping[str, str], asked: Criterion) -> Criterion:
    match asked:
        case AnyOf():
            every = (tuple(_match(names, one) for one in each) for each in asked.alternatives)
            return AnyOf(tuple(every))
        case Match():
            return _match(names, asked)
        case DateMatch() | Chain():
            return asked
        case Missing():
            return replace(asked, param=names.get(asked.param, asked.param))


def _match(names: Mapping[str, str], asked: Match) -> Match:
    return replace(asked, param=names[asked.param]) if asked.param in names else asked


def criterion(made: Statement, asked: Criterion) -> str:
    """Write a criterion as a condition on ``record``."""
    match asked:
        case Match():
            found = _exists(made, "search_value", asked.param, alternatives(made, "w", asked))
            return f"NOT {found}" if asked.negated else found
        case DateMatch():
            choices = (_dated(made, *each) for each in asked.values)
            return _exists(made, "search_date", asked.param, f"({' OR '.join(choices)})")
        case Missing():
            table = "search_date" if asked.dates else "search_value"
            found = _exists(made, table, asked.param, "1 = 1")
            return f"NOT {found}" if asked.missing else found
        case AnyOf():
            every = (_all(made, each) for each in asked.alternatives)
            return f"({' OR '.join(every)})"
        case Chain():
            raise TypeError("the gate follows a chain before it asks")


def _all(made: Statement, every: tuple[Match, ...]) -> str:
    return f"({' AND '.join(criterion(made, each) for each in every)})"


def alternatives(made: Statement, name: str, asked: Match) -> str:
    """Write that an index row (``name``) has one of the values of a criterion."""
    choices = []
    for system, value in asked.values:
        parts = [] if system is None else [f"{name}.system = {made.bind(system)}"]
        if value is not None and asked.begins:
            parts.append(f"{name}.value >= {made.bind(value)}")
            parts.append(f"{name}.value < {made.bind(value + _LAST_LETTER)}")
        elif value is not None:
            parts.append(f"{name}.value = {made.bind(value)}")
        choices.append(f"({' AND '.join(parts)})")
    return choices[0] if len(choices) == 1 else f"({' OR '.join(choices)})"


def _exists(made: Statement, table: str, param: str, said: str) -> str:
    # The offset keeps PostgreSQL from making a join of it: it takes criteria for independent, and
    # would begin with all records that meet this one, deciding on each before it sorts.
    return (
        f"EXISTS (SELECT 1 FROM {table} w WHERE w.change = record.change"  # noqa: S608 - values are bound
        " AND w.type = record.type AND w.id = record.id"
        f" AND w.param = {made.bind(param)} AND {said} LIMIT 1 OFFSET 0)"
    )


def _dated(made: Statement, comparator: str, span: Range) -> str:
    """Write a comparison of an index row's range with the one asked for (R4 search.html#prefix)."""
    low, high = made.bind(span.low), made.bind(span.high)
    within = f"(w.low >= {low} AND w.high <= {high})"
    written = {
        "eq": within,
        "ne": f"NOT {within}",
        "gt": f"w.high > {high}",
        "lt": f"w.low < {low}",
        "ge": f"(w.high > {high} OR {within})",
        "le": f"(w.low < {low} OR {within})",
        "sa": f"w.low >= {high}",
        "eb": f"w.high <= {low}",
        "ap": f"(w.low < {high} AND w.high > {low})",
    }
    return f"({written[comparator]})"
