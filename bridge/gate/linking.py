"""Which other resources a viewer may read: for references in what leaves, and for chains."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bridge.gate.authorise import Viewer, authorised
from bridge.gate.decisions import may_know
from bridge.gate.disclosures import Disclosure
from bridge.gate.projection import LINKING, references, referred
from bridge.gate.scope_limits import within_scopes
from bridge.identity import Caller
from bridge.store.facts.evidence import EvidenceView
from bridge.store.search.index import INCLUDES
from bridge.store.vault import Chain, Criterion, Match, Query, Stored, find, whose

MOST_REFERRING: Final = 1000
"""So many resources that refer to a page of matches are answered with it."""


def linkable(
    connection: Connection,
    viewer: Viewer,
    stored: Sequence[Stored],
    known: tuple[EvidenceView, datetime],
) -> dict[str, frozenset[str]]:
    """Return, for each student, which of the resources that its records refer to may be read.

    A record's references count to resources of the same student alone: theirs is the evidence that
    was read under lock, and what leaves of a record does not depend on what leaves beside it.
    """
    wanted: dict[str, set[str]] = {}
    for record in stored:
        for path in LINKING.get(record.type, ()):
            for kind, target in referred(record.resource(), path):
                wanted.setdefault(kind, set()).add(target)
    students = {record.student_id for record in stored}
    readable: dict[str, set[str]] = {}
    for kind, ids in wanted.items():
        for found in whose(connection, kind, ids):
            if found.student_id in students and may_know(viewer, found, known):
                place = f"{found.type}/{found.id}"
                readable.setdefault(found.student_id, set()).add(place)
    return {student: frozenset(places) for student, places in readable.items()}


def followed(
    connection: Connection, asking: tuple[Caller, Viewer], query: Query, now: datetime
) -> Query:
    """Return a query whose chains are followed, to the ids of what the caller could search for."""
    caller, viewer = asking
    criteria: list[Criterion] = []
    for asked in query.matches:
        if isinstance(asked, Chain):
            inner = Query(asked.type, matches=(asked.match,), limit=MOST_REFERRING)
            within = within_scopes(caller, inner)
            sight = authorised(viewer, asked.type, now, connection.dialect.name)
            found = find(connection, within, sight)[0] if within else []
            links = tuple((None, f"{each.type}/{each.id}") for each in found)
            criteria.append(Match(asked.param, links or ((None, ""),)))
        else:
            criteria.append(asked)
    return replace(query, matches=tuple(criteria))


def wanted(
    caller: Caller, matches: Sequence[Disclosure], kind: str, includes: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return what released matches refer to, by type, where the caller's scopes cover it.

    An include is a name of :data:`INCLUDES`, or such a name and the one type wanted.
    """
    found: dict[str, dict[str, None]] = {}
    there = {(match.released.type, match.released.id) for match in matches}
    for include in includes:
        name, _, only = include.partition(":")
        for match in matches:
            for target in references(match.released, (INCLUDES[kind][name],)):
                fits = only in ("", target[0]) and target not in there
                if fits and caller.limits(target[0], "read"):
                    found.setdefault(target[0], {})[target[1]] = None
    return {each: tuple(ids) for each, ids in found.items()}
