"""Requests for a person's record that were not answered with it (34 CFR 99.32(a)(1)).

The law asks for each request to be kept, not only each disclosure. What names a record or a person
and got nothing is noted as it comes, whether or not there is such a record; which were about a
student is found out later, and entered in the ledger before anybody reads an account. A search that
names nobody asks for no student's record.
"""

from datetime import datetime

from sqlalchemy import Connection

from bridge.gate.authorise import DIRECTORY_TYPES
from bridge.gate.disclosures import subject_of
from bridge.gate.released import Released
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind, Resource
from bridge.parts import Parts
from bridge.store.partners.requests import Known, Unanswered, note_unanswered, take_unanswered
from bridge.store.vault import Match, Query

_PERSON = "Patient"


def note_request(
    connection: Connection,
    caller: Caller,
    asked: tuple[Query, Released],
    received: tuple[str, datetime],
) -> None:
    """Note what a search named and did not get.

    INVARIANT: what is written depends on the request and its answer alone, never on whether there
    is a record that was withheld.

    Args:
        connection: the database; the caller's write transaction.
        caller: who asks.
        asked: the query and its answer.
        received: id of the request, and when it came.
    """
    (query, released), (request, at) = asked, received
    if caller.party == "hub" or query.type in DIRECTORY_TYPES:
        return  # a hub knows nobody by an id, and a directory speaks of nobody
    purposes = " ".join(caller.purposes)
    rows = [
        Unanswered(caller.organization, caller.role, purposes, kind, record_id, request, at)
        for kind, record_id in _unmet(query, released)
    ]
    note_unanswered(connection, rows)


def enter_requests(connection: Connection, parts: Parts) -> int:
    """Enter the requests noted about students in the ledger; returns how many.

    One entry for each party, role and student on one day, the first: a client that asks again and
    again has asked. The caller commits.
    """
    today = parts.clock.now().date().isoformat()
    found = take_unanswered(connection, today)
    append(connection, [_entry(parts, known) for known in found], parts.clock)
    return len(found)


def _unmet(query: Query, released: Released) -> list[tuple[str, str]]:
    paged = query.after_change > 0 or query.order.after is not None
    if paged or query.updated or len(released.matches) >= query.limit:
        return []
    if query.ids and not query.matches:
        got = {match.id for match in released.matches}
        return [(query.type, record_id) for record_id in query.ids if record_id not in got]
    if len(query.matches) == 1 and not query.ids and not released.matches:
        (asked,) = query.matches
        named = asked.values if isinstance(asked, Match) and not asked.negated else ()
        people = (value.partition("/") for _, value in named if value is not None)
        return [(_PERSON, record_id) for kind, _, record_id in people if kind == _PERSON]
    return []


def _entry(parts: Parts, known: Known) -> Entry:
    asked = known.asked
    return Entry(
        log=known.agreement_id,
        kind=Kind.DENY,
        releasing=known.custodian,
        receiving=asked.organization,
        role=asked.role,
        purpose=asked.purposes,
        request=asked.request,
        subject=subject_of(parts.identifiers, known.student_id),
        resource=Resource(asked.kind, asked.record_id, ""),
        asked_at=asked.asked_at,
    )
