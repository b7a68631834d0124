"""The questions staff answer about a family's signature, and what their answers are called."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from bridge.errors import BridgeError
from bridge.journeys.families.ask_family import ADULT, KEPT_OUT
from bridge.journeys.families.signature_record import INTERPRETERS, Interpreter
from bridge.portal.forms import Answers, Field, Filled, Kind, Option, Questions
from bridge.portal.languages import say

RELATIONS: Final = (
    Option("MTH", say("Mother")),
    Option("FTH", say("Father")),
    Option("GUARD", say("Guardian by law")),
    Option("STPPRN", say("Stepparent")),
    Option("GRPRN", say("Grandparent")),
    Option("PRNFOST", say("Foster parent")),
    Option("ONESELF", say("The student, 18 or older")),
    Option("OTHER", say("Somebody else")),
)
INTERPRETER_ROLES: Final = dict(
    zip(
        INTERPRETERS,
        (
            say("Interpreter of the district"),
            say("Interpreter of an agency"),
            say("Staff qualified to interpret"),
            say("Interpreter by telephone"),
            say("Interpreter by video"),
        ),
        strict=True,
    )
)
NOBODY: Final = "none"
CHECK: Final = say("The check number is not that of this form, in this language, to this last day.")
_YES_NO: Final = (Option("yes", say("Yes")), Option("no", say("No")))
_LANGUAGES: Final = (Option("en", "English"), Option("es", "Español"))
_WHO: Final = (
    Field("signer", say("Name of the person"), missing=say("Enter the name of the person.")),
    Field(
        "relationship",
        say("What is the person to the student?"),
        Kind.SELECT,
        options=RELATIONS,
        missing=say("Choose what the person is to the student."),
    ),
    Field("authority", say("For somebody else: what gives the person the right to sign?")),
)
_INTERPRETER: Final = (
    Field(
        "interpreter",
        say("Did somebody interpret?"),
        Kind.SELECT,
        hint=say("A student, a brother or sister, or a friend may not interpret."),
        options=(
            Option(NOBODY, say("Nobody interpreted")),
            *(Option(role, label) for role, label in INTERPRETER_ROLES.items()),
        ),
        missing=say("Choose whether somebody interpreted."),
    ),
    Field("interpreter_name", say("Name of the interpreter")),
    Field("interpreter_agency", say("Who the interpreter works for")),
    Field("interpreter_language", say("Language it was put into")),
)


def together(answers: Answers) -> Mapping[str, str]:
    """Return what is wrong between the answers."""
    wrong = {}
    if answers.get("relationship") == "OTHER" and not answers.get("authority"):
        wrong["authority"] = say("Say what gives the person the right to sign.")
    if answers.get("interpreter") not in (NOBODY, None):
        for name in ("interpreter_name", "interpreter_language"):
            if not answers.get(name):
                wrong[name] = say("Say who interpreted, and into which language.")
    return wrong


def find(providers: tuple[Option, ...]) -> Questions:
    """Return the questions that find a student's forms."""
    return Questions(
        say("Forms of a family"),
        (
            Field("number", say("Student number"), missing=say("Enter the student number.")),
            Field(
                "provider",
                say("Provider"),
                Kind.RADIOS,
                options=providers,
                missing=say("Choose a provider."),
            ),
        ),
    )


