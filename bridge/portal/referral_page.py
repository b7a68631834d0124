"""One referral: what happened, what to do, and how to withdraw it or send it again.

INVARIANT: it shows what the board does and the school's own acts and forms, nothing else; what may
be done is offered by what is shown, never by what a provider did unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from bridge.gate import FollowUp, Wanted
from bridge.journeys.partners.reach_unregistered import contacts_of, is_registered
from bridge.journeys.referrals.close_out import Outcome, decided_of
from bridge.journeys.referrals.enter_referral import KIND
from bridge.journeys.referrals.keep_drafts import keep_draft, new_draft
from bridge.journeys.referrals.known_student import known_referral, whole_pages
from bridge.journeys.referrals.own_follow_up import handle_of, may_give
from bridge.journeys.referrals.withdraw_referral import (
    WITHDRAWN_BY_SCHOOL,
    OwnNumber,
    resubmit_referral,
    withdraw_referral,
)
from bridge.journeys.referrals.work_list import ENDED, Placed, finding_provider, sending_forms
from bridge.journeys.referrals.write_note import notes_of
from bridge.portal.board import shown_of
from bridge.portal.close_out_words import OUTCOME_WORDS, REASON_WORDS
from bridge.portal.forms import Field, Filled, Kind, Option, Questions
from bridge.portal.languages import say
from bridge.portal.posted import FormOf
from bridge.portal.refer import next_page
from bridge.portal.refer_questions import NEEDED
from bridge.portal.refusals import NotHere, NotToldApart
from bridge.portal.staff_forms import place_of_forms
from bridge.portal.status_words import DUE_WORDS, ENDED_BY, words_of
from bridge.portal.visits import StaffOf, Visit
from bridge.store.database.engine import read
from consent.mou.terms.parties import PHONE
from consent.signed_release import SignedRelease
from mappings.fhir.task_states import ended_by

router = APIRouter(prefix="/portal/referral")

Key = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
SURE: Final = Questions(
    say("Withdraw the referral?"),
    (
        Field(
            "sure",
            say("Withdraw the referral?"),
            Kind.RADIOS,
            hint=say("The provider is told that the school withdrew it. This cannot be undone."),
            options=(
                Option("yes", say("Yes, withdraw it")),
                Option("no", say("No, keep the referral")),
            ),
            missing=say("Choose yes to withdraw the referral, or no to keep it."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history: the day, a marked text, and whether it holds no longer."""

    day: str
    text: str
    more: str = ""
    over: bool = False


@router.get("/{key}")
def referral(visit: StaffOf, key: Key) -> Response:
    """Show what happened with one referral."""
    one = found(visit, key)
    own = own_number(visit, one.row)
    waits = one.status in ("sent", "received") and bool(one.due)
    reach = contacts_of(visit.bridge, own.lea, own.provider) if waits else {}
    forms = sending_forms(visit.bridge, visit.staff.organization, one.row)
    return visit.page(
        "referral.html",
        one=one,
        key=key,
        events=_events(one, forms, _of_year(visit, one.row)),
        said=words_of(one.status),
        ended_by=ENDED_BY.get(ended_by(one.status), ""),
        due_words=DUE_WORDS,
        notes=notes_of(visit.parts, own),
        phone=reach.get(PHONE, ""),
        reach=sorted({each for function, each in reach.items() if function != PHONE}),
        strangers=waits and not is_registered(visit.bridge, own.provider),
        open=one.status not in ENDED,
        own=handle_of(visit.staff),
        may_give=may_give(visit.staff, one.owner),
        returned=one.status == "returned-incomplete",
        forms=place_of_forms(visit, own.provider, own.number),
    )


@router.get("/{key}/withdraw")
def withdraw(visit: StaffOf, key: Key) -> Response:
    """Ask whether it is meant."""
    found(visit, key)
    return _asked(visit, key, Filled({}))


