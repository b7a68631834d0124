"""Who of a school follows up on a referral: whoever made it at first, then whom it is given to.

Whoever leads a school's referrals gives one to anybody of its staff; whose it is may hand it on;
what is nobody's anybody may take or give. It is the school's own: no provider and no family is
told.
"""

from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.identity import Caller
from bridge.journeys.referrals.note_look import LEADS
from bridge.journeys.referrals.withdraw_referral import OwnNumber, locked_referral
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.people.follow_owners import FollowOwner, add_owner, last_of, staff_since

# Who has not looked at a page for so long is offered no more.
_SEEN: Final = timedelta(days=180)


def handle_of(caller: Caller) -> str:
    """Return what somebody of a school's staff is called here."""
    return caller.client_id.removeprefix("staff:")


def may_give(caller: Caller, owner: str) -> bool:
    """Tell whether somebody may say who follows up on what is ``owner``'s ("": nobody's)."""
    return caller.party == "lea" and (caller.role in LEADS or owner in ("", handle_of(caller)))


def may_follow_up(parts: Parts, caller: Caller, owner: str = "") -> dict[str, str]:
    """Return who of a district can follow up: handle and role, whoever asks first.

    Args:
        parts: the bridge.
        caller: whoever asks.
        owner: who does so now, who can go on.
    """
    with read(parts.engine) as connection:
        seen = _staff(connection, parts, caller)
    still = {owner: ""} if owner else {}
    return {handle_of(caller): caller.role} | still | seen


def give_follow_up(
    parts: Parts, caller: Caller, own: OwnNumber, owner: str, day: date | None
) -> None:
    """Say who follows up on a district's referral from now on; the same again changes nothing.

    Args:
        parts: the bridge.
        caller: whoever says it.
        own: the referral.
        owner: a handle of the district's staff; "" for nobody.
        day: when they will; None for no day.

    Raises:
        BridgeError: there is no such referral, the caller may not give it, or nobody of the
            district's staff has that handle.
    """
    with write(parts.engine) as connection:
        referral = locked_referral(connection, own)
        last = last_of(connection, referral.request_id)
        now = last.owner if last else ""
        if own.lea != caller.organization or not may_give(caller, now):
            raise BridgeError("only who leads, or whose it is, gives a referral to somebody else")
        known = {"", now, handle_of(caller)}
        if owner not in known and owner not in _staff(connection, parts, caller):
            raise BridgeError("nobody of this handle has signed in for the district")
        if last and (last.owner, last.follow_up_on) == (owner, day):
            return
        turn = last.turn + 1 if last else 1
        row = FollowOwner(
            id=parts.identifiers.issue("follow-owner", referral.request_id, str(turn)),
            lea=own.lea,
            student_id=referral.student_id,
            referral_id=referral.request_id,
            turn=turn,
            number=own.number,
            provider=own.provider,
            at=parts.clock.now(),
            who=caller.client_id,
            role=caller.role,
            owner=owner,
            follow_up_on=day,
        )
        add_owner(connection, row)


def _staff(connection: Connection, parts: Parts, caller: Caller) -> dict[str, str]:
    since = parts.clock.real_now() - _SEEN
    found = staff_since(connection, caller.organization, since)
    return {who.removeprefix("staff:"): role for who, role in sorted(found.items())}


def take_new(parts: Parts, caller: Caller, own: OwnNumber) -> None:
    """Give a referral that was just made to whoever made it, unless it is somebody's already."""
    with write(parts.engine) as connection:
        referral = locked_referral(connection, own)
        known = last_of(connection, referral.request_id)
    if known is None:
        give_follow_up(parts, caller, own, handle_of(caller), None)
