"""A form is signed: it comes into the register with a record of who signed what text, and how.

Staff record what was signed on paper or before their eyes; online a person signs alone
(:mod:`bridge.journeys.families.sign_online`). Either way the facts are set by
:mod:`bridge.journeys.families.register_release`, from the parts the signed text has.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreement_between, seen_anew
from bridge.gate.agreements import compiled
from bridge.journeys.families.record_releases import end_release
from bridge.journeys.families.register_release import Filed, known, register, release_id_of
from bridge.journeys.families.signature_record import (
    Act,
    Method,
    check_act,
    digest_of,
    signature_of,
)
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import StudentEntry, agreements
from bridge.store.facts.evidence import lock_students
from bridge.store.facts.releases import KeptRelease, releases_of
from bridge.store.facts.signatures import (
    FormText,
    Upload,
    keep_signature,
    keep_text,
    keep_upload,
    text_of,
    upload_of,
)
from bridge.store.intake import take_turn
from consent.forms import FormError, FormKind, ReleaseForm, last_day, release_form
from consent.forms.release_form import STATEMENTS
from consent.signed_release import SignedRelease

MOST_BYTES: Final = 5_000_000
_BEGINS: Final = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
_FORM_OF: Final = {
    (FormKind.SHARE, "lea"): "education",
    (FormKind.SHARE, "provider"): "health",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which form of an agreement.

    Attributes:
        ends_on: its last day; as late as may be if not given.
    """

    kind: FormKind
    lang: str
    ends_on: date | None = None


def issue_form(parts: Parts, parties: tuple[str, str], asked: Asked) -> ReleaseForm:
    """Write a form of an agreement in use and keep its text, so that it can be signed.

    Raises:
        BridgeError: there is no agreement, or no such form of it.
    """
    with write(parts.engine) as connection:
        return issued(connection, parts, agreement_of(connection, parties), asked)


def issued(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, asked: Asked
) -> ReleaseForm:
    """Write a form and keep its text, in the caller's transaction.

    Raises:
        BridgeError: there is no such form of the agreement.
    """
    pair, now = (agreement.template, agreement.agreement), parts.clock.now()
    last = asked.ends_on or last_day(*pair, asked.kind, today_of(agreement, now))
    try:
        form = release_form(pair, asked.kind, asked.lang, last)
    except FormError as error:
        raise BridgeError(str(error)) from None
    passings = orjson.dumps([asdict(passing) for passing in form.passings]).decode()
    keep_text(connection, FormText(
        form.digest, agreement.id, str(form.kind), form.lang, form.version,
        form.ends_on, form.text, passings, now,
    ))  # fmt: skip
    return form


def today_of(agreement: CompiledAgreement, now: datetime) -> date:
    """Return the day it is in the district."""
    return now.astimezone(ZoneInfo(agreement.agreement.effective.tz)).date()


def record_signature(
    parts: Parts, parties: tuple[str, str], local_id: str, act: Act
) -> tuple[Filed, ...]:
    """Record what a person signed on paper, or on a device of the school's before staff's eyes.

    Returns what the register says of each part. Recording the same again changes nothing. An
    earlier answer of the same person to the same part is taken back: the latest counts.

    Raises:
        BridgeError: the act is no signature, was made online (which staff cannot record), or the
            text is not one that was issued for this agreement.
    """
    if act.method is Method.ONLINE:
        raise BridgeError("what is signed online is recorded by the bridge alone")
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement, student = known(connection, parties, local_id)
        return sign(connection, parts, (agreement, student), act)


def sign(
    connection: Connection, parts: Parts, about: tuple[CompiledAgreement, StudentEntry], act: Act
) -> tuple[Filed, ...]:
    """Record a signature, in the caller's transaction.

    Raises:
        BridgeError: as :func:`record_signature`.
    """
    agreement, student = about
    now = parts.clock.now()
    check_act(act, today_of(agreement, now))
    text = _approved(connection, agreement, act)
    if act.upload and (found := upload_of(connection, act.upload)):
        if found.student_id != student.id:
            raise BridgeError("that paper is another student's")
    elif act.upload:
        raise BridgeError("there is no such paper")
    lock_students(connection, [student.id], share=False)
    with seen_anew(connection, parts, [student.id]):
        return tuple(_file(connection, parts, about, (act, text)))


def _approved(connection: Connection, agreement: CompiledAgreement, act: Act) -> FormText:
    text = text_of(connection, act.text_digest)
    if text is None or text.agreement_id != agreement.id:
        raise BridgeError("no form with that check number was issued for this agreement")
    if digest_of(text.text) != text.digest:
        raise BridgeError("the text of that form was changed; give the family a new one")
    if act.signed_on > text.ends_on:
        raise BridgeError("the form had ended on the day it was signed; give the family a new one")
    return text


