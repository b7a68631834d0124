"""What a school is asked when it refers a student: one topic a page.

The answers are codes of the canonical referral (:mod:`mappings.canonical`); how they read is here.
Nothing on these pages asks about, or hints at, what a student may receive alone.
"""

from collections.abc import Sequence
from typing import Final

from bridge.journeys.referrals.enter_referral import BY_GUARDIAN
from bridge.portal.forms import Answers, Field, Kind, Option, Questions
from bridge.portal.languages import say

CONCERNS: Final = (
    Option("academic", say("Schoolwork")),
    Option("adjustment", say("New school or move")),
    Option("aggression", say("Aggression")),
    Option("anger", say("Anger")),
    Option("anxiety", say("Anxiety or worry")),
    Option("attendance", say("Attendance or school refusal")),
    Option("attention", say("Attention")),
    Option("behaviour", say("Behavior in class")),
    Option("bullying", say("Bullying")),
    Option("eating", say("Eating or body image")),
    Option("family-change", say("Family change (divorce, move, deployment)")),
    Option("grief", say("Grief or loss")),
    Option("harm-to-others", say("Risk of harm to others")),
    Option("housing", say("Housing or basic needs")),
    Option("low-mood", say("Sadness, low mood")),
    Option("peer-relations", say("Friends and peers")),
    Option("self-harm", say("Self-harm")),
    Option("sleep", say("Sleep")),
    Option("social-withdrawal", say("Withdrawal")),
    Option("substance-use", say("Substance use")),
    Option("suicidal-thoughts", say("Thoughts of suicide")),
    Option("trauma", say("Trauma")),
    Option("other", say("Other")),
)
URGENCIES: Final = (
    Option("routine", say("Routine"), say("The provider should answer within two business days.")),
    Option("urgent", say("Urgent"), say("The student should be seen this week.")),
    Option("asap", say("As soon as possible"), say("The student should be seen within a day.")),
)
RELATIONS: Final = (
    Option("MTH", say("Mother")),
    Option("FTH", say("Father")),
    Option("PRN", say("Parent")),
    Option("GUARD", say("Legal guardian")),
    Option("GRPRN", say("Grandparent")),
)
# Names of languages stand in those languages, for whoever is asked.
LANGUAGES: Final = (
    Option("en", "English"),
    Option("es", "Español"),
    Option("pt", "Português"),
    Option("ht", "Kreyòl ayisyen"),
    Option("zh", "中文"),
    Option("ar", "العربية"),
    Option("fr", "Français"),
    Option("vi", "Tiếng Việt"),
    Option("pl", "Polski"),
    Option("ru", "Русский"),
    Option("uk", "Українська"),
    Option("so", "Soomaali"),
)
YES_NO: Final = (Option("yes", say("Yes")), Option("no", say("No")))

FIND: Final = Questions(
    say("Which student?"),
    (
        Field(
            "local_id",
            say("Student ID"),
            hint=say("The number in the roster. What the school knows already is filled in."),
            missing=say("Enter the student's ID."),
            most=40,
        ),
    ),
)
FAMILY: Final = Questions(
    say("The family"),
    (
        Field(
            "guardian",
            say("Parent or guardian"),
            missing=say("Enter a parent's or guardian's name."),
        ),
        Field(
            "relationship",
            say("Relationship to the student"),
            Kind.SELECT,
            options=RELATIONS,
            missing=say("Choose the relationship to the student."),
        ),
        Field(
            "phone",
            say("Phone of the parent or guardian"),
            Kind.TEL,
            hint=say("Leave it empty if there is none."),
            most=30,
        ),
        Field(
            "home_language",
            say("Language the family speaks at home"),
            Kind.SELECT,
            options=LANGUAGES,
        ),
        Field(
            "interpreter",
            say("Does the family need an interpreter?"),
            Kind.RADIOS,
            hint=say("Never a student, a brother or sister, or a friend."),
            options=YES_NO,
            missing=say("Say whether the family needs an interpreter."),
        ),
    ),
)
WHY: Final = Questions(
    say("Why do you refer the student?"),
    (
        Field(
            "concerns",
            say("What do you see? Choose all that apply."),
            Kind.CHECKBOXES,
            options=CONCERNS,
            missing=say("Choose at least one reason."),
        ),
        Field(
            "description",
            say("In your own words"),
            Kind.TEXTAREA,
            hint=say("Leave it empty if the list says it. Name no other student."),
            most=2000,
        ),
    ),
)
URGENCY: Final = Questions(
    say("How soon does the student need help?"),
    (
        Field(
            "urgency",
            say("How soon does the student need help?"),
            Kind.RADIOS,
            hint=say("In danger now is not a referral: call 911, 988, or 2-1-1 and press 1."),
            options=URGENCIES,
            missing=say("Choose how soon the student needs help."),
        ),
    ),
)


