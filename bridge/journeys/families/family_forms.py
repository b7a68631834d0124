"""What a district's office sees of a student's forms: each answer, how it was signed, who differs.

INVARIANT: these are the district's own forms. What a minor signed, or what speaks of care given on
a minor's own consent, is the provider's, and leaves no trace here: neither a row, nor a count, nor
an answer that differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement
from bridge.journeys.families.ask_family import name_asked
from bridge.journeys.families.record_releases import end_with_alike
from bridge.journeys.families.record_verbal import VerbalPermission, opened
from bridge.journeys.families.request_standing import standing_of
from bridge.journeys.families.sign_release import agreement_of, today_of
from bridge.journeys.families.stop_contact import Reached, reached
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import StudentEntry, student_of_id
from bridge.store.facts.evidence import lock_students
from bridge.store.facts.families import SigningRequest, requests_of_student, verbal_of
from bridge.store.facts.releases import KeptRelease, forms, releases_of
from bridge.store.facts.signatures import KeptSignature, invalid, signatures
from bridge.store.intake import take_turn
from consent.calendar import eighteenth_birthday
from consent.disputes import disputes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one person to one part of a form.

    Attributes:
        discloser: the party whose part it is.
        state: ``in-force``, ``refused``, ``pending``, ``withdrawn``, ``invalid`` or ``ended``.
        method: ``paper``, ``in-person`` or ``online``; "" where it came with a file.
        interpreter: role of who interpreted; "" for nobody.
    """

    id: str
    discloser: str
    signer: str = field(repr=False)
    relationship: str
    signed_on: date | None
    state: str
    ended_on: date | None
    method: str
    lang: str
    interpreter: str


@dataclass(frozen=True, slots=True)
class AskedOnline:
    """What one person was asked to sign online.

    Attributes:
        who: as the office named the person; "" where it does not open under this secret.
        standing: a word of :mod:`bridge.journeys.families.request_standing`.
    """

    made_at: datetime
    who: str = field(repr=False)
    standing: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The forms of one student under one agreement.

    Attributes:
        differ: people who may sign answered differently, counting the latest of each.
        held: what they differ about is held, by the agreement's own choice.
        requests: what people were asked to sign online, the oldest first.
        people: who was asked to sign, and how they are reached.
    """

    answers: tuple[Answer, ...]
    differ: bool
    held: bool
    said: tuple[VerbalPermission, ...]
    requests: tuple[AskedOnline, ...]
    people: tuple[Reached, ...]


def forms_overview(parts: Parts, parties: tuple[str, str], student: StudentEntry) -> Overview:
    """Return the forms of a student, the latest first.

    Raises:
        BridgeError: there is no agreement.
    """
    with read(parts.engine) as connection:
        agreement = agreement_of(connection, parties)
        kept = _own(connection, agreement, student)
        found = [*disputes(forms(_latest(kept)), agreement.template)]
        verbal = [v for v in verbal_of(connection, [student.id]) if v.agreement_id == agreement.id]
        asked = [
            request
            for request in requests_of_student(connection, student.id)
            if request.agreement_id == agreement.id
        ]
        people = reached(connection, parts, asked)
        online = tuple(_asked(connection, parts, each) for each in asked)
        answers = _answers(connection, kept, today_of(agreement, parts.clock.now()))
    return Overview(
        answers=answers,
        differ=bool(found),
        held=any(each.held for each in found),
        said=tuple(said for each in verbal if (said := opened(parts, each))),
        requests=online,
        people=people,
    )


def withdraw_for_family(
    parts: Parts, parties: tuple[str, str], student: StudentEntry, release_id: str
) -> None:
    """Take back a form for a person of the family who asks the office to.

    Whatever else the same person signed for the same part is taken back with it.

    Raises:
        BridgeError: the office has no such form in force.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement = agreement_of(connection, parties)
        lock_students(connection, [student.id], share=False)
        there = [k for k in _own(connection, agreement, student) if k.form.revoked_at is None]
        asked = next((kept for kept in there if kept.id == release_id), None)
        if asked is None:
            raise BridgeError("there is no such form in force")
        end_with_alike(connection, parts, asked, there)


def _asked(connection: Connection, parts: Parts, request: SigningRequest) -> AskedOnline:
    who, standing = name_asked(parts, request), standing_of(connection, parts, request)
    return AskedOnline(request.made_at, who, standing)


def student_here(parts: Parts, lea: str, student_id: str) -> StudentEntry | None:
    """Return a student of a district by the register's own id, or None."""
    with read(parts.engine) as connection:
        found = student_of_id(connection, student_id)
    return found if found is not None and found.lea == lea else None


def _own(
    connection: Connection, agreement: CompiledAgreement, student: StudentEntry
) -> list[KeptRelease]:
    return [
        kept
        for kept in releases_of(connection, student.id)
        if kept.agreement_id == agreement.id and not _is_a_minors(kept, student)
    ]


def _is_a_minors(kept: KeptRelease, student: StudentEntry) -> bool:
    form = kept.form
    adult = eighteenth_birthday(student.birth_date)
    young = form.signed_on is None or form.signed_on < adult
    students = "ONESELF" in (form.signer_relationship, form.cosigner_relationship)
    return form.minor_consented or form.form == "minor" or (students and young)


def _latest(kept: Sequence[KeptRelease]) -> list[KeptRelease]:
    """Return the latest answer of each person to each part; what ended does not count."""
    found: dict[tuple[Any, ...], KeptRelease] = {}
    for each in kept:
        form = each.form
        if form.revoked_at is None:
            who = tuple(str(form.signer).casefold().split())
            found[(who, form.discloser, form.recipient, form.referral)] = each
    return list(found.values())


def _answers(
    connection: Connection, kept: Sequence[KeptRelease], today: date
) -> tuple[Answer, ...]:
    ids = [each.id for each in kept]
    signed, wrong = signatures(connection, ids), invalid(connection, ids)
    latest = sorted(kept, key=lambda each: each.form.recorded_at, reverse=True)
    return tuple(
        _answer(each, signed.get(each.id), today, wrong=each.id in wrong) for each in latest
    )


def _answer(
    kept: KeptRelease, signature: KeptSignature | None, today: date, *, wrong: bool
) -> Answer:
    form = kept.form
    body: Mapping[str, Any] = orjson.loads(signature.body) if signature else {}
    return Answer(
        id=kept.id,
        discloser=form.discloser or ("provider" if form.recipient == "lea" else "lea"),
        signer=form.signer or "",
        relationship=form.signer_relationship or "",
        signed_on=form.signed_on,
        state=_state(kept, today, wrong=wrong),
        ended_on=form.revoked_at.date() if form.revoked_at else None,
        method=signature.method if signature else "",
        lang=str(body.get("lang", "")),
        interpreter=str((body.get("interpreter") or {}).get("role", "")),
    )


def _state(kept: KeptRelease, today: date, *, wrong: bool) -> str:
    form = kept.form
    if wrong:
        return "invalid"
    if form.revoked_at is not None:
        return "withdrawn"
    if form.answer != "signed":
        return form.answer
    return "ended" if form.expires_on and form.expires_on < today else "in-force"
