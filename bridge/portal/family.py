"""The family's side: open a link with a code, read and sign a form, see it, take it back.

Pages of the family's room: no account, no name in an address, a way to leave at once. The proof of
who it is stands in a cookie for half an hour.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from bridge.context import BridgeOf
from bridge.errors import BridgeError
from bridge.gate.released import ReleasedAccount
from bridge.journeys.families.family_view import (
    form_asked,
    own_account,
    own_forms,
    withdraw_own,
)
from bridge.journeys.families.sign_online import is_open, prove, proved, sign_online
from bridge.portal.account_page import account_words
from bridge.portal.forms import Field, Filled, Kind, Option, Problem, Questions
from bridge.portal.languages import moment_in, say
from bridge.portal.posted import Form, posted_under
from bridge.portal.release_paper import groups, paper_pdf
from bridge.portal.visits import AnyoneOf, Visit, keep_cookie
from consent.forms import ReleaseForm

router = APIRouter(prefix="/portal/family")

PROOF: Final = "schoolbridge_family"
ELSEWHERE: Final = "https://www.weather.gov/"
_HALF_AN_HOUR: Final = 1800
_WRONG: Final = say("That code does not work. Look at it again, or call the office.")
_OVER_TITLE: Final = say("This link does not work any more")
_OVER: Final = say("Call the office that gave you the link. You can have the form on paper too.")
CODE: Final = Questions(
    say("Enter your code"),
    (
        Field(
            "code",
            say("Your code"),
            hint=say("We told you the code. It has 8 letters and numbers."),
            missing=_WRONG,
            autocomplete="one-time-code",
        ),
    ),
)
_AGREES: Final = say("I read this form, or it was read to me. This is my answer. I sign it.")


def family_visit(visit: AnyoneOf, request: Request) -> Visit:
    """Return the visit of somebody of a family, whoever it is."""
    proof = request.cookies.get(PROOF, "")
    return replace(visit, room="family", session=proof, caller=None)


FamilyOf = Annotated[Visit, Depends(family_visit)]


async def family_form(request: Request, bridge: BridgeOf) -> Form:
    """Return a form sent from a page of the family's room.

    Raises:
        FromElsewhere: another site made the browser send it.
        TooMuchSent: it is larger than any form of ours.
    """
    return await posted_under(request, bridge, PROOF)


FamilyFormOf = Annotated[Form, Depends(family_form)]


@router.get("/form")
def read_form(visit: FamilyOf) -> Response:
    """Show the form a person is asked to sign."""
    return _form_page(visit)


@router.post("/form")
def sign_form(visit: FamilyOf, sent: FamilyFormOf) -> Response:
    """Sign it, if every part is answered and the text is the one that was shown."""
    visit = visit.speaking(sent.language)
    try:
        form, opened = form_asked(visit.parts, visit.session, visit.lang)
    except BridgeError:
        return _over(visit)
    filled = _questions(form).read(sent)
    if sent.language:
        return _form_page(visit, 200, replace(filled, problems={}))
    if not filled.problems and sent.one("check") != form.digest:
        changed = say("The form has changed. Read it again before you sign.")
        filled = replace(filled, problems={"approve": Problem(changed)})
    if filled.problems:
        return _form_page(visit, 422, filled)
    answers = {p.discloser: filled.text(p.discloser) == "yes" for p in form.passings}
    if not opened.request.ended:
        sign_online(visit.parts, visit.session, answers, approved=True)
    return visit.go("/portal/family/signed")


@router.get("/signed")
def signed(visit: FamilyOf) -> Response:
    """Tell what a person answered, and what can be done about it."""
    return _signed_page(visit)


@router.get("/withdraw/{release_id}")
def ask_withdraw(release_id: str, visit: FamilyOf) -> Response:
    """Ask once more before something is taken back."""
    return _withdraw_page(visit, release_id)


@router.post("/withdraw/{release_id}")
def withdraw(release_id: str, visit: FamilyOf, sent: FamilyFormOf) -> Response:
    """Take back what a person signed."""
    if sent.language:
        return _withdraw_page(visit.speaking(sent.language), release_id)
    try:
        withdraw_own(visit.parts, visit.session, release_id)
    except BridgeError:
        return _over(visit)
    return visit.go("/portal/family/signed")


@router.get("/account")
def account(visit: FamilyOf) -> Response:
    """Show who was given what about the student."""
    try:
        released = own_account(visit.parts, visit.session)
    except BridgeError:
        return _over(visit)
    return account_of_family(released, visit)


@router.get("/paper")
def paper(visit: FamilyOf) -> Response:
    """Give the form as a PDF to keep or to print: with the answers, once there are some."""
    try:
        form, opened = form_asked(visit.parts, visit.session, visit.lang)
        own = own_forms(visit.parts, visit.session)
    except BridgeError:
        return _over(visit)
    filled = {"student": opened.member.student_name}
    for each in own if opened.request.ended else ():
        answer = "no" if each.state == "refused" else "yes"
        filled |= {f"{each.discloser}-{answer}": "x", "signer": opened.member.name}
        filled |= {"signed_on": each.signed_on.isoformat()}
    name = {"Content-Disposition": 'inline; filename="form.pdf"'}
    return Response(paper_pdf(form, filled), headers=name, media_type="application/pdf")


@router.get("/leave")
def leave(visit: FamilyOf) -> Response:
    """Go to a page that tells nothing, and leave nothing behind that would open a page here."""
    answer = visit.go(ELSEWHERE)
    answer.headers["Clear-Site-Data"] = '"cache"'
    answer.delete_cookie(PROOF, path="/portal")
    return answer


@router.get("/{token}")
def open_link(token: str, visit: FamilyOf) -> Response:
    """Ask for the code; the page names nobody."""
    if not is_open(visit.parts, token):
        return _over(visit)
    return _code_page(visit)


@router.post("/{token}")
def enter_code(token: str, visit: FamilyOf, sent: FamilyFormOf) -> Response:
    """Exchange link and code for half an hour."""
    if sent.language:
        return _code_page(visit.speaking(sent.language))
    filled = CODE.read(sent)
    if filled.problems:  # nothing was typed: that is no wrong code
        return _code_page(visit, 422, filled) if is_open(visit.parts, token) else _over(visit)
    proof = prove(visit.parts, token, filled.text("code"))
    opened = proved(visit.parts, proof) if proof else None
    if proof is None or opened is None:
        if not is_open(visit.parts, token):
            return _over(visit)
        return _code_page(visit, 422, Filled({}, {"code": Problem(_WRONG)}))
    answer = visit.go(f"/portal/family/form?language={opened.member.lang}")
    keep_cookie(answer, visit.bridge, PROOF, proof, _HALF_AN_HOUR)
    return answer


def account_of_family(released: ReleasedAccount, visit: Visit) -> Response:
    """Return the list; takes only what the gate released."""
    words = account_words(visit.lang)

    def word(key: str) -> str:
        return words.get(key, key.partition(":")[2] or key)

    def moment(at: datetime) -> str:
        return moment_in(visit.lang, at, released.tz)

    return visit.page(
        "family-account.html", account=released, say=word, moment=moment, day=visit.day
    )


def _code_page(visit: Visit, status: int = 200, filled: Filled | None = None) -> Response:
    filled, button = filled or Filled({}), visit.say(say("Continue"))
    return visit.page(
        "question.html", status, questions=CODE, filled=filled, button=button, back="", step=""
    )


def _form_page(visit: Visit, status: int = 200, filled: Filled | None = None) -> Response:
    try:
        form, opened = form_asked(visit.parts, visit.session, visit.lang)
    except BridgeError:
        return _over(visit)
    if opened.request.ended:
        return _signed_page(visit)
    return visit.page(
        "family-form.html",
        status,
        release=form,
        member=opened.member,
        questions=_questions(form),
        filled=filled or Filled({}),
        groups=groups,
    )


def _questions(form: ReleaseForm) -> Questions:
    lines = [line for section in form.sections for line in section.lines]
    words = {line.name: line.text for line in lines if line.shape == "choice"}
    headings = {section.id: section.heading for section in form.sections}
    parts = tuple(
        Field(
            passing.discloser,
            headings[f"passing-{passing.discloser}"],
            Kind.RADIOS,
            options=tuple(Option(a, words[f"{passing.discloser}-{a}"]) for a in YES_NO),
            missing=say("Say yes or no to each part."),
        )
        for passing in form.passings
    )
    approve = Field(
        "approve",
        say("Sign"),
        Kind.CHECKBOXES,
        options=(Option("yes", _AGREES),),
        missing=say("Tick the box to sign."),
    )
    return Questions(say("Your answer"), (*parts, approve))


YES_NO: Final = ("yes", "no")


def _signed_page(visit: Visit) -> Response:
    try:
        form, opened = form_asked(visit.parts, visit.session, visit.lang)
        own = own_forms(visit.parts, visit.session)
    except BridgeError:
        return _over(visit)
    headings = {section.id: section.heading for section in form.sections}
    asked = not opened.request.ended
    return visit.page("family-signed.html", own=own, headings=headings, asked=asked)


def _withdraw_page(visit: Visit, release_id: str) -> Response:
    try:
        found = next((o for o in own_forms(visit.parts, visit.session) if o.id == release_id), None)
        form, _ = form_asked(visit.parts, visit.session, visit.lang)
    except BridgeError:
        return _over(visit)
    if found is None or found.state not in ("in-force", "refused"):
        return _over(visit)
    headings = {section.id: section.heading for section in form.sections}
    return visit.page("family-withdraw.html", heading=headings[f"passing-{found.discloser}"])


def _over(visit: Visit) -> Response:
    return visit.page("family-over.html", 404, title=_OVER_TITLE, text=_OVER)
