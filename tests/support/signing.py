"""Acts of signing, for tests. Every person is made up."""

from dataclasses import replace
from datetime import date

from bridge.journeys.families.sign_release import Asked, issue_form, keep_paper
from bridge.journeys.families.signature_record import Act, Authenticated, Interpreter, Method
from consent.forms import FormKind, ReleaseForm
from tests.support.worlds import HARBOR, LEA, World

PARTIES = (LEA, HARBOR)
TODAY = date(2026, 10, 15)
SCAN = ("application/pdf", b"%PDF-1.7 made up")
BOTH = {"lea": True, "provider": True}
INTERPRETER = Interpreter("telephone-interpreter", "Ivo Made-Up", "Portuguese", TODAY, "Line Co")


def issued(world: World, lang: str = "en", kind: FormKind = FormKind.SHARE) -> ReleaseForm:
    return issue_form(world.parts, PARTIES, Asked(kind, lang))


def in_person(form: ReleaseForm, **changes: object) -> Act:
    act = Act(
        method=Method.IN_PERSON,
        signer="Max Winterbourne",
        relationship="FTH",
        answers=BOTH,
        text_digest=form.digest,
        signed_on=TODAY,
        authenticated=Authenticated("identity-document", "staff:counselor-1"),
        approved=True,
    )
    return replace(act, **changes)  # type: ignore[arg-type] # fields as a case changes them


def on_paper(world: World, form: ReleaseForm, **changes: object) -> Act:
    scan = keep_paper(world.parts, PARTIES, "1001", SCAN)
    seen = Authenticated("known-to-staff", "staff:counselor-1")
    paper = in_person(form, method=Method.PAPER, authenticated=seen, approved=False, upload=scan)
    return replace(paper, **changes)  # type: ignore[arg-type] # fields as a case changes them
