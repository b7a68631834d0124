"""A family is asked to sign: a link by one way, a code by another, and one signature.

34 CFR 99.30(d) wants a particular person identified and authenticated. The link goes to the address
the office has of that person, by mail or as a letter; the code is told to them another way, in
person or on a telephone number on file. Who holds both is that person (docs/adr/0044). The link is
worthless alone: without the code it opens a page that names nobody. Where the link goes to a
telephone the code is not told on one.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement
from bridge.identifiers import Identifiers
from bridge.journeys.families.record_verbal import HOW
from bridge.journeys.families.register_release import Filed, known
from bridge.journeys.families.sign_release import Asked, agreement_by_id, issued, sign, today_of
from bridge.journeys.families.signature_record import Act, Authenticated, Method, check_authority
from bridge.journeys.families.signing import who_of
from bridge.outbound.texts import number_of
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import StudentEntry, student_of_id
from bridge.store.facts.families import (
    Contact,
    SigningRequest,
    contact_of,
    keep_request,
    put_contact,
    request_of,
    settle_request,
)
from bridge.store.intake import take_turn

NOTHING: Final = "none"
CHANNELS: Final = ("mail", "letter", "phone", "sms", NOTHING)
LINKED: Final = ("mail", "sms", "letter")
"""Channels by which a link can be given. Nothing is ever sent to ``none``."""
SENT: Final = ("mail", "sms")
"""Channels by which the bridge itself gives a link; a letter is printed."""
LIFETIME: Final = timedelta(days=30)
PROVED_FOR: Final = timedelta(minutes=30)
MOST_ATTEMPTS: Final = 5
# Crockford's base 32: no letter that is taken for a digit when read out or typed.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans("OIL", "011", "- ")
_CODE: Final = 8


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """Whom the office asks, as it knows them.

    Attributes:
        student_name: as it is to stand on the form.
        code_by, code_via: who tells the person the code, and how (:data:`record_verbal.HOW`).
    """

    name: str = field(repr=False)
    relationship: str
    channel: str
    lang: str
    student_name: str = field(repr=False)
    code_by: str
    code_via: str
    address: str = field(default="", repr=False)
    authority: str = field(default="", repr=False)


class ContactStoppedError(BridgeError):
    """The person asked not to be contacted."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a person is given, by two ways. The code is told once and kept nowhere."""

    token: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A request as who proved to be the person asked may see it."""

    request: SigningRequest
    member: FamilyMember


def ask_to_sign(
    parts: Parts,
    parties: tuple[str, str],
    local_id: str,
    asked: tuple[FamilyMember, Asked],
    *,
    anew: bool = False,
) -> Link:
    """Ask a person of a student's family to sign a form; returns the link and the code.

    ``anew`` says that somebody who asked not to be contacted agreed to be asked again.

    Raises:
        ContactStoppedError: the person asked not to be contacted, and nobody says otherwise.
        BridgeError: the channel takes no link, or link and code go one way; something is missing.
    """
    member, form = asked
    _check(member)
    code, handle = _drawn(_CODE), secrets.token_urlsafe(12)
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement, student = known(connection, parties, local_id)
        text, now = issued(connection, parts, agreement, form), parts.clock.now()
        if _has_passed(agreement, student, member, now):
            raise BridgeError("the student is 18: ask the student to sign, nobody else may")
        contact = _kept_contact(connection, parts, student.id, member, anew=anew)
        sealed = parts.identifiers.lock(_written(member), "signing", student.id, handle)
        keep_request(connection, SigningRequest(
            handle=handle,
            factor=_factor(parts.identifiers, handle, code),
            contact_id=contact.id,
            student_id=student.id,
            agreement_id=agreement.id,
            text_digest=text.digest,
            sealed=sealed,
            made_at=now,
            expires_at=now + LIFETIME,
            next_at=now if member.channel in SENT else None,
        ))  # fmt: skip
    return Link(token_of(parts.identifiers, handle), f"{code[:4]}-{code[4:]}")


def keep_contact(
    parts: Parts, parties: tuple[str, str], local_id: str, member: FamilyMember
) -> None:
    """Keep how a person is reached from now on; ``none`` stops everything that is under way.

    Raises:
        BridgeError: the channel is not known, or the student.
    """
    if member.channel not in CHANNELS:
        raise BridgeError(f"the channel is one of: {', '.join(CHANNELS)}")
    with write(parts.engine) as connection:
        _, student = known(connection, parties, local_id)
        _kept_contact(connection, parts, student.id, member, anew=True)


def token_of(identifiers: Identifiers, handle: str) -> str:
    """Return the link's secret part; it can be made again for a reminder, and is kept nowhere."""
    return f"{handle}.{identifiers.seal('signing link', handle)}"


