"""The limits of a token's scopes, put into the query: ``system/Task.rs?owner=Organization/7``.

Source: SMART App Launch 2.2, *Scopes and Launch Context*, "Finer-grained resource constraints using
search parameters": a resource is reached if it matches every parameter of one scope. What is out of
reach is as absent as what consent withholds.

A limit is enforced by the same table that searches are, so only parameters on elements that its
holder is always shown can be one: a client that could ask for any limit could bisect a withheld
value with it. A scope with another limit is not granted, and reaches nothing if it was registered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bridge.identity import Caller, Scope, Standing
from bridge.store.search.index import PARAMETERS, REFERENCE, TARGETS, TOKEN, Parameter, searchable
from bridge.store.search.index_values import SearchValue, search_values
from bridge.store.search.query import AnyOf, Match, Query

Limits = tuple[tuple[str, str], ...]
_WITHOUT_RECORDS: Final = ("Group", "Subscription")
"""No records of their own, so no parameter could limit them."""


def understands(standing: Standing, scope: Scope) -> bool:
    """Tell whether a scope speaks of a type that is here, with limits that can be enforced."""
    if scope.type in ("*", *_WITHOUT_RECORDS):
        return not scope.limits
    return scope.type in PARAMETERS and _matches(standing, scope.type, scope.limits) is not None


def within_scopes(caller: Caller, query: Query) -> Query | None:
    """Return a query that finds only what a caller's scopes reach; None: they reach nothing."""
    alternatives = caller.limits(query.type, query.interaction)
    if () in alternatives:
        return query
    found = [_matches(caller.standing, query.type, limits) for limits in alternatives]
    known = tuple(matches for matches in found if matches is not None)
    if not known:
        return None
    every = known[0] if len(known) == 1 else (AnyOf(known),)
    return replace(query, matches=(*query.matches, *every))


def reaches_version(caller: Caller, kind: str, version: Mapping[str, object]) -> bool:
    """Tell whether a caller's scopes reach what a record said before, as if it said so today.

    The current version is judged by the database; the older ones are not in its index.
    """
    return _reaches(caller, (kind, "read"), version)


def reaches_new(caller: Caller, kind: str, resource: Mapping[str, object]) -> bool:
    """Tell whether a caller's scopes let it create a resource that says this."""
    return _reaches(caller, (kind, "create"), resource)


def _reaches(caller: Caller, does: tuple[str, str], content: Mapping[str, object]) -> bool:
    kind, interaction = does
    alternatives = caller.limits(kind, interaction)
    if () in alternatives:
        return True
    said = search_values(content)
    found = (_matches(caller.standing, kind, limits) for limits in alternatives)
    return any(
        all(_said(match, said) for match in matches) for matches in found if matches is not None
    )


def _said(match: Match, said: Sequence[SearchValue]) -> bool:
    return any(
        value.param == match.param
        and system in (None, value.system)
        and code in (None, value.value)
        for value in said
        for system, code in match.values
    )


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
    read = {TOKEN: _token, REFERENCE: _references}.get(parameter.kind)
    choices = value.split(",")
    if read is None or not all(choices) or "\\" in value or "\0" in value:
        return None
    values = tuple(found for choice in choices for found in read(parameter, choice))
    return Match(parameter.name, values) if values else None


def _token(_parameter: Parameter, choice: str) -> list[tuple[str | None, str | None]]:
    system, bar, code = choice.rpartition("|")
    if not system and not code:
        return []
    return [(system if bar else None, code or None)]


def _references(parameter: Parameter, choice: str) -> list[tuple[str | None, str | None]]:
    if "://" in choice:
        return []
    if "/" in choice:
        return [(None, choice)]
    return [(None, f"{target}/{choice}") for target in TARGETS[parameter.name]]
