"""FHIR AuditEvents made from the ledger, for an auditor's system (IHE BALP 1.1).

One *disclosure* for what left; where part of the record was withheld, one *authorization decision*
that names the elements withheld and the first objection to each. Read by the operator alone: a
partner must not learn that something was withheld.
"""

from collections.abc import Iterator
from datetime import datetime

import orjson
from sqlalchemy import Connection

from bridge.gate.accounts.replay import Replay, ReplayedElement, replay_log
from bridge.gate.released import GATE_MARK, ReleasedResource
from bridge.identifiers import Identifiers
from bridge.ledger.entry import Kind
from mappings.fhir.audit_event import Audited, build_decision, build_disclosure
from mappings.fhir.elements import Json

_NO_FLOW = ("template:no-flow", "agreement:no-flow", "unknown-slice")
_REASONS = {
    "refer": "COC",
    "follow": "COC",
    "treat": "TREAT",
    "safety": "THREAT",
    "emergency": "ETREAT",
    "report": "HPRGRP",
    "evaluate": "HOUTCOMS",
    "research": "HRESCH",
    "bill": "HPAYMT",
    "rights": "PATRQT",
}


def audit_events(
    connection: Connection, identifiers: Identifiers, log: str
) -> Iterator[ReleasedResource]:
    """Yield the events of every release of a log, oldest first."""
    for replayed in replay_log(connection, log):
        if replayed.recorded.entry.kind is not Kind.RELEASE:
            continue
        at, of = replayed.recorded.time, _names_of(replayed)
        went = build_disclosure(_went(replayed), identifiers.issue("audit", *of, "went"))
        yield _sealed(went, at, identifiers)
        withheld = [e for e in replayed.elements if not e.decision.permitted]
        if withheld:
            event_id = identifiers.issue("audit", *of, "withheld")
            yield _sealed(build_decision(_withheld(replayed, withheld), event_id), at, identifiers)


def _names_of(replayed: Replay) -> list[str]:
    """Return what tells one disclosure from another: one entry may repeat several."""
    repeats = replayed.recorded.repeats
    return [str(replayed.receipt), *([] if repeats is None else [str(repeats)])]


def _went(replayed: Replay) -> Audited:
    entry, ruling, terms = (
        replayed.recorded.entry,
        replayed.recorded.entry.ruling,
        replayed.recorded.entry.terms,
    )
    resource, purposes = entry.resource, tuple(entry.purpose.split())
    details = (
        [("agreement", terms.mou), ("version", terms.version), ("table", terms.table)]
        if terms
        else []
    )
    if ruling:
        details += [("basis", basis) for basis in ruling.bases]
        details += [("obligation", code) for code in ruling.obligations]
        details += [("clause", ruling.clause), ("facts", ruling.facts)]
    return Audited(
        receipt=str(replayed.receipt),
        at=replayed.recorded.time,
        permitted=True,
        releasing=entry.releasing,
        receiving=entry.receiving,
        subject=entry.subject or "",
        purposes=purposes,
        reasons=tuple(dict.fromkeys(_REASONS[p] for p in purposes if p in _REASONS)),
        resource=(resource.type, resource.id, resource.digest) if resource else None,
        elements=entry.elements,
        evidence=entry.evidence,
        details=tuple(details),
    )


def _withheld(replayed: Replay, withheld: list[ReplayedElement]) -> Audited:
    went = _went(replayed)
    first = [(each.slice.element, each.decision.reasons[0]) for each in withheld]
    return Audited(
        receipt=went.receipt,
        at=went.at,
        permitted=False,
        releasing=went.releasing,
        receiving=went.receiving,
        subject=went.subject,
        purposes=tuple(sorted({each.slice.purpose for each in withheld})),
        reasons=(),
        resource=went.resource,
        elements=tuple(element for element, _ in first),
        evidence=(),
        details=tuple((f"objection:{element}", reason) for element, reason in first),
        unagreed=any(reason in _NO_FLOW for _, reason in first),
    )


def _sealed(event: Json, at: datetime, identifiers: Identifiers) -> ReleasedResource:
    body = orjson.dumps(event)
    version = identifiers.seal("audit", body.decode())
    return ReleasedResource("AuditEvent", str(event["id"]), version, at, body, GATE_MARK)
