"""What makes a signature one: a person who was authenticated, and an act that approves a text.

34 CFR 99.30(d): an electronic consent identifies and authenticates a particular person as its
source and indicates that person's approval of what it says. Connecticut's UETA (CGS 1-272) lets
it stand for writing. A name that somebody typed is neither.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from bridge.store.facts.releases import KeptRelease
from bridge.store.facts.signatures import FormText, KeptSignature
from consent.signers import Signer, signer_of


class Method(StrEnum):
    """How a form was signed."""

    PAPER = "paper"
    IN_PERSON = "in-person"
    ONLINE = "online"


AUTHENTICATED_BY: Final[Mapping[Method, tuple[str, ...]]] = {
    Method.PAPER: ("known-to-staff", "identity-document", "signature-compared"),
    Method.IN_PERSON: ("known-to-staff", "identity-document"),
    Method.ONLINE: ("link-and-code",),
}
"""How a person may have been authenticated. Online it is the bridge that does it, never staff."""
RELATIONSHIPS: Final = (
    *("MTH", "FTH", "GUARD", "STPPRN", "GRPRN", "PRNFOST", "ONESELF"),
    "OTHER",
)
"""v3-RoleCode, and ``OTHER``: which says what the authority is, and sets no fact by itself."""
INTERPRETERS: Final = (
    *("district-interpreter", "agency-interpreter", "qualified-staff"),
    *("telephone-interpreter", "video-interpreter"),
)
"""Who may interpret. A student, a child of the family or a friend is not on the list (Title VI)."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Who put the form into the signer's language.

    Attributes:
        role: one of :data:`INTERPRETERS`.
        lang: the language, in words.
        read_aloud: the whole form was read to the signer.
    """

    role: str
    name: str
    lang: str
    on: date
    agency: str = ""
    read_aloud: bool = False


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who made sure that the signer is that person, and how.

    Attributes:
        how: one of :data:`AUTHENTICATED_BY`.
        by: who did; the bridge itself online.
        via: online, by which two ways link and code reached the person.
    """

    how: str
    by: str
    via: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of signing, as it is to be recorded.

    Attributes:
        answers: by the party that may disclose: whether the signer agrees to that part.
        text_digest: the hash of the text that was approved.
        relationship: one of :data:`RELATIONSHIPS`; ``authority`` says what ``OTHER`` is.
        approved: on a screen: the signer said that the text is what they agree to.
        upload: id of the scanned paper.
        cosigner: relationship of a second who signed, where two must.
    """

    method: Method
    signer: str = field(repr=False)
    relationship: str
    answers: Mapping[str, bool]
    text_digest: str
    signed_on: date
    authenticated: Authenticated | None
    authority: str = field(default="", repr=False)
    approved: bool = False
    upload: str = ""
    cosigner: str = ""
    referral: str = ""
    interpreter: Interpreter | None = None


def check_act(act: Act, today: date) -> None:
    """Check that an act is a signature.

    Raises:
        BridgeError: it is not; the text says what is missing and repeats nothing.
    """
    allowed = AUTHENTICATED_BY[act.method]
    if not act.signer.strip():
        raise BridgeError("say who signed")
    if act.authenticated is None or act.authenticated.how not in allowed:
        raise BridgeError("a name alone is no signature: say how the person was authenticated")
    if act.method is Method.PAPER and not act.upload:
        raise BridgeError("a paper form is kept with its scan")
    if act.method is not Method.PAPER and not act.approved:
        raise BridgeError("on a screen the signer says that they agree to this text")
    if not act.answers:
        raise BridgeError("say yes or no to at least one part")
    if act.signed_on > today:
        raise BridgeError("the day of the signature lies ahead")
    check_authority(act.relationship, act.authority)
    if act.interpreter is not None:
        check_interpreter(act.interpreter, today)


def check_authority(relationship: str, authority: str) -> None:
    """Check what gives somebody the right to sign.

    Raises:
        BridgeError: it is not known, or ``OTHER`` without a word on what it is.
    """
    known = signer_of(relationship) is not Signer.OTHER or relationship == "OTHER"
    if not known:
        raise BridgeError("say what the signer is to the student")
    if relationship == "OTHER" and not authority.strip():
        raise BridgeError("say what gives the signer the right to sign")


def check_interpreter(interpreter: Interpreter, today: date) -> None:
    """Check that an interpreter may interpret.

    Raises:
        BridgeError: the role is not on the list, or who, in which language or when is not said.
    """
    if interpreter.role not in INTERPRETERS:
        raise BridgeError("an interpreter is a trained adult: a student or a child may not do it")
    if not interpreter.name.strip() or not interpreter.lang.strip() or interpreter.on > today:
        raise BridgeError("say who interpreted, in which language, and on which day")


def signature_of(
    identifiers: Identifiers, act: Act, kept: KeptRelease, text: FormText, at: datetime
) -> KeptSignature:
    """Return what is kept of the signature under one form, sealed."""
    body: dict[str, Any] = {
        "authenticated": asdict(act.authenticated) if act.authenticated else None,
        "authority": act.authority,
        "approved": act.approved,
        "lang": text.lang,
        "version": text.version,
        "upload": act.upload,
        "interpreter": asdict(act.interpreter) if act.interpreter else None,
        "form": form_digest(kept),
        "at": at.isoformat(),
    }
    written = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    names = (kept.id, kept.student_id, str(act.method), text.digest, written)
    seal = identifiers.seal("signature", *names)
    return KeptSignature(*names[:4], at, written, seal)


def faults_of(
    identifiers: Identifiers, signature: KeptSignature, kept: KeptRelease, text: FormText | None
) -> tuple[str, ...]:
    """Return what was changed since a form was signed: its text, its parts, or the record."""
    names = (
        *(signature.release_id, signature.student_id, signature.method),
        *(signature.text_digest, signature.body),
    )
    found = []
    if text is None or digest_of(text.text) != signature.text_digest:
        found.append("text")
    if identifiers.seal("signature", *names) != signature.seal:
        found.append("signature")
    elif orjson.loads(signature.body)["form"] != form_digest(kept):
        found.append("form")
    return tuple(found)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, as a form prints it."""
    return sha256(text.encode()).hexdigest()


def form_digest(kept: KeptRelease) -> str:
    """Return a digest of what a form says, without what the register adds or ends."""
    said = {k: v for k, v in asdict(kept.form).items() if k not in _OF_THE_REGISTER}
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


_OF_THE_REGISTER: Final = ("birth_date", "recorded_at", "revoked_at", "disputed")
