"""A person who was asked to sign opens the link with the code, and signs once.

INVARIANT: whoever may not decide any more gets nothing here, from that moment on: a guardian once
the student is 18, a guardian whom an order keeps out. To them it is a link whose time is over.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.journeys.families.ask_family import FamilyMember, factor_of, token_of
from bridge.journeys.families.register_release import Filed
from bridge.journeys.families.request_standing import MOST_ATTEMPTS, Barred, who_may_answer
from bridge.journeys.families.sign_release import agreement_by_id, sign, today_of
from bridge.journeys.families.signature_record import Act, Authenticated, Method
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import student_of_id
from bridge.store.facts.families import SigningRequest, contact_of, request_of, settle_request
from bridge.store.intake import take_turn

PROVED_FOR: Final = timedelta(minutes=30)
# Typed as read out: no letter of the codes is one of these.
_READ_AS: Final = str.maketrans("OIL", "011", "- ")


@dataclass(frozen=True, slots=True)
class Opened:
    """A request as who proved to be the person asked may see it."""

    request: SigningRequest
    member: FamilyMember


def is_open(parts: Parts, token: str) -> bool:
    """Tell whether a link leads anywhere; it says nothing about whom it is for."""
    with read(parts.engine) as connection:
        return _found(connection, parts, token) is not None


def prove(parts: Parts, token: str, code: str) -> str | None:
    """Exchange link and code for a proof that lasts half an hour; None if they are not right.

    After five wrong codes the link is dead, and the office gives a new one.
    """
    typed = code.upper().translate(_READ_AS)
    with write(parts.engine) as connection:
        found = _found(connection, parts, token, lock=True)
        if found is None:
            return None
        factor = factor_of(parts.identifiers, found.handle, typed)
        if not hmac.compare_digest(found.factor, factor):
            settle_request(connection, found.handle, {"attempts": found.attempts + 1})
            return None
    until = parts.clock.real_now() + PROVED_FOR
    said = orjson.dumps({"handle": found.handle, "until": until.isoformat()})
    return parts.identifiers.lock(said, "family proof")


def proved(parts: Parts, proof: str) -> Opened | None:
    """Return what a proof opens; None if it ended, or is none."""
    with read(parts.engine) as connection:
        return _opened(connection, parts, proof)


def sign_online(
    parts: Parts, proof: str, answers: Mapping[str, bool], *, approved: bool
) -> tuple[Filed, ...]:
    """Sign as the person who proved to be the one asked. It works once for each request.

    Raises:
        BridgeError: the proof ended, the form was answered before, or it was not approved.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        opened = _opened(connection, parts, proof, lock=True)
        if opened is None:
            raise BridgeError("the time to sign is over; open the link again")
        request = opened.request
        if request.ended:
            raise BridgeError("this form was answered already")
        agreement = agreement_by_id(connection, request.agreement_id)
        student = student_of_id(connection, request.student_id)
        if student is None:
            raise BridgeError("the student of this form is not in the register any more")
        today = today_of(agreement, parts.clock.now())
        act = _act(opened, (answers, approved), today, _via(connection, opened))
        filed = sign(connection, parts, (agreement, student), act)
        said = "signed" if any(answers.values()) else "refused"
        ended = {"ended": said, "ended_at": parts.clock.now(), "next_at": None}
        settle_request(connection, request.handle, ended)
    return filed


def _act(opened: Opened, said: tuple[Mapping[str, bool], bool], today: date, via: str) -> Act:
    answers, approved = said
    return Act(
        method=Method.ONLINE,
        signer=opened.member.name,
        relationship=opened.member.relationship,
        authority=opened.member.authority,
        answers=answers,
        text_digest=opened.request.text_digest,
        signed_on=today,
        authenticated=Authenticated("link-and-code", "bridge", via),
        approved=approved,
    )


def _via(connection: Connection, opened: Opened) -> str:
    contact = contact_of(connection, opened.request.contact_id)
    channel = contact.channel if contact else ""
    return f"link {channel}; code {opened.member.code_via} by {opened.member.code_by}"


def _found(
    connection: Connection, parts: Parts, token: str, *, lock: bool = False
) -> SigningRequest | None:
    handle = token.partition(".")[0]
    if len(token) > 200 or not hmac.compare_digest(token, token_of(parts.identifiers, handle)):
        return None
    request = request_of(connection, handle, lock=lock)
    if request is None or request.attempts >= MOST_ATTEMPTS:
        return None
    return request if _member(connection, parts, request) else None


def _opened(
    connection: Connection, parts: Parts, proof: str, *, lock: bool = False
) -> Opened | None:
    plain = parts.identifiers.unlock(proof, "family proof") if len(proof) < 1000 else None
    if plain is None:
        return None
    said = orjson.loads(plain)
    if parts.clock.real_now() >= datetime.fromisoformat(said["until"]):
        return None
    request = request_of(connection, said["handle"], lock=lock)
    member = request and _member(connection, parts, request)
    return Opened(request, member) if request and member else None


def _member(connection: Connection, parts: Parts, request: SigningRequest) -> FamilyMember | None:
    """Return who was asked; None where they may not decide, for whichever reason."""
    found = who_may_answer(connection, parts, request)
    return None if isinstance(found, Barred) else found
