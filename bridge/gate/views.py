"""When what a viewer sees of a record last changed.

INVARIANT: a change of what is withheld moves nothing a viewer can see: not the entity tag, which is
made of what is shown, nor the date, the place in the order or what ``_lastUpdated`` finds. Whoever
changes a record calls :func:`keep_views` in the same transaction; for each registered standing
whose view stays the same a row keeps the record where it stood (docs/adr/0026).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bridge.gate.agreements import all_agreements
from bridge.gate.authorise import Viewer, standing_of
from bridge.gate.decisions import decide
from bridge.gate.projection import project
from bridge.identity import list_clients
from bridge.parts import HasParts
from bridge.store.facts.evidence import EvidenceView, evidence_of
from bridge.store.vault import Stored, named, versions_of
from bridge.store.views import drop_view, keep_view, view_of

_LINKLESS: Final[frozenset[str]] = frozenset()


def keep_views(connection: Connection, parts: HasParts, changed: Sequence[tuple[str, str]]) -> None:
    """Keep records where they stood for those who cannot see what just changed in them.

    Args:
        connection: the write transaction the records were changed in.
        parts: clock and identifiers.
        changed: type and id of each record changed once in this transaction.
    """
    if not changed:
        return
    now = parts.clock.now()
    viewers = list(registered(connection))
    for kind, record_id in changed:
        for stored in named(connection, kind, [record_id]):
            before = versions_of(connection, stored)
            if before:
                evidence = evidence_of(connection, {stored.student_id} - {""}, now)
                _keep(connection, parts, viewers, (before[0], stored), (evidence, now))


def _keep(
    connection: Connection,
    parts: HasParts,
    viewers: Sequence[Viewer],
    states: tuple[Stored, Stored],
    known: tuple[EvidenceView, datetime],
) -> None:
    before, after = states
    for viewer in viewers:
        if not concerns(viewer, after):
            continue
        standing, key = standing_of(viewer), (after.type, after.id)
        looks = [_look(parts, viewer, state, known) for state in states]
        if looks[0] == looks[1]:
            place = view_of(connection, standing, key) or (before.change, before.last_updated)
            keep_view(connection, standing, key, place)
        else:
            drop_view(connection, standing, key)


def _look(
    parts: HasParts, viewer: Viewer, stored: Stored, known: tuple[EvidenceView, datetime]
) -> str:
    """Return what tells two views apart; "" where nothing may be seen."""
    evidence, now = known
    decided = decide(viewer, stored, evidence, now)
    if decided is None:
        return ""
    released = project(viewer, (stored, decided), _LINKLESS, parts.identifiers)
    return released.version if released else ""


def registered(connection: Connection) -> Iterator[Viewer]:
    """Yield each standing clients are registered with, once, with its agreements."""
    standings = {client.standing for client in list_clients(connection)}
    used = all_agreements(connection)
    for each in sorted(standings, key=repr):
        bound = tuple(a for a in used if a.organization(each.party) == each.organization)
        yield Viewer(each.party, each.organization, each.role, tuple(each.purposes), bound)


def concerns(viewer: Viewer, stored: Stored) -> bool:
    """Return whether a viewer could ever see a record: of one of its agreements, or public."""
    return not stored.agreement_id or stored.agreement_id in {a.id for a in viewer.agreements}
