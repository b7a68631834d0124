"""An intermediary passes a referral on to a provider.

INVARIANT: what goes on is what the gate gives the intermediary at that moment, and no more; the
provider then finds of it what its own agreement with the district and its own releases allow. A
referral is passed on before it is answered; from then on the provider answers it
(:mod:`bridge.journeys.referrals.passed_on`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, Gate, Match, Query, agreement_between, keep_views
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.files.import_referrals import element_of
from bridge.journeys.referrals.passed_on import copied_id, may_pass_on
from bridge.journeys.referrals.withdraw_referral import OwnNumber
from bridge.journeys.referrals.work_list import HasGate
from bridge.parts import Parts, parts_of
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.intake import (
    NewRecord,
    amend,
    custodian_of,
    put_records,
    replace,
    take_turn,
)
from bridge.store.referrals import KnownReferral, referrals_of, tasks_of
from mappings.fhir import organization
from mappings.fhir.check import check_resource
from mappings.fhir.elements import Json, reference
from mappings.fhir.filler_order import Onward, filler_order
from mappings.fhir.task_states import FOLLOW_UP, state_of
from mappings.loop import next_state

_RENEWED: Final = ("Patient", "RelatedPerson", "Observation")
_STAND: Final = (*_RENEWED, "ServiceRequest", "Task", "Provenance", "Organization")
_MOST: Final = 100
# What is copied is no answer to who asks: its scopes do not limit it, its role and purposes do.
_READING: Final = read_scopes("system/*.rs")


@dataclass(frozen=True, slots=True)
class Hops:
    """A district's referral to an intermediary, the provider it goes on to, and who passes it on.

    Attributes:
        first: the referral; its ``provider`` is the intermediary.
        role: the intermediary's staff role, as the first hop's agreement names it.
    """

    first: OwnNumber
    provider: str
    role: str


@dataclass(frozen=True, slots=True)
class _Way:
    """The two agreements, and the referral of the first hop."""

    first: CompiledAgreement
    second: CompiledAgreement
    referral: KnownReferral
    task_id: str


def pass_on(whole: HasGate, hops: Hops) -> None:
    """Pass a referral on; again, it brings what has changed of the persons and observations.

    Raises:
        BridgeError: an agreement is missing or does not allow it, there is no such referral, the
            intermediary may not have it now, or has answered it itself.
    """
    with write(whole.engine) as connection:
        take_turn(connection)
        first = agreement_between(connection, hops.first.lea, hops.first.provider)
        purposes = tuple(first.template.purposes) if first else ()
        standing = Standing(Party.PROVIDER, hops.first.provider, "", hops.role, purposes, _READING)
        asking = Caller(f"operator:{hops.first.provider}", standing)
        pass_on_within(connection, (parts_of(whole), whole.gate), hops, asking)


def pass_on_within(
    connection: Connection, of: tuple[Parts, Gate], hops: Hops, asking: Caller
) -> bool:
    """Do :func:`pass_on` in a writing transaction; returns whether it went on for the first time.

    Args:
        connection: a writing transaction whose turn it is.
        of: the bridge's parts and its gate.
        hops: from whom, through whom, to whom.
        asking: somebody of the intermediary: what the gate gives them goes on.

    Raises:
        BridgeError: as :func:`pass_on`.
    """
    parts, gate = of
    way = _way(connection, hops)
    given = _given(connection, gate, asking, way)
    now = parts.clock.now()
    made = filler_order(given, _onward(connection, parts, hops, now))
    if any(check_resource(each) for each in made):
        raise BridgeError("the referral cannot be passed on as it was given")
    new = _keep(connection, parts, (hops, way), made)
    task = next(each for each in given if each["resourceType"] == "Task")
    if new:
        _received(connection, parts, task, now)
    return new


def _way(connection: Connection, hops: Hops) -> _Way:
    own = hops.first
    first = agreement_between(connection, own.lea, own.provider)
    second = agreement_between(connection, own.lea, hops.provider)
    if first is None or second is None or first.id == second.id:
        raise BridgeError("the district has an agreement with each of the two, or nothing goes on")
    if not may_pass_on(first):
        raise BridgeError(
            "the agreement does not let this party pass referrals on: its template lists no "
            "redisclosure.allowed from provider to provider"
        )
    known = referrals_of(connection, own.provider, None, own.number)
    found = next((each for each in known if each.agreement_id == first.id), None)
    if found is None:
        raise BridgeError("there is no such referral of this district to this party")
    # SDOHCC 3.0.0 knows two interactions, source and intermediary, intermediary and target; and an
    # order of an intermediary's is based on the source's own (refer-1).
    if custodian_of(connection, "ServiceRequest", found.request_id) != own.lea:
        raise BridgeError(
            "this referral was passed on to this party and goes no further: decline it, and the "
            "district or the first intermediary finds another provider"
        )
    tasks = tasks_of(connection, found.request_id)
    return _Way(first, second, found, next(t.id for t in tasks if not t.is_cancellation))


def _given(connection: Connection, gate: Gate, asking: Caller, way: _Way) -> list[dict[str, Any]]:
    """Return what the gate gives the intermediary of a referral now."""
    standing = replaced(asking.standing, scopes=_READING)
    caller = Caller(asking.client_id, standing)

    def searched(kind: str, ids: tuple[str, ...] = (), *matches: Match) -> list[dict[str, Any]]:
        query = Query(kind, ids=ids, matches=matches, limit=_MOST)
        found = gate.search_within(connection, caller, query).matches
        return [orjson.loads(each.body) for each in found]

    orders = searched("ServiceRequest", (way.referral.request_id,))
    tasks = searched("Task", (way.task_id,))
    if not orders or not tasks:
        raise BridgeError("the party may not have this referral now; nothing can go on")
    about = str(orders[0]["subject"]["reference"])
    people = searched("RelatedPerson", (), Match("patient", ((None, about),)))
    links = [str(i["reference"]).partition("/") for i in orders[0].get("supportingInfo", ())]
    observed = tuple(target for kind, _, target in links if kind == "Observation")
    seen = searched("Observation", observed) if observed else []
    return [*searched("Patient", (about.partition("/")[2],)), *people, *seen, *orders, *tasks]


def _onward(connection: Connection, parts: Parts, hops: Hops, now: datetime) -> Onward:
    known = organizations(connection)
    copy = copied_id(parts, hops.provider, "Organization", known[hops.first.provider].id)
    return Onward(
        id_for=lambda kind, of: copied_id(parts, hops.provider, kind, of),
        intermediary=reference("Organization", copy),
        provider=reference("Organization", known[hops.provider].id),
        at=now,
    )


def _keep(
    connection: Connection, parts: Parts, of: tuple[Hops, _Way], made: list[dict[str, Any]]
) -> bool:
    """Keep the copies under the second hop's agreement; returns whether the order is new."""
    hops, way = of
    order = next(each for each in made if each["resourceType"] == "ServiceRequest")
    records = [_record(hops, way, (each, str(order["id"]))) for each in made]
    records.append(_directory_entry(connection, parts, hops))
    now = parts.clock.now()
    put = put_records(connection, records, now, renewable=_STAND)
    for record in records:
        if record.type in _RENEWED and record.id in put.different:
            replace(connection, record, now)
            keep_views(connection, parts, [(record.type, record.id)])
    return str(order["id"]) in put.new


