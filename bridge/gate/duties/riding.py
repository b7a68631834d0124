"""What rides with a released resource: labels, notices, and the consent it rests on.

INVARIANT: it follows from the duties of the elements that leave, and from nothing else: what is
withheld adds neither a label nor a notice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from bridge.errors import GateError
from bridge.gate.agreements import VIEWS
from bridge.gate.authorise import Viewer
from bridge.gate.decisions import RecordDecision
from bridge.gate.duties.carried import ABLE, REFRAINS
from consent.duties import Extent, notice, notice_rules
from mappings.fhir.handling import PART2, ConsentScope, Notice, build_outcome, meta_of, with_scope

_SCOPE = "p2.copy_or_scope"
_AS_THEY_ARE = frozenset({Extent.DUTIES, Extent.PERMIT})
_CODED = _AS_THEY_ARE | {Extent.PSEUDONYM}


@dataclass(frozen=True, slots=True)
class Riding:
    """What rides with one resource.

    Attributes:
        notices: ids of the notices.
        meta: ``security`` and ``extension`` to add to its Meta.
    """

    notices: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


def codes_of(decided: RecordDecision) -> frozenset[str]:
    """Return the duties of what leaves of a record.

    Raises:
        GateError: an element would leave in a form, or with a duty, that the gate cannot give it.
    """
    ways = _CODED if decided.view == "to-hub" else _AS_THEY_ARE
    codes: set[str] = set()
    for each in decided.permitted:
        if each.decision.extent not in ways:
            raise GateError("an element may leave only in a form not offered here")
        codes.update(each.decision.obligations)
    if not codes <= ABLE:
        raise GateError("a duty of the release cannot be carried out here")
    return frozenset(codes)


@lru_cache(maxsize=1024)
def riding(codes: frozenset[str]) -> Riding:
    """Return what rides along under some duties."""
    ids = notices_among(codes)
    told = [notice_of(each) for each in ids]
    refrains = [code for code in REFRAINS if code in codes]
    policies = {each.policy for each in told if each.policy} | ({PART2} & _scoped(codes))
    return Riding(ids, meta_of(refrains, told, sorted(policies)))


def _scoped(codes: frozenset[str]) -> set[str]:
    return {PART2} if _SCOPE in codes else set()


def labelled(
    meta: Mapping[str, Any], rides: Riding, scopes: Sequence[ConsentScope]
) -> dict[str, Any]:
    """Return a Meta with what rides along added to it."""
    added = rides.meta.get("security", [])
    security = [*meta.get("security", ()), *(with_scope(added, scopes) if scopes else added)]
    extension = rides.meta.get("extension", [])
    return {
        **meta,
        **({"security": security} if security else {}),
        **({"extension": extension} if extension else {}),
    }


def notices_among(codes: Iterable[str]) -> tuple[str, ...]:
    """Return which of some duties are notices, in the order of the table of notices."""
    wanted = set(codes)
    return tuple(rule.id for rule in notice_rules() if rule.id in wanted)


def standing_notices(viewer: Viewer) -> tuple[str, ...]:
    """Return every notice that can ride with anything a viewer may ever be given.

    It follows from the agreements alone, so it tells nothing of any record.
    """
    senders = [sender for sender, recipient in VIEWS if recipient == viewer.party]
    codes = {
        code
        for agreement in viewer.agreements
        for sender in senders
        for purpose in viewer.purposes
        for code in agreement.table.duties_towards(sender, viewer.party, viewer.role, purpose)
    }
    return notices_among(codes)


@lru_cache(maxsize=64)
def notice_of(notice_id: str) -> Notice:
    """Return a notice as FHIR needs it.

    Raises:
        LookupError: if there is none of that id.
    """
    found = notice(notice_id)
    return Notice(found.id, found.cite, found.policy, found.short, found.texts)


@lru_cache(maxsize=64)
def outcome_of(notice_ids: tuple[str, ...]) -> bytes:
    """Return the OperationOutcome that tells some notices whole."""
    return orjson.dumps(build_outcome([notice_of(each) for each in notice_ids]))
