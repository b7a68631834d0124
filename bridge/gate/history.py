"""Versions of one record as one viewer may see them: vread and instance history.

INVARIANT: each stored version is decided as of now, under today's consent, exactly as the current
one is, so no older version shows an element that the current one may not show. Versions that look
alike to this viewer are one: a hidden change leaves no trace, neither a number nor a date.
"""

from datetime import datetime

from sqlalchemy import Connection

from bridge.gate.authorise import Viewer
from bridge.gate.decisions import decide
from bridge.gate.disclosures import Disclosure
from bridge.gate.duties.consent_scopes import scopes_of
from bridge.gate.projection import project
from bridge.identifiers import Identifiers
from bridge.store.facts.evidence import evidence_of, not_before_known
from bridge.store.vault import versions_of


def past_views(
    connection: Connection,
    viewer: Viewer,
    current: Disclosure,
    identifiers: Identifiers,
    now: datetime,
) -> list[Disclosure]:
    """Return what a viewer may see of a record's versions, the current one first.

    References that hang on what else the viewer may read are left out of older ones.
    """
    stored = versions_of(connection, current.stored)
    students = {current.stored.student_id} - {""}
    evidence = evidence_of(connection, students, not_before_known(connection, students, now))
    seen = {current.released.version}
    views = [current]
    oldest_first: list[Disclosure] = []
    for each in reversed(stored):
        decided = decide(viewer, each, evidence, now)
        if decided is None:
            continue
        scopes = scopes_of(connection, viewer, [decided])[0]
        released = project(viewer, (each, decided), (), identifiers, scopes)
        if released is not None and released.version not in seen:
            seen.add(released.version)
            oldest_first.append(Disclosure(each, decided, released))
    return [*views, *reversed(oldest_first)]