def name_asked(parts: Parts, request: SigningRequest) -> str:
    """Return the name of who was asked; "" where it does not open under this secret."""
    member = _read(parts, request)
    return member.name if member else ""


def address_of(parts: Parts, contact: Contact) -> str:
    """Return where a person is reached; "" where it does not open under this secret."""
    plain = parts.identifiers.unlock(contact.sealed, "contact", contact.student_id, contact.id)
    return plain.decode() if plain else ""


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
        factor = _factor(parts.identifiers, found.handle, typed)
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


def _check(member: FamilyMember) -> None:
    if member.channel not in LINKED:
        raise BridgeError("a link goes by mail, as a text or a letter; ask on paper instead")
    if member.channel == "mail" and "@" not in member.address:
        raise BridgeError("that is no address for mail")
    if member.channel == "sms" and number_of(member.address) != member.address:
        raise BridgeError("that is no number for text messages: write +1 and ten digits")
    if member.channel == "sms" and member.code_via == "phone":
        raise BridgeError("the code must go another way than the link: not to a telephone")
    if member.code_via not in HOW or not member.code_by.strip():
        raise BridgeError("the code is told in person, by phone or by video; say by whom")
    if not member.name.strip() or not member.student_name.strip():
        raise BridgeError("say who is asked, and about which student")
    check_authority(member.relationship, member.authority)


def _kept_contact(
    connection: Connection, parts: Parts, student_id: str, member: FamilyMember, *, anew: bool
) -> Contact:
    who = who_of(parts.identifiers, student_id, member.name)
    contact_id = parts.identifiers.issue("family contact", student_id, who)
    was = None if anew else contact_of(connection, contact_id)
    if was is not None and was.channel == NOTHING:
        raise ContactStoppedError("this person asked not to be contacted")
    sealed = parts.identifiers.lock(member.address.encode(), "contact", student_id, contact_id)
    how, at = (member.channel, sealed, member.lang), parts.clock.now()
    put_contact(connection, kept := Contact(contact_id, student_id, *how, at))
    return kept


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
    """Return who was asked; None once the time or the agreement ended, or the right passed.

    It passes on the 18th birthday (34 CFR 99.5): from that day on a guardian sees nothing here.
    """
    now = parts.clock.now()
    if now >= request.expires_at:
        return None
    member = _read(parts, request)
    student = student_of_id(connection, request.student_id)
    if member is None or student is None:
        return None
    try:
        agreement = agreement_by_id(connection, request.agreement_id)
    except BridgeError:
        return None
    return None if _has_passed(agreement, student, member, now) else member


def _read(parts: Parts, request: SigningRequest) -> FamilyMember | None:
    names = ("signing", request.student_id, request.handle)
    written = parts.identifiers.unlock(request.sealed, *names)
    return FamilyMember(**orjson.loads(written)) if written else None


def _has_passed(
    agreement: CompiledAgreement, student: StudentEntry, member: FamilyMember, now: datetime
) -> bool:
    """Tell whether the right of who is asked has passed to a student who is 18."""
    return member.relationship != "ONESELF" and student.birth_date <= agreement.adult_since(now)


def _written(member: FamilyMember) -> bytes:
    return orjson.dumps({**asdict(member), "address": ""})


def _factor(identifiers: Identifiers, handle: str, code: str) -> str:
    return identifiers.seal("family code", handle, code)


def _drawn(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