def _file(
    connection: Connection,
    parts: Parts,
    about: tuple[CompiledAgreement, StudentEntry],
    signed: tuple[Act, FormText],
) -> Iterator[Filed]:
    agreement, student = about
    act, text = signed
    now, offered = parts.clock.now(), {p["discloser"]: p for p in orjson.loads(text.passings)}
    if not act.answers.keys() <= offered.keys():
        raise BridgeError("the form has no such part")
    for discloser, agrees in act.answers.items():
        form = _form(act, text, offered[discloser], agrees=agrees)
        form = replace(form, birth_date=student.birth_date, recorded_at=now)
        _take_back_others(connection, parts, (agreement, student), form)
        kept = KeptRelease(
            release_id_of(parts.identifiers, student.id, form), student.id, agreement.id, form
        )
        filed = register(connection, parts, agreement, kept)
        if filed.new:
            keep_signature(connection, signature_of(parts.identifiers, act, kept, text, now))
        yield filed


def _form(
    act: Act,
    text: FormText,
    passing: dict[str, Any],  # JSON, as the text was kept
    *,
    agrees: bool,
) -> SignedRelease:
    discloser = str(passing["discloser"])
    return SignedRelease(
        form=_FORM_OF.get((FormKind(text.kind), discloser), text.kind),
        answer="signed" if agrees else "refused",
        recorded_at=datetime.max.replace(tzinfo=UTC),  # the register's own is used
        birth_date=date.max,
        signer=" ".join(act.signer.split()),
        signer_relationship=act.relationship,
        cosigner_relationship=act.cosigner or None,
        signed_on=act.signed_on,
        expires_on=text.ends_on,
        elements=tuple(passing["elements"]),
        purposes=tuple(passing["purposes"]),
        recipient=str(passing["recipient"]),
        discloser=discloser,
        statements=STATEMENTS,
        referral=act.referral or None,
    )


def _take_back_others(
    connection: Connection,
    parts: Parts,
    about: tuple[CompiledAgreement, StudentEntry],
    form: SignedRelease,
) -> None:
    """Take back what the same person answered to the same part before, if it was otherwise."""
    agreement, student = about
    for kept in releases_of(connection, student.id):
        same = (kept.form.discloser, kept.form.recipient, kept.form.referral) == (
            *(form.discloser, form.recipient, form.referral),
        )
        hers = str(kept.form.signer).casefold().split() == str(form.signer).casefold().split()
        mine = kept.agreement_id == agreement.id and kept.form.revoked_at is None
        if same and hers and mine and kept.form.answer not in (form.answer, "pending"):
            end_release(connection, parts, kept)


def keep_paper(
    parts: Parts, parties: tuple[str, str], local_id: str, scan: tuple[str, bytes]
) -> str:
    """Keep a scanned paper; returns its id. The same paper again is the same one.

    It opens under the deployment's secret alone, and is shown to who keeps the register.

    Args:
        parts: the bridge's parts.
        parties: the district and the provider.
        local_id: the student.
        scan: its media type and its bytes.

    Raises:
        BridgeError: it is too large, or not a PDF, a JPEG or a PNG as it says.
    """
    media_type, content = scan
    if len(content) > MOST_BYTES:
        raise BridgeError(f"the file is larger than {MOST_BYTES:,} bytes; scan it at less detail")
    begins = _BEGINS.get(media_type)
    if begins is None or not content.startswith(begins):
        raise BridgeError("the paper is kept as a PDF, a JPEG or a PNG")
    with write(parts.engine) as connection:
        _, student = known(connection, parties, local_id)
        upload_id = parts.identifiers.issue("paper", student.id, digest_of(content.hex()))
        sealed = parts.identifiers.lock(content, "paper", student.id, upload_id)
        keep_upload(connection, Upload(
            upload_id, student.id, media_type, len(content), sealed, parts.clock.now()
        ))  # fmt: skip
    return upload_id


def agreement_of(connection: Connection, parties: tuple[str, str]) -> CompiledAgreement:
    """Return the agreement of a district and a provider.

    Raises:
        BridgeError: there is none.
    """
    agreement = agreement_between(connection, *parties)
    if agreement is None:
        raise BridgeError("there is no agreement between these two")
    return agreement


def agreement_by_id(connection: Connection, agreement_id: str) -> CompiledAgreement:
    """Return an agreement in use.

    Raises:
        BridgeError: there is none of that id.
    """
    for entry in agreements(connection):
        if entry.id == agreement_id:
            return compiled(entry)
    raise BridgeError("the agreement of this form is not in use any more")
