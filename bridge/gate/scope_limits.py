"""The limits of a token's scopes, put into the query: ``system/Task.rs?owner=Organization/7``.

Source: SMART App Launch 2.2, *Scopes and Launch Context*, "Finer-grained resource constraints using
search parameters": a resource is reached if it matches every parameter of one scope. What is out of
reach is as absent as what consent withholds.

A limit is enforced by the same table that searches are, so only parameters on elements that its
holder is always shown can be one: a client that could ask for any limit could bisect a withheld
value with it. A scope with another limit is not granted, and reaches nothing if it was registered.
"""

from dataclasses import replace

from bridge.identity import Caller, Scope, Standing
from bridge.store.index import PARAMETERS, REFERENCE, TARGETS, Parameter, searchable
from bridge.store.vault import Match, Query

Limits = tuple[tuple[str, str], ...]


def understands(standing: Standing, scope: Scope) -> bool:
    """Tell whether a scope speaks of a type that is here, with limits that can be enforced."""
    if scope.type == "*":
        return not scope.limits
    return scope.type in PARAMETERS and _matches(standing, scope.type, scope.limits) is not None


def within_scopes(caller: Caller, query: Query) -> Query | None:
    """Return a query that finds only what a caller's scopes reach; None: they reach nothing."""
    alternatives = caller.limits(query.type, query.interaction)
    if () in alternatives:
        return query
    found = [_matches(caller.standing, query.type, limits) for limits in alternatives]
    known = tuple(matches for matches in found if matches is not None)
    return replace(query, within=known) if known else None


def _matches(standing: Standing, kind: str, limits: Limits) -> tuple[Match, ...] | None:
    offered = {p.name: p for p in searchable(standing.party, kind)}
    found = []
    for name, value in limits:
        match = _match(offered[name], value) if name in offered else None
        if match is None:
            return None
        found.append(match)
    return tuple(found)


def _match(parameter: Parameter, value: str) -> Match | None:
    values: list[tuple[str | None, str]] = []
    for choice in value.split(","):
        if not choice or "\0" in choice:
            return None
        if parameter.kind == REFERENCE:
            values += _references(parameter, choice)
        else:
            system, bar, code = choice.rpartition("|")
            values.append((system if bar else None, code))
    return Match(parameter.name, tuple(values))


def _references(parameter: Parameter, choice: str) -> list[tuple[str | None, str]]:
    if "/" in choice:
        return [(None, choice)]
    return [(None, f"{target}/{choice}") for target in TARGETS[parameter.name]]