@router.post("/{key}/withdraw")
def withdraw_post(visit: StaffOf, form: FormOf, key: Key) -> Response:
    """Withdraw a referral; doing it again changes nothing."""
    one = found(visit, key)
    if form.language:
        return _asked(visit.speaking(form.language), key, Filled(SURE.read(form).values))
    filled = SURE.read(form)
    if filled.problems:
        return _asked(visit, key, filled)
    if filled.text("sure") == "yes" and one.status != WITHDRAWN_BY_SCHOOL:
        withdraw_referral(visit.parts, own_number(visit, one.row))
    return visit.go(f"/portal/referral/{key}")


@router.post("/{key}/resubmit")
def resubmit(visit: StaffOf, _form: FormOf, key: Key) -> Response:
    """Tell the provider that what was missing is there."""
    one = found(visit, key)
    if one.status == "returned-incomplete":
        resubmit_referral(visit.parts, own_number(visit, one.row))
    return visit.go(f"/portal/referral/{key}")


@router.post("/{key}/again")
def again(visit: StaffOf, _form: FormOf, key: Key) -> Response:
    """Begin a referral to another provider with what the school said in this one."""
    row = found(visit, key).row
    known = known_referral(visit.bridge, visit.staff, row.referral, row.provider)
    if known is None:
        raise NotHere
    done = {f"done-{page}": "yes" for page in whole_pages(known, NEEDED)}
    draft = replace(new_draft(KIND), values={**known, **done})
    keep_draft(visit.parts, visit.staff, draft)
    return visit.go(f"/portal/refer/{draft.id}/{next_page(draft)}")


def _asked(visit: Visit, key: str, filled: Filled) -> Response:
    status = 422 if filled.problems else 200
    told = {"questions": SURE, "filled": filled, "back": f"/portal/referral/{key}", "step": ""}
    return visit.page("question.html", status, button=visit.say(say("Save")), **told)


def found(visit: Visit, key: str) -> Placed:
    """Return the referral a key stands for.

    Raises:
        NotHere: the signed-in person's district has none.
    """
    for one in shown_of(visit, Wanted(keys=(key,))).rows:
        return one
    raise NotHere


def own_number(visit: Visit, row: FollowUp) -> OwnNumber:
    """Return how a referral that is shown is named by its district.

    Raises:
        NotToldApart: it went to one of two providers of one name, and nothing says to which.
    """
    return own_numbers(visit, [row])[0]


def own_numbers(visit: Visit, rows: Sequence[FollowUp]) -> list[OwnNumber]:
    """Do :func:`own_number` for some."""
    lea = visit.staff.organization
    with read(visit.bridge.engine) as connection:
        find = finding_provider(connection, lea)
        providers = [find(row) for row in rows]
    if "" in providers:
        raise NotToldApart
    return [
        OwnNumber(lea, provider, row.referral)
        for provider, row in zip(providers, rows, strict=True)
    ]


def _of_year(visit: Visit, row: FollowUp) -> list[Event]:
    """Return what was decided of a referral at the end of a year."""
    found = []
    for each in decided_of(visit.parts, own_number(visit, row)):
        day = each.at.date().isoformat()
        if each.follow_up_on:
            until = visit.say(say("until %(day)s")) % {"day": visit.day(each.follow_up_on)}
            found.append(Event(day, say("The school keeps it open"), f"{each.holder}, {until}"))
        else:
            why = REASON_WORDS.get(each.reason) or OUTCOME_WORDS[Outcome(each.outcome)]
            found.append(Event(day, say("The school closed it"), visit.say(why)))
    return found


def _events(one: Placed, forms: list[SignedRelease], of_year: list[Event]) -> list[Event]:
    """Return what happened, the newest first."""
    row = one.row
    found = [Event(row.sent_on, say("The school made the referral"), row.provider), *of_year]
    for form in forms:
        found += _of_form(form)
    if row.status_on:
        found.append(Event(row.status_on, words_of(row.status).line, row.provider))
    return sorted(found, key=lambda event: event.day, reverse=True)


def _of_form(form: SignedRelease) -> list[Event]:
    over = form.revoked_at is not None
    found = []
    if form.answer == "signed" and form.signed_on is not None:
        day = form.signed_on.isoformat()
        found.append(Event(day, say("The family signed a release"), over=over))
    if form.revoked_at is not None:
        day = form.revoked_at.date().isoformat()
        found.append(Event(day, say("The family withdrew its release")))
    return found