PAPER: Final = Questions(
    say("Record a signed paper form"),
    (
        *_WHO,
        Field(
            "signed_on",
            say("Day it was signed"),
            Kind.DAY,
            missing=say("Enter the day it was signed."),
        ),
        Field(
            "lea",
            say("Part A: from the school to the provider"),
            Kind.RADIOS,
            options=_YES_NO,
            missing=say("Choose the answer on the paper."),
        ),
        Field(
            "provider",
            say("Part B: from the provider to the school"),
            Kind.RADIOS,
            options=_YES_NO,
            missing=say("Choose the answer on the paper."),
        ),
        Field(
            "spoken",
            say("Language of the paper"),
            Kind.RADIOS,
            options=_LANGUAGES,
            missing=say("Choose the language of the paper."),
        ),
        Field(
            "ends_on",
            say("Last day printed on the paper"),
            Kind.DAY,
            missing=say("Enter the last day printed on the paper."),
        ),
        Field(
            "check",
            say("First 8 signs of the check number"),
            hint=say("The check number stands at the end of the paper."),
            missing=say("Enter the first 8 signs of the check number."),
            most=64,
        ),
        Field(
            "how",
            say("How do you know who signed?"),
            Kind.RADIOS,
            options=(
                Option("known-to-staff", say("I know the person and saw them sign")),
                Option("identity-document", say("I saw an identity document")),
                Option("signature-compared", say("I compared the signature with one on file")),
            ),
            missing=say("Choose how you know who signed."),
        ),
        Field(
            "scan",
            say("Scan or photo of the paper"),
            Kind.FILE,
            hint=say("PDF, JPEG or PNG, up to 5 MB."),
            missing=say("Choose the scan or photo of the paper."),
        ),
        *_INTERPRETER,
    ),
    together,
)
VERBAL: Final = Questions(
    say("Record what the family said"),
    (
        *_WHO,
        Field(
            "given_on",
            say("Day it was said"),
            Kind.DAY,
            missing=say("Enter the day it was said."),
        ),
        Field(
            "how",
            say("How was it said?"),
            Kind.RADIOS,
            options=(
                Option("phone", say("By telephone")),
                Option("in-person", say("In person")),
                Option("video", say("By video")),
            ),
            missing=say("Choose how it was said."),
        ),
        Field("spoken", say("Language it was said in"), missing=say("Enter the language.")),
        *_INTERPRETER,
    ),
    together,
)
BY_TEXT: Final = Option("sms", say("By text message"))
ASK: Final = Questions(
    say("Ask for a signature online"),
    (
        Field(
            "student_name",
            say("Name of the student, as it is to stand on the form"),
            missing=say("Enter the name of the student."),
        ),
        *_WHO,
        Field(
            "spoken",
            say("Language of the family"),
            Kind.RADIOS,
            options=_LANGUAGES,
            missing=say("Choose the language of the family."),
        ),
        Field(
            "channel",
            say("How do you give the link?"),
            Kind.RADIOS,
            options=(
                Option("mail", say("By e-mail")),
                BY_TEXT,
                Option("letter", say("As a letter that I print")),
            ),
            missing=say("Choose how you give the link."),
        ),
        Field("address", say("E-mail address, if by e-mail"), Kind.EMAIL),
        Field(
            "number",
            say("Mobile number, if by text message"),
            Kind.TEL,
            hint=say("The person must have said that you may send texts to it."),
        ),
        Field(
            "via",
            say("How do you tell the code?"),
            Kind.RADIOS,
            hint=say("The code must go another way than the link."),
            options=(
                Option("in-person", say("In person")),
                Option("phone", say("By telephone")),
                Option("video", say("By video")),
            ),
            missing=say("Choose how you tell the code."),
        ),
    ),
    together,
)


AGREED: Final = "agreed"
STOPPED: Final = say("This person asked not to be contacted. Ask them first, by another way.")
_ANEW: Final = Field(
    "anew",
    say("This person asked not to be contacted"),
    Kind.CHECKBOXES,
    options=(Option(AGREED, say("They told me since that they may be asked again")),),
)


def asking(*, texts: bool, stopped: bool = False) -> Questions:
    """Return the questions about whom to ask, without text messages where nothing sends them.

    ``stopped`` asks besides whether somebody who asked not to be contacted agreed to it.
    """
    fields = tuple(
        replace(each, options=tuple(o for o in each.options if texts or o != BY_TEXT))
        for each in ASK.fields
        if texts or each.name != "number"
    )
    return replace(ASK, fields=(_ANEW, *fields) if stopped else fields)


def interpreter_of(filled: Filled, on: date) -> Interpreter | None:
    """Return who interpreted, or None for nobody."""
    role = filled.text("interpreter")
    if role in ("", NOBODY):
        return None
    return Interpreter(
        role=role,
        name=filled.text("interpreter_name"),
        lang=filled.text("interpreter_language"),
        on=on,
        agency=filled.text("interpreter_agency"),
    )


def told(error: BridgeError) -> str:
    """Return why a signature was not taken, as a text of the pages where there is one."""
    return _TOLD.get(str(error), say("That was not taken. Check the answers on this page."))


def place_of(error: BridgeError, channel: str) -> str:
    """Return the question at which it is said why nobody was asked."""
    if str(error) in (ADULT, KEPT_OUT):
        return "signer"
    return "number" if channel == "sms" else "address"


_TOLD: Final = {
    CHECK: CHECK,
    ADULT: say("The student is 18 or older. Ask the student to sign."),
    KEPT_OUT: say("An order keeps this person out. Do not ask them to sign."),
    "the day of the signature lies ahead": say("The day of the signature lies ahead."),
    "the day permission was given lies ahead": say("The day it was said lies ahead."),
    "the paper is kept as a PDF, a JPEG or a PNG": say("Choose a PDF, a JPEG or a PNG."),
    "that is no address for mail": say("Enter an e-mail address."),
    "that is no number for text messages: write +1 and ten digits": say(
        "Enter a mobile number with its area code."
    ),
    "the code must go another way than the link: not to a telephone": say(
        "The link goes to a telephone. Tell the code in person or by video."
    ),
    "the form's last day lies outside the agreement": say(
        "The last day lies outside the agreement. Look at the paper again."
    ),
}