def _record(hops: Hops, way: _Way, made: tuple[Mapping[str, Any], str]) -> NewRecord:
    resource, order_id = made
    kind = str(resource["resourceType"])
    # The state counts the referral once: the first hop's.
    element = "" if kind == "ServiceRequest" else element_of(resource)
    return NewRecord(
        resource=resource,
        custodian=hops.first.provider,
        sender_role="lea",
        audience=hops.provider,
        agreement_id=way.second.id,
        source_key=str(resource["id"]),
        student_id=way.referral.student_id,
        referral_id=None if kind in ("Patient", "RelatedPerson") else order_id,
        element=element,
    )


def _directory_entry(connection: Connection, parts: Parts, hops: Hops) -> NewRecord:
    """Return the intermediary as the district's partners find it: who asks is no stranger."""
    known = organizations(connection)[hops.first.provider]
    copy = copied_id(parts, hops.provider, "Organization", known.id)
    party = organization.Party(copy, organization.PartyKind.PROVIDER, known.name)
    return NewRecord(
        resource=organization.build(party),
        custodian=hops.first.lea,
        sender_role="lea",
        audience="",
        agreement_id="",
        source_key=copy,
    )


def _received(connection: Connection, parts: Parts, task: Json, now: datetime) -> None:
    """Say in the first Task that it has arrived, where nobody has answered it."""
    state = state_of(dict(task))
    if state.status != "requested":
        raise BridgeError("the party has answered this referral itself; it cannot go on")
    after = next_state(state, "receive", "target")
    if after is None:
        return
    changes = {
        "businessStatus": {"coding": [FOLLOW_UP.codings[after.business]]},
        "lastModified": now.isoformat(timespec="seconds"),
    }
    amend(connection, ("Task", str(task["id"])), changes, now)
    keep_views(connection, parts, [("Task", str(task["id"]))])
