"""Duties a person carries out after a release: it opens an item, in the same transaction.

``REVIEW72H``: a second person reviews what went out. ``NOTIFYGUARDIAN``: the guardian is told. Both
are due within the hours the agreement's ``emergency`` block gives for the review. Reading the same
again owes nothing new; what goes out for the first time does, also after an item was closed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure
from bridge.gate.duties.carried import QUEUED
from bridge.identifiers import Identifiers
from bridge.store.people.owed_duties import OwedDuty, extend, items_of, keep_items

_Key = tuple[str, str, str, str, tuple[str, ...]]
"""Duty, agreement, student, recipient, evidence relied on."""


@dataclass(frozen=True, slots=True)
class _Owed:
    hours: int
    covers: set[str]


def owe(
    connection: Connection,
    identifiers: Identifiers,
    viewer: Viewer,
    released: Sequence[Disclosure],
    clock: Clock,
) -> None:
    """Open an item for each duty that what was released leaves to a person.

    After the ledger was written to: its lock puts releases under one agreement in an order, so no
    two open the same item.
    """
    wanted: dict[_Key, _Owed] = {}
    for key, hours, what in _left(viewer, released):
        wanted.setdefault(key, _Owed(hours, set())).covers.add(what)
    if not wanted:
        return
    known = items_of(connection, {key[2] for key in wanted}, QUEUED)
    now = clock.now()
    for key, owed in wanted.items():
        _open(
            connection, (key, owed), [each for each in known if _key(each) == key], identifiers, now
        )


def _left(viewer: Viewer, released: Sequence[Disclosure]) -> Iterator[tuple[_Key, int, str]]:
    for each in released:
        agreement, stored = each.decided.agreement, each.stored
        if agreement is None:
            continue
        hours = agreement.agreement.emergency.review_within_hours
        went = f"{each.released.type}/{each.released.id}"
        for one in each.decided.permitted:
            for code in QUEUED.intersection(one.decision.obligations):
                to = viewer.organization
                key = (code, agreement.id, stored.student_id, to, one.sources)
                yield key, hours, f"{went} {one.slice.element}"


def _key(item: OwedDuty) -> _Key:
    return (item.code, item.agreement_id, item.student_id, item.recipient, item.sources)


def _open(
    connection: Connection,
    asked: tuple[_Key, _Owed],
    known: Sequence[OwedDuty],
    identifiers: Identifiers,
    now: datetime,
) -> None:
    key, owed = asked
    new = owed.covers.difference(*(each.covers for each in known))
    if not new:
        return
    waiting = next((each for each in known if each.closed_at is None), None)
    if waiting is not None:
        extend(connection, waiting.id, {*waiting.covers, *new})
        return
    code, agreement_id, student_id, recipient, sources = key
    opened = OwedDuty(
        id=identifiers.issue("owed", *key[:4], *sources, *sorted(new)),
        code=code,
        agreement_id=agreement_id,
        student_id=student_id,
        recipient=recipient,
        sources=sources,
        covers=tuple(sorted(new)),
        opened_at=now,
        due_at=now + timedelta(hours=owed.hours),
    )
    keep_items(connection, [opened])
