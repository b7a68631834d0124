"""From records that were found to what leaves of each: decided anew, or as it still stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bridge.gate.authorise import Authorised, Viewer, authorised
from bridge.gate.decisions import RecordDecision, decide, whom_of
from bridge.gate.disclosures import Disclosure
from bridge.gate.duties.consent_scopes import scopes_of
from bridge.gate.hot.memory import lent
from bridge.gate.linking import linkable
from bridge.gate.projection import project
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.store.facts.evidence import EvidenceView, evidence_of
from bridge.store.vault import Stored
from mappings.fhir.handling import ConsentScope

Known = tuple[Identifiers, datetime]
"""The deployment's identifiers, and the instant of the decision."""


def sight_of(connection: Connection, viewer: Viewer, kind: str, now: datetime) -> Authorised:
    """Do :func:`bridge.gate.authorise.authorised`, with what was decided before where it stands."""
    sight, memory = authorised(viewer, kind, now, connection.dialect.name), lent()
    return memory.opened(viewer, sight, now) if memory else sight


def decided(
    connection: Connection, viewer: Viewer, stored: Sequence[Stored], known: Known, *, linked: bool
) -> list[Disclosure]:
    """Return what leaves of records whose students are locked; nothing of those that may not.

    Args:
        connection: the write transaction that holds the locks.
        viewer: who asks.
        stored: what was found.
        known: identifiers, and an instant after the locks were taken.
        linked: whether what leaves refers to other records.
    """
    memory = lent() if linked else None
    recalled = [memory.recall(viewer, each, known[1]) if memory else None for each in stored]
    new = [each for each, there in zip(stored, recalled, strict=True) if there is None]
    anew = iter(_anew(connection, viewer, new, known, linked=linked) if new else ())
    every = [there if there is not None else next(anew) for there in recalled]
    return [each for each in every if each is not None]


def recalled(
    connection: Connection,
    asking: tuple[Caller, Viewer],
    asked: tuple[str, Sequence[str]],
    now: datetime,
) -> list[Disclosure]:
    """Return what still stands of what was decided before on a type and ids."""
    caller, viewer = asking
    memory = lent()
    if memory is None or () not in caller.limits(asked[0], "read"):
        return []
    return memory.named(connection, viewer, asked, now)


def _anew(
    connection: Connection, viewer: Viewer, stored: Sequence[Stored], known: Known, *, linked: bool
) -> list[Disclosure | None]:
    now = known[1]
    students = {each.student_id for each in stored} - {""}
    evidence = evidence_of(connection, students, now, whom=whom_of(viewer))
    linked = linked and viewer.party != "hub"  # a coded row refers to nothing that depends on it
    links = linkable(connection, viewer, stored, (evidence, now)) if linked else {}
    return judged(connection, viewer, stored, (links, evidence, known))


def judged(
    connection: Connection,
    viewer: Viewer,
    stored: Sequence[Stored],
    on: tuple[Mapping[str, frozenset[str]], EvidenceView, Known],
) -> list[Disclosure | None]:
    """Return what may leave of each record; None where nothing may.

    Args:
        connection: where the forms are that what leaves rests on.
        viewer: who asks.
        stored: the records.
        on: by student what its records may refer to, the facts, and when it is decided.
    """
    links, evidence, (identifiers, now) = on
    every = [(each, decide(viewer, each, evidence, now)) for each in stored]
    scopes = iter(scopes_of(connection, viewer, [d for _, d in every if d is not None]))
    return [
        None if d is None else _projected(viewer, (each, d), (links, next(scopes)), identifiers)
        for each, d in every
    ]


def _projected(
    viewer: Viewer,
    asked: tuple[Stored, RecordDecision],
    along: tuple[Mapping[str, frozenset[str]], Sequence[ConsentScope]],
    identifiers: Identifiers,
) -> Disclosure | None:
    links, scopes = along
    seen = links.get(asked[0].student_id, frozenset())
    released = project(viewer, asked, seen, identifiers, scopes)
    return None if released is None else Disclosure(*asked, released)
