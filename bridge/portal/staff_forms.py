"""What staff do about a family's forms: record a paper, what was said, ask online, take back.

A student stands in an address by the register's own id, which tells nothing. These pages are for
whoever the agreement lets see what becomes of a referral.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from bridge.errors import BridgeError
from bridge.gate import agreements_of
from bridge.gate.agreements import CompiledAgreement
from bridge.journeys.families.ask_family import NOTHING, ContactStoppedError
from bridge.journeys.families.family_forms import (
    forms_overview,
    student_here,
    withdraw_for_family,
)
from bridge.journeys.families.sign_release import Asked, issue_form
from bridge.journeys.families.stop_contact import stop_contact
from bridge.portal.form_answers import About, link_of, paper, verbal
from bridge.portal.form_questions import (
    INTERPRETER_ROLES,
    PAPER,
    RELATIONS,
    STOPPED,
    VERBAL,
    asking,
    find,
    place_of,
    told,
)
from bridge.portal.forms import Filled, Option, Problem, Questions
from bridge.portal.languages import say
from bridge.portal.posted import Form, FormOf
from bridge.portal.refusals import NotHere
from bridge.portal.release_paper import paper_pdf
from bridge.portal.visits import StaffOf, Visit
from bridge.store.database.engine import read
from bridge.store.directory import organizations, student_of_key
from bridge.store.referrals import student_of_number
from consent.forms import FormKind

router = APIRouter(prefix="/portal/forms")

StudentId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Provider = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
NO_STUDENT: Final = say("No student of the district has that number.")


@router.get("")
def find_page(visit: StaffOf) -> Response:
    """Ask for which student and which provider."""
    return _find_page(visit)


@router.post("")
def find_student(visit: StaffOf, sent: FormOf) -> Response:
    """Go to the forms of a student."""
    if sent.language:
        return _find_page(visit.speaking(sent.language), 200, _typed(_find(visit), sent))
    filled = _find(visit).read(sent)
    with read(visit.bridge.engine) as connection:
        number = filled.text("number")
        student = student_of_key(connection, visit.staff.organization, number)
    if not filled.problems and student is None:
        filled = replace(filled, problems={"number": Problem(NO_STUDENT)})
    if filled.problems or student is None:
        return _find_page(visit, 422, filled)
    return visit.go(f"/portal/forms/{student.id}/{filled.text('provider')}")


@router.get("/{student_id}/{provider}")
def overview(student_id: StudentId, provider: Provider, visit: StaffOf) -> Response:
    """Show what each person answered, and what was said and asked."""
    student, parties = _about(visit, student_id, provider)
    found = forms_overview(visit.parts, parties, student)
    with read(visit.bridge.engine) as connection:
        names = {"lea": parties[0], "provider": parties[1]}
        names = {role: organizations(connection)[key].name for role, key in names.items()}
    return visit.page(
        "family-forms.html",
        found=found,
        names=names,
        number=student.local_key,
        relations={option.value: option.label for option in RELATIONS},
        interpreters=INTERPRETER_ROLES,
        here=visit.path,
    )


@router.get("/{student_id}/{provider}/blank-{lang}")
def blank(student_id: StudentId, provider: Provider, lang: str, visit: StaffOf) -> Response:
    """Give the form as a PDF to print."""
    _, parties = _about(visit, student_id, provider)
    try:
        form = issue_form(visit.parts, parties, Asked(FormKind.SHARE, lang))
    except BridgeError:
        raise NotHere from None
    name = {"Content-Disposition": f'inline; filename="form-{lang}.pdf"'}
    return Response(paper_pdf(form), headers=name, media_type="application/pdf")


@router.get("/{student_id}/{provider}/paper")
def paper_page(student_id: StudentId, provider: Provider, visit: StaffOf) -> Response:
    """Ask what stands on a signed paper."""
    _about(visit, student_id, provider)
    return _asked(visit, PAPER)


@router.post("/{student_id}/{provider}/paper")
def record_paper(
    student_id: StudentId, provider: Provider, visit: StaffOf, sent: FormOf
) -> Response:
    """Record a signed paper with its scan."""
    about = _about(visit, student_id, provider)
    return _recorded(visit, PAPER, sent, lambda filled: paper(visit, about, filled))


@router.get("/{student_id}/{provider}/verbal")
def verbal_page(student_id: StudentId, provider: Provider, visit: StaffOf) -> Response:
    """Ask what was said."""
    _about(visit, student_id, provider)
    return _asked(visit, VERBAL)


@router.post("/{student_id}/{provider}/verbal")
def record_said(
    student_id: StudentId, provider: Provider, visit: StaffOf, sent: FormOf
) -> Response:
    """Record what was said; it releases nothing."""
    about = _about(visit, student_id, provider)
    return _recorded(visit, VERBAL, sent, lambda filled: verbal(visit, about, filled))


@router.get("/{student_id}/{provider}/ask")
def ask_page(student_id: StudentId, provider: Provider, visit: StaffOf) -> Response:
    """Ask whom to ask, and by which ways."""
    _about(visit, student_id, provider)
    return _asked(visit, _asking(visit))


@router.post("/{student_id}/{provider}/ask")
def ask(student_id: StudentId, provider: Provider, visit: StaffOf, sent: FormOf) -> Response:
    """Ask a person to sign online; the code is shown this once."""
    about = _about(visit, student_id, provider)
    questions = _asking(visit, stopped="anew" in sent.values)
    if sent.language:
        return _asked(visit.speaking(sent.language), questions, 200, _typed(questions, sent))
    filled = questions.read(sent)
    try:
        link = None if filled.problems else link_of(visit, about, filled)
    except ContactStoppedError:
        questions, link = _asking(visit, stopped=True), None
        filled = replace(questions.read(sent), problems={"anew": Problem(STOPPED)})
    except BridgeError as error:
        place = place_of(error, filled.text("channel"))
        filled = replace(filled, problems={place: Problem(told(error))})
        link = None
    if link is None:
        return _asked(visit, questions, 422, filled)
    place = f"{visit.bridge.settings.base_url}/portal/family/{link.token}"
    letter = place if filled.text("channel") == "letter" else ""
    return visit.page("family-asked.html", code=link.code, link=letter, back=_over(visit))


@router.get("/{student_id}/{provider}/withdraw/{release_id}")
def ask_withdraw(
    student_id: StudentId, provider: Provider, release_id: str, visit: StaffOf
) -> Response:
    """Ask once more before a form is taken back."""
    student, parties = _about(visit, student_id, provider)
    answers = forms_overview(visit.parts, parties, student).answers
    found = next((a for a in answers if a.id == release_id), None)
    if found is None or found.state not in ("in-force", "refused"):
        raise NotHere
    return visit.page("family-forms-withdraw.html", answer=found, back=_over(visit, 2))


@router.post("/{student_id}/{provider}/withdraw/{release_id}")
def withdraw(
    student_id: StudentId, provider: Provider, release_id: str, visit: StaffOf, _form: FormOf
) -> Response:
    """Take a form back for a person of the family."""
    student, parties = _about(visit, student_id, provider)
    try:
        withdraw_for_family(visit.parts, parties, student, release_id)
    except BridgeError:
        raise NotHere from None
    return visit.go(_over(visit, 2))


@router.get("/{student_id}/{provider}/quiet/{contact_id}")
def ask_quiet(
    student_id: StudentId, provider: Provider, contact_id: StudentId, visit: StaffOf
) -> Response:
    """Ask once more before a person is contacted no more."""
    student, parties = _about(visit, student_id, provider)
    people = forms_overview(visit.parts, parties, student).people
    found = next((each for each in people if each.id == contact_id), None)
    if found is None or found.channel == NOTHING:
        raise NotHere
    return visit.page("family-forms-quiet.html", person=found, back=_over(visit, 2))


@router.post("/{student_id}/{provider}/quiet/{contact_id}")
def quiet(
    student_id: StudentId, provider: Provider, contact_id: StudentId, visit: StaffOf, _form: FormOf
) -> Response:
    """Contact a person no more."""
    student, _ = _about(visit, student_id, provider)
    try:
        stop_contact(visit.parts, student.id, contact_id)
    except BridgeError:
        raise NotHere from None
    return visit.go(_over(visit, 2))


def may_see_forms(visit: Visit) -> bool:
    """Tell whether a person has the forms of any family to look after."""
    return bool(_agreements(visit))


def place_of_forms(visit: Visit, provider: str, number: str) -> str:
    """Return where the forms of a referral's student stand; "" where the person may not see them.

    Args:
        visit: of the person.
        provider: short name of the provider it went to.
        number: the district's number of the referral.
    """
    bound = {each.id for each in _agreements(visit) if each.entry.provider == provider}
    if not bound:
        return ""
    with read(visit.bridge.engine) as connection:
        student = student_of_number(connection, bound, number)
    return f"/portal/forms/{student}/{provider}" if student else ""


def _about(visit: Visit, student_id: str, provider: str) -> About:
    """Return the student and the parties of an address.

    Raises:
        NotHere: there is no such student or agreement for this person's district and role.
    """
    lea = visit.staff.organization
    student = student_here(visit.parts, lea, student_id)
    if student is None or provider not in {a.entry.provider for a in _agreements(visit)}:
        raise NotHere
    return student, (lea, provider)


def _asking(visit: Visit, *, stopped: bool = False) -> Questions:
    return asking(texts=visit.bridge.settings.text is not None, stopped=stopped)


def _agreements(visit: Visit) -> list[CompiledAgreement]:
    """Return the agreements under which a person may see what becomes of a referral."""
    with read(visit.bridge.engine) as connection:
        bound = agreements_of(connection, "lea", visit.staff.organization)
    return [each for each in bound if visit.staff.role in _follow(each)]


def _follow(agreement: CompiledAgreement) -> set[str]:
    flows = (f for f in agreement.agreement.flows if "lea" in f.to and "follow" in f.purposes)
    return {role for flow in flows for role in flow.recipients}


def _find(visit: Visit) -> Questions:
    with read(visit.bridge.engine) as connection:
        names = organizations(connection)
    keys = sorted({each.entry.provider for each in _agreements(visit)})
    if not keys:
        raise NotHere
    return find(tuple(Option(key, names[key].name) for key in keys))


def _find_page(visit: Visit, status: int = 200, filled: Filled | None = None) -> Response:
    return _question(visit, _find(visit), status, filled, "/portal/board")


def _asked(
    visit: Visit, questions: Questions, status: int = 200, filled: Filled | None = None
) -> Response:
    return _question(visit, questions, status, filled, _over(visit))


def _question(
    visit: Visit, questions: Questions, status: int, filled: Filled | None, back: str
) -> Response:
    shown, button = filled or Filled({}), visit.say(say("Continue"))
    return visit.page(
        "question.html",
        status,
        questions=questions,
        filled=shown,
        back=back,
        button=button,
        step="",
    )


def _recorded(
    visit: Visit, questions: Questions, sent: Form, record: Callable[[Filled], None]
) -> Response:
    """Record what was answered, or show the page again with what is wrong."""
    if sent.language:
        return _asked(visit.speaking(sent.language), questions, 200, _typed(questions, sent))
    filled = questions.read(sent)
    if not filled.problems:
        try:
            record(filled)
        except BridgeError as error:
            first = questions.fields[0].name
            filled = replace(filled, problems={first: Problem(told(error))})
    if filled.problems:
        return _asked(visit, questions, 422, filled)
    return visit.go(_over(visit))


def _typed(questions: Questions, sent: Form) -> Filled:
    """Return what was typed, to be shown again in another language: nothing is wrong yet."""
    return replace(questions.read(sent), problems={})


def _over(visit: Visit, levels: int = 1) -> str:
    """Return the address some levels above this one."""
    return visit.path.rsplit("/", levels)[0]
