"""The condition of a slice as data: what the store turns into a search filter."""

from collections.abc import Iterator

from consent.conditions import Conditions, Denial, Layer, facts_in
from consent.model import Filter, Literal

Alternative = tuple[Literal, ...]
Clause = tuple[Alternative, ...]
_NEVER = Filter(never=True)


def filter_of(conditions: Conditions) -> Filter:
    """Return the filter that holds exactly where the slice is permitted.

    One clause per prohibition (it does not fire) and per layer (one of its ways holds). A clause
    that always holds is left out, one that never holds makes the filter ``never``.
    """
    if not conditions.known:
        return _NEVER
    clauses = dict.fromkeys(clause for clause in _clauses(conditions) if () not in clause)
    found = Filter(tuple(clauses))
    return found if satisfiable(found) else _NEVER


def _clauses(conditions: Conditions) -> Iterator[Clause]:
    yield from (_does_not_fire(denial) for denial in conditions.denials)
    yield from (_agrees(layer) for layer in conditions.layers)


def _does_not_fire(denial: Denial) -> Clause:
    absent = [(Literal(fact, wanted=False),) for fact in sorted(facts_in(denial.when))]
    lifted = [(Literal(fact),) for fact in sorted(facts_in(denial.unless))]
    return (*absent, *lifted)


def _agrees(layer: Layer) -> Clause:
    return tuple(tuple(Literal(fact) for fact in sorted(facts_in(way.needs))) for way in layer.ways)


def satisfiable(condition: Filter) -> bool:
    """Whether any set of facts meets a filter."""
    # The clauses with the fewest alternatives first: one with none ends it at once.
    return not condition.never and _extend({}, sorted(condition.clauses, key=len))


def _extend(chosen: dict[str, bool], clauses: list[Clause]) -> bool:
    """Choose one alternative per clause, none against another (depth = number of clauses)."""
    if not clauses:
        return True
    head, *rest = clauses
    for alternative in head:
        if all(chosen.get(lit.fact, lit.wanted) == lit.wanted for lit in alternative):
            more = {**chosen, **{str(lit.fact): lit.wanted for lit in alternative}}
            if _extend(more, rest):
                return True
    return False


def holds(condition: Filter, facts: frozenset[str]) -> bool:
    """Whether a set of facts meets a filter."""
    return not condition.never and all(
        any(
            all((literal.fact in facts) == literal.wanted for literal in alternative)
            for alternative in clause
        )
        for clause in condition.clauses
    )
