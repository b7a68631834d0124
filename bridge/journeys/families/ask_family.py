"""A family is asked to sign: a link by one way, a code by another, and one signature.

34 CFR 99.30(d) wants a particular person identified and authenticated. The link goes to the address
the office has of that person, by mail or as a letter; the code is told to them another way, in
person or on a telephone number on file. Who holds both is that person (docs/adr/0044). The link is
worthless alone: without the code it opens a page that names nobody. Where the link goes to a
telephone the code is not told on one.
"""

import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement
from bridge.identifiers import Identifiers
from bridge.journeys.families.guardian_blocks import is_blocked
from bridge.journeys.families.record_verbal import HOW
from bridge.journeys.families.register_release import known
from bridge.journeys.families.sign_release import Asked, issued
from bridge.journeys.families.signature_record import check_authority
from bridge.journeys.families.signing import who_of
from bridge.outbound.texts import number_of
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import StudentEntry
from bridge.store.facts.families import (
    Contact,
    SigningRequest,
    contact_of,
    keep_request,
    put_contact,
)
from bridge.store.intake import take_turn

NOTHING: Final = "none"
CHANNELS: Final = ("mail", "letter", "phone", "sms", NOTHING)
LINKED: Final = ("mail", "sms", "letter")
"""Channels by which a link can be given. Nothing is ever sent to ``none``."""
SENT: Final = ("mail", "sms")
"""Channels by which the bridge itself gives a link; a letter is printed."""
LIFETIME: Final = timedelta(days=30)
ADULT: Final = "the student is 18: ask the student to sign, nobody else may"
KEPT_OUT: Final = "an order keeps this person out: ask nobody of that name"
# Crockford's base 32: no letter that is taken for a digit when read out or typed.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
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
        BridgeError: the channel takes no link, or link and code go one way; something is missing;
            the student is 18, or an order keeps the person out.
    """
    member, form = asked
    _check(member)
    code, handle = _drawn(_CODE), secrets.token_urlsafe(12)
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement, student = known(connection, parties, local_id)
        text, now = issued(connection, parts, agreement, form), parts.clock.now()
        if has_passed(agreement, student, member, now):
            raise BridgeError(ADULT)
        if is_blocked(connection, parts.identifiers, (student.id, member.name), now):
            raise BridgeError(KEPT_OUT)
        contact = _kept_contact(connection, parts, student.id, member, anew=anew)
        sealed = parts.identifiers.lock(_written(member), "signing", student.id, handle)
        keep_request(connection, SigningRequest(
            handle=handle,
            factor=factor_of(parts.identifiers, handle, code),
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
    member = member_of(parts, request)
    return member.name if member else ""


def address_of(parts: Parts, contact: Contact) -> str:
    """Return where a person is reached; "" where it does not open under this secret."""
    plain = parts.identifiers.unlock(contact.sealed, "contact", contact.student_id, contact.id)
    return plain.decode() if plain else ""


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


def member_of(parts: Parts, request: SigningRequest) -> FamilyMember | None:
    """Return who was asked; None where it does not open under this secret."""
    names = ("signing", request.student_id, request.handle)
    written = parts.identifiers.unlock(request.sealed, *names)
    return FamilyMember(**orjson.loads(written)) if written else None


def has_passed(
    agreement: CompiledAgreement, student: StudentEntry, member: FamilyMember, now: datetime
) -> bool:
    """Tell whether the right of who is asked has passed to a student who is 18."""
    return member.relationship != "ONESELF" and student.birth_date <= agreement.adult_since(now)


def _written(member: FamilyMember) -> bytes:
    return orjson.dumps({**asdict(member), "address": ""})


def factor_of(identifiers: Identifiers, handle: str, code: str) -> str:
    """Return what is kept of a code."""
    return identifiers.seal("family code", handle, code)


def _drawn(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
