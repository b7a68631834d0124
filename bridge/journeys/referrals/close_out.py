"""At the end of a year whoever leads a school's referrals decides what becomes of the open ones.

Each referral is a move of its own through the one table of moves (docs/adr/0041), with a row that
says who decided and why, written in the same transaction. What the provider is told is that the
school withdrew it, nothing more: the reason stays with the school.

INVARIANT: whether a referral still stands as it was shown is told by what the school may see of it,
never by what a provider did unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.identity import Caller
from bridge.journeys.referrals.note_look import LEADS
from bridge.journeys.referrals.withdraw_referral import OwnNumber, locked_referral, withdraw
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.people.close_outs import CloseOut, add_close_out, is_decided, of_act, of_referral


class Outcome(StrEnum):
    """What becomes of a referral; ``left`` of one that changed while it was looked at."""

    KEPT = "kept"
    CLOSED = "closed"
    MOVED = "moved"
    GRADUATED = "graduated"
    LEFT = "left"


REASONS: Final = ("no-signature", "declined", "not-reached", "elsewhere", "not-needed")
"""Why a school closes a referral; for itself, the provider is not told."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided of several referrals alike.

    Attributes:
        reason: one of :data:`REASONS` where they are closed.
        holder, follow_up_on: who looks after what stays open, and when again.
    """

    outcome: Outcome
    reason: str = ""
    holder: str = field(default="", repr=False)
    follow_up_on: date | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One referral that was chosen; ``stands`` tells that it reads as it was shown."""

    own: OwnNumber
    stands: bool


def close_out(
    parts: Parts, caller: Caller, act: str, decided: Decision, chosen: Sequence[Chosen]
) -> None:
    """Do what was decided of each referral that was chosen; the same act again changes nothing.

    Raises:
        BridgeError: the caller does not lead, something is missing, or a referral is not the
            district's. What went before it is done.
    """
    if caller.party != "lea" or caller.role not in LEADS:
        raise BridgeError("who closes referrals leads a school or its referrals")
    _check(decided)
    for one in chosen:
        with write(parts.engine) as connection:
            _settle(connection, parts, (caller, act, decided), one)


def done_in(parts: Parts, caller: Caller, act: str) -> list[CloseOut]:
    """Return what one act did in the caller's district."""
    with read(parts.engine) as connection:
        return of_act(connection, caller.organization, act)


def decided_of(parts: Parts, own: OwnNumber) -> list[CloseOut]:
    """Return what a district decided of one referral, in its order."""
    with read(parts.engine) as connection:
        return of_referral(connection, own.lea, (own.number, own.provider))


def _check(decided: Decision) -> None:
    kept = decided.outcome is Outcome.KEPT
    if kept and not (decided.holder and decided.follow_up_on):
        raise BridgeError("say who looks after a referral that stays open, and until when")
    if decided.outcome is Outcome.CLOSED and decided.reason not in REASONS:
        raise BridgeError(f"the reason is one of: {', '.join(REASONS)}")
    if decided.outcome is Outcome.LEFT:
        raise BridgeError("nobody decides that a referral is left")


def _settle(
    connection: Connection, parts: Parts, by: tuple[Caller, str, Decision], one: Chosen
) -> None:
    (caller, act, decided), own = by, one.own
    referral = locked_referral(connection, own)
    if is_decided(connection, act, referral.request_id):
        return
    outcome = decided.outcome if one.stands else Outcome.LEFT
    if outcome not in (Outcome.KEPT, Outcome.LEFT) and not withdraw(connection, parts, own):
        outcome = Outcome.LEFT
    left = outcome is Outcome.LEFT
    row = CloseOut(
        id=parts.identifiers.issue("close-out", act, referral.request_id),
        act=act,
        lea=own.lea,
        student_id=referral.student_id,
        referral_id=referral.request_id,
        number=own.number,
        provider=own.provider,
        at=parts.clock.now(),
        who=caller.client_id,
        role=caller.role,
        outcome=outcome,
        reason="" if left else decided.reason,
        holder="" if left else decided.holder,
        follow_up_on=None if left else decided.follow_up_on,
    )
    add_close_out(connection, row)
