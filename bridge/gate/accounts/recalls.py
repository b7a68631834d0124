"""Recall notices leave by the gate too: to the system of the organisation they are for, alone.

Which releases went out under a form is read from the ledger: every entry names the evidence it
relied on. A notice needs no consent: it tells its recipient nothing they do not have, and it must
reach them just when the consent has ended.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection

from bridge.errors import UnauthorizedError
from bridge.gate.disclosures import subject_of
from bridge.gate.released import GATE_MARK, Released, ReleasedResource
from bridge.identifiers import Identifiers
from bridge.identity import Caller, still_holds
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind, Recorded
from bridge.ledger.lookup import about
from bridge.parts import Parts
from bridge.store.partners.recalls import Recall, RecallLine, mark, recalls
from bridge.store.referrals import records_of_referral
from mappings.fhir import recall_task


@dataclass(frozen=True, slots=True)
class Sought:
    """What went out and is to be recalled: under one form, or of one referral.

    Attributes:
        source_id: id of the form or declaration relied on; "" for a referral.
        referral_id: id of the ServiceRequest that was linked to the wrong student; "" for a form.
        since, until: only what went out from then on, and before then.
    """

    student_id: str
    source_id: str = ""
    referral_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether something that went out then is sought."""
        return not (self.since and at < self.since) and not (self.until and at >= self.until)


def went_out(
    connection: Connection, identifiers: Identifiers, sought: Sought
) -> dict[tuple[str, str], list[Recorded]]:
    """Return the releases sought, by agreement and recipient."""
    found: dict[tuple[str, str], list[Recorded]] = {}
    records = records_of_referral(connection, sought.referral_id) if sought.referral_id else []
    for each in about(connection, subject_of(identifiers, sought.student_id)):
        entry = each.entry
        if entry.kind is not Kind.RELEASE or not sought.covers(each.time):
            continue
        if sought.source_id in entry.evidence or _is_of(identifiers, entry, records):
            found.setdefault((entry.log, entry.receiving), []).append(each)
    return found


def _is_of(identifiers: Identifiers, entry: Entry, records: Collection[tuple[str, str]]) -> bool:
    if entry.resource is None:
        return False
    known = (entry.resource.type, entry.resource.id)
    return known in records or known in {
        (kind, identifiers.pseudonym(entry.receiving, record_id)) for kind, record_id in records
    }


def lines_of(releases: Iterable[Recorded]) -> tuple[RecallLine, ...]:
    """Return what a notice lists: one line a resource, whatever often it went."""
    elements: dict[tuple[str, str], set[str]] = {}
    indexes: dict[tuple[str, str], list[int]] = {}
    for each in releases:
        resource = each.entry.resource
        if resource is not None:
            key = (resource.type, resource.id)
            elements.setdefault(key, set()).update(each.entry.elements)
            indexes.setdefault(key, []).append(each.index)
    return tuple(
        RecallLine(kind, record_id, tuple(sorted(elements[kind, record_id])), tuple(places))
        for (kind, record_id), places in sorted(indexes.items())
    )


def release_recalls(
    connection: Connection, parts: Parts, caller: Caller, recall_id: str = ""
) -> Released:
    """Release the notices sent to a caller's organisation (or one of them), oldest first.

    The first reading is noted: from then on the recipient knows.

    Raises:
        UnauthorizedError: what the caller came in with was taken from it meanwhile.
    """
    if not still_holds(connection, caller, parts.clock):
        raise UnauthorizedError
    found = [
        recall
        for recall in recalls(connection, caller.organization)
        if recall.sent_at is not None and recall_id in ("", recall.id)
    ]
    unread = [recall for recall in found if recall.read_at is None]
    mark(connection, [recall.id for recall in unread], "read", parts.clock.now())
    append(connection, [entry_of_recall(parts, r, "read") for r in unread], parts.clock)
    sealed = tuple(_sealed(parts.identifiers, caller, recall) for recall in found)
    return Released(matches=sealed, total=len(sealed), mark=GATE_MARK)


def entry_of_recall(parts: Parts, recall: Recall, step: str) -> Entry:
    """Return the ledger's line about a step of a notice."""
    return Entry(
        log=recall.agreement_id,
        kind=Kind.RECALL,
        receiving=recall.recipient,
        purpose=step,
        request=recall.id,
        subject=subject_of(parts.identifiers, recall.student_id),
        elements=tuple(sorted({name for line in recall.lines for name in line.elements})),
        evidence=(recall.source_id,),
        refers=tuple(sorted({index for line in recall.lines for index in line.indexes})),
    )


def _sealed(identifiers: Identifiers, caller: Caller, recall: Recall) -> ReleasedResource:
    sent_at = recall.sent_at or recall.drafted_at
    # Each release has a name to quote; its place in the ledger would count everybody's releases.
    recalled = [
        recall_task.RecalledResource(
            line.type,
            line.id,
            line.elements,
            tuple(
                identifiers.seal("recalled", recall.id, line.type, line.id, str(nth))
                for nth in range(len(line.indexes))
            ),
        )
        for line in recall.lines
    ]
    task = recall_task.build(recall.id, recall.reason, recalled, (sent_at, recall.acknowledged_at))
    content = orjson.dumps(task, option=orjson.OPT_SORT_KEYS).decode()
    version = identifiers.seal(caller.organization, content)
    return ReleasedResource(
        type="Task",
        id=task["id"],
        version=version,
        last_updated=recall.acknowledged_at or sent_at,
        body=orjson.dumps({**task, "meta": {"versionId": version}}),
        mark=GATE_MARK,
    )
