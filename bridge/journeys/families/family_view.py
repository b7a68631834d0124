"""What a person of a family sees and does once they proved who they are.

They see the form they are asked to sign, what they signed themselves, and who was given what. What
another person of the family answered is not theirs to see here.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate.released import ReleasedAccount
from bridge.journeys.families.account_for import account_for
from bridge.journeys.families.record_releases import end_with_alike
from bridge.journeys.families.sign_online import Opened, proved
from bridge.journeys.families.sign_release import Asked, agreement_by_id, issued
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import student_of_id
from bridge.store.facts.evidence import lock_students
from bridge.store.facts.families import settle_request
from bridge.store.facts.releases import KeptRelease, releases_of
from bridge.store.facts.signatures import invalid, text_of
from bridge.store.intake import take_turn
from consent.forms import FormKind, ReleaseForm

OVER: str = "the time is over; open the link again"


@dataclass(frozen=True, slots=True)
class OwnForm:
    """One part of a form that this person answered.

    Attributes:
        discloser: the party whose part it is.
        state: ``in-force``, ``refused``, ``withdrawn``, ``invalid`` or ``ended``.
    """

    id: str
    discloser: str
    recipient: str
    signed_on: date
    state: str
    ended_on: date | None = None


def form_asked(parts: Parts, proof: str, lang: str) -> tuple[ReleaseForm, Opened]:
    """Return the form a person is asked to sign, in a language; what is shown is what is signed.

    Raises:
        BridgeError: the proof ended, or the agreement is not in use any more.
    """
    opened = _opened(parts, proof)
    with write(parts.engine) as connection:
        agreement = agreement_by_id(connection, opened.request.agreement_id)
        before = text_of(connection, opened.request.text_digest)
        kind, last = (FormKind(before.kind), before.ends_on) if before else (FormKind.SHARE, None)
        form = issued(connection, parts, agreement, Asked(kind, lang, last))
        if form.digest != opened.request.text_digest and not opened.request.ended:
            settle_request(connection, opened.request.handle, {"text_digest": form.digest})
    return form, opened


def own_forms(parts: Parts, proof: str) -> list[OwnForm]:
    """Return what a person answered about the student, the latest first.

    Raises:
        BridgeError: the proof ended.
    """
    opened = _opened(parts, proof)
    with read(parts.engine) as connection:
        mine = _mine(connection, opened)
        ended = invalid(connection, [kept.id for kept in mine])
    today = parts.clock.now().date()
    latest = sorted(mine, key=lambda kept: kept.form.recorded_at, reverse=True)
    return [_own(kept, today, wrong=kept.id in ended) for kept in latest]


def withdraw_own(parts: Parts, proof: str, release_id: str) -> None:
    """Take back what a person signed; it counts from now on.

    Whatever else the same person signed for the same part is taken back with it: who says stop
    does not know of an earlier form that would go on.

    Raises:
        BridgeError: the proof ended, or the form is not this person's, or not in force.
    """
    opened = _opened(parts, proof)
    with write(parts.engine) as connection:
        take_turn(connection)
        lock_students(connection, [opened.request.student_id], share=False)
        mine = [each for each in _mine(connection, opened) if each.form.revoked_at is None]
        asked = next((each for each in mine if each.id == release_id), None)
        if asked is None:
            raise BridgeError("there is no such form of yours in force")
        end_with_alike(connection, parts, asked, mine)


def own_account(parts: Parts, proof: str) -> ReleasedAccount:
    """Release to a person who was given what about the student.

    Raises:
        BridgeError: the proof ended, or this person may not see it.
    """
    opened = _opened(parts, proof)
    with read(parts.engine) as connection:
        student = student_of_id(connection, opened.request.student_id)
    if student is None or opened.member.relationship == "OTHER":
        raise BridgeError("there is no such list for this asker")
    kind = "student" if opened.member.relationship == "ONESELF" else "guardian"
    return account_for(parts, student.lea, student.local_key, (kind, opened.member.name))


def _opened(parts: Parts, proof: str) -> Opened:
    opened = proved(parts, proof)
    if opened is None:
        raise BridgeError(OVER)
    return opened


def _mine(connection: Connection, opened: Opened) -> list[KeptRelease]:
    name = opened.member.name.casefold().split()
    return [
        kept
        for kept in releases_of(connection, opened.request.student_id)
        if str(kept.form.signer).casefold().split() == name
        and kept.form.signer_relationship == opened.member.relationship
        and kept.agreement_id == opened.request.agreement_id
        and kept.form.answer != "pending"
        and kept.form.signed_on is not None
    ]


def _own(kept: KeptRelease, today: date, *, wrong: bool) -> OwnForm:
    form = kept.form
    ended = form.revoked_at.date() if form.revoked_at else None
    if wrong:
        state = "invalid"
    elif ended:
        state = "withdrawn"
    elif form.answer == "refused":
        state = "refused"
    else:
        state = "ended" if form.expires_on and form.expires_on < today else "in-force"
    signed = form.signed_on or today
    return OwnForm(
        kept.id, form.discloser or "lea", form.recipient or "provider", signed, state, ended
    )
