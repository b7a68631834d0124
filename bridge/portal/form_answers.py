"""What staff answered about a family's signature, carried out by the journeys."""

from datetime import date
from typing import Final

from bridge.errors import BridgeError
from bridge.journeys.families.ask_family import FamilyMember, Link, ask_to_sign
from bridge.journeys.families.record_verbal import VerbalPermission, record_verbal
from bridge.journeys.families.sign_release import Asked, issue_form, keep_paper, record_signature
from bridge.journeys.families.signature_record import Act, Authenticated, Method
from bridge.outbound.texts import number_of
from bridge.portal.form_questions import AGREED, CHECK, interpreter_of
from bridge.portal.forms import Filled
from bridge.portal.visits import Visit
from bridge.store.directory import StudentEntry
from consent.forms import FormKind

About = tuple[StudentEntry, tuple[str, str]]
_SHORTEST_CHECK: Final = 8
_KINDS: Final = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
}


def paper(visit: Visit, about: About, filled: Filled) -> None:
    """Record a signed paper.

    Raises:
        BridgeError: it is no signature, or the paper is not the one whose check number it says.
    """
    student, parties = about
    last = date.fromisoformat(filled.text("ends_on"))
    asked = Asked(FormKind.SHARE, filled.text("spoken"), last)
    form = issue_form(visit.parts, parties, asked)
    typed = filled.text("check").lower()
    if len(typed) < _SHORTEST_CHECK or not form.digest.startswith(typed):
        raise BridgeError(CHECK)
    signed_on = date.fromisoformat(filled.text("signed_on"))
    content = filled.files["scan"].content
    kind = next((name for begins, name in _KINDS.items() if content.startswith(begins)), "")
    scan = keep_paper(visit.parts, parties, student.local_key, (kind, content))
    parts = [passing.discloser for passing in form.passings]
    act = Act(
        method=Method.PAPER,
        signer=filled.text("signer"),
        relationship=filled.text("relationship"),
        authority=filled.text("authority"),
        answers={name: filled.text(name) == "yes" for name in parts},
        text_digest=form.digest,
        signed_on=signed_on,
        authenticated=Authenticated(filled.text("how"), visit.staff.client_id),
        upload=scan,
        interpreter=interpreter_of(filled, signed_on),
    )
    record_signature(visit.parts, parties, student.local_key, act)


def verbal(visit: Visit, about: About, filled: Filled) -> None:
    """Record what was said.

    Raises:
        BridgeError: something is missing or lies ahead.
    """
    student, parties = about
    given_on = date.fromisoformat(filled.text("given_on"))
    said = VerbalPermission(
        who=filled.text("signer"),
        relationship=filled.text("relationship"),
        how=filled.text("how"),
        staff=visit.staff.client_id,
        lang=filled.text("spoken"),
        given_on=given_on,
        authority=filled.text("authority"),
        interpreter=interpreter_of(filled, given_on),
    )
    record_verbal(visit.parts, parties, student.local_key, said)


def link_of(visit: Visit, about: About, filled: Filled) -> Link:
    """Ask a person to sign online.

    Raises:
        ContactStoppedError: the person asked not to be contacted, and it was not said otherwise.
        BridgeError: there is no address, or link and code would go one way.
    """
    student, parties = about
    lang, channel = filled.text("spoken"), filled.text("channel")
    number = filled.text("number")
    member = FamilyMember(
        name=filled.text("signer"),
        relationship=filled.text("relationship"),
        channel=channel,
        lang=lang,
        student_name=filled.text("student_name"),
        code_by=visit.staff.client_id,
        code_via=filled.text("via"),
        address=number_of(number) or number if channel == "sms" else filled.text("address"),
        authority=filled.text("authority"),
    )
    asked = (member, Asked(FormKind.SHARE, lang))
    anew = AGREED in filled.several("anew")
    return ask_to_sign(visit.parts, parties, student.local_key, asked, anew=anew)