_WHETHER: Final = (
    Field(
        "signed",
        say("Do you have the district's release form, signed?"),
        Kind.RADIOS,
        hint=say("A spoken yes is not enough: nothing leaves the school on it."),
        options=(
            Option("yes", say("Yes, I have the signed form")),
            Option("pending", say("Not yet"), say("The referral waits here. Nothing leaves.")),
        ),
        missing=say("Say whether you have the signed form."),
    ),
)
_SIGNED: Final = (
    Field(
        "signer",
        say("Who signed it?"),
        hint=say("If it is not signed yet, leave the rest empty."),
    ),
    Field(
        "signer_relationship",
        say("Relationship of the signer to the student"),
        Kind.SELECT,
        options=RELATIONS,
    ),
    Field("signed_on", say("Date of the signature"), Kind.DAY),
    Field(
        "expires_on",
        say("Last day the form holds"),
        Kind.DAY,
        hint=say("Leave it empty if the form names none."),
    ),
    Field(
        "back",
        say("May the provider tell the school what became of the referral?"),
        Kind.CHECKBOXES,
        options=(Option("yes", say("Yes, the family signed that too")),),
    ),
)


def student(sites: Sequence[tuple[str, str]]) -> Questions:
    """Return the questions about the student, for a district with these schools (key and name)."""
    schools = tuple(Option(key, name) for key, name in sites)
    return Questions(
        say("The student"),
        (
            Field("given_name", say("First name"), missing=say("Enter the student's first name.")),
            Field("family_name", say("Last name"), missing=say("Enter the student's last name.")),
            Field(
                "birth_date",
                say("Date of birth"),
                Kind.DAY,
                missing=say("Enter the student's date of birth."),
            ),
            Field(
                "school",
                say("School"),
                Kind.SELECT,
                options=schools,
                missing=say("Choose the student's school.") if schools else "",
            ),
        ),
    )


# A list of one is an endorsement (ASCA: three at least, where there are three).
WHY_SINGLE: Final = Field(
    "why_single",
    say("Why is only one provider offered?"),
    Kind.TEXTAREA,
    hint=say("It is kept as an internal note of the referral. It stays with the school."),
    missing=say("Say why only one provider is offered."),
    most=500,
)


def provider(offered: Sequence[Option], *, single: bool = False) -> Questions:
    """Return the question which provider, for those offered; a ``single`` one asks for a reason."""
    return Questions(
        say("Which provider?"),
        (
            Field(
                "provider",
                say("Which provider?"),
                Kind.RADIOS,
                hint=say(
                    "All that work with your district, in chance order. Choose with the family."
                ),
                options=tuple(offered),
                missing=say("Choose a provider."),
            ),
            *((WHY_SINGLE,) if single else ()),
        ),
    )


def release(today: str, guardian: str = "") -> Questions:
    """Return the questions about the signed form.

    Args:
        today: the day in the district.
        guardian: who was named before, and is typed no second time (WCAG 3.3.7). Nobody is taken
            to have signed: it is ticked.
    """

    def together(answers: Answers) -> dict[str, str]:
        return _signed(answers, today) if answers["signed"] == "yes" else {}

    named = Field(
        BY_GUARDIAN,
        say("Did the parent or guardian named before sign it?"),
        Kind.CHECKBOXES,
        options=(Option("yes", guardian, say("Tick it if so. If not, write below who did.")),),
    )
    known = (named,) if guardian else ()
    return Questions(say("The signed release"), (*_WHETHER, *known, *_SIGNED), together)


def _signed(answers: Answers, today: str) -> dict[str, str]:
    """Return what is wrong with a form that is said to be signed."""
    signed_on, expires_on = str(answers["signed_on"]), str(answers["expires_on"])
    found = {
        **_signer(answers),
        "signed_on": "" if signed_on else say("Enter the date of the signature."),
    }
    if signed_on > today:
        found["signed_on"] = say("The date of the signature cannot be in the future.")
    if expires_on and expires_on < max(signed_on, today):
        found["expires_on"] = say("The form has ended already. Ask the family for a new one.")
    return found


def _signer(answers: Answers) -> dict[str, str]:
    typed = answers["signer"] or answers["signer_relationship"]
    if answers.get(BY_GUARDIAN):
        return {"signer": say("Tick the box or write who signed, not both.")} if typed else {}
    return {
        "signer": "" if answers["signer"] else say("Enter who signed the form."),
        "signer_relationship": ""
        if answers["signer_relationship"]
        else say("Choose the signer's relationship to the student."),
    }


# What must be there of each page that an earlier referral may answer.
NEEDED: Final = {
    "find": ("local_id",),
    "student": ("given_name", "family_name", "birth_date", "school"),
    "family": ("guardian", "relationship", "home_language", "interpreter"),
    "why": ("concerns",),
    "urgency": ("urgency",),
}
