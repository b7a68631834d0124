"""What the review of an import says in the portal's languages, by code.

The reasons of a map name columns and formats and are in English; beside each stands, in the
reader's language, what kind of thing is wrong and what to do about it.
"""

from dataclasses import dataclass
from typing import Final

from bridge.journeys.files.review_import import REFERRAL_DIFFERS, Group
from bridge.journeys.files.watch_import import STUDENT_DIFFERS
from bridge.portal.languages import say
from mappings.language import HoldCode


@dataclass(frozen=True, slots=True)
class Words:
    """What is wrong, and how it is repaired."""

    what: str
    repair: str


_READ_AGAIN: Final = say("Correct it here or in your file.")
_IN_THE_FILE: Final = say("Correct it in your file and choose the file again.")
REASONS: Final[dict[str, Words]] = {
    HoldCode.EMPTY: Words(say("Nothing is filled in"), say("Fill it in here or in your file.")),
    HoldCode.UNMAPPED: Words(
        say("This answer is not one of the known ones"), say("Use one of the known answers.")
    ),
    HoldCode.UNREADABLE: Words(say("It cannot be read"), _READ_AGAIN),
    HoldCode.INCOMPLETE: Words(say("Something that belongs to it is missing"), _READ_AGAIN),
    HoldCode.NOT_ON_FORM: Words(say("The file does not ask for it"), _IN_THE_FILE),
    HoldCode.JOIN_MISSING: Words(say("The student is not in the second file"), _IN_THE_FILE),
    HoldCode.JOIN_AMBIGUOUS: Words(say("Several rows of the second file fit"), _IN_THE_FILE),
    HoldCode.JOIN_HELD: Words(say("The row of the second file waits itself"), _IN_THE_FILE),
    HoldCode.RAGGED: Words(say("The row has more or fewer cells than the headings"), _IN_THE_FILE),
    HoldCode.KEY_REPEATED: Words(
        say("An earlier row has the same number and says something else"),
        say("Keep the row that is right, or give this one its own number."),
    ),
    HoldCode.NOT_YET: Words(say("It has not ended yet"), say("Bring it in when it has ended.")),
    HoldCode.HOLD_WHEN: Words(say("Rows like this one always wait for a person"), _READ_AGAIN),
    "form-repeated": Words(
        say("One form stands there twice"),
        say("Keep the newest here, and record the other on the page of the student's forms."),
    ),
    "release-changed": Words(
        say("A signed form of this referral was answered otherwise before"),
        say("Record the new form on the page of the student's forms."),
    ),
    "cannot-build": Words(say("No referral can be made of it"), _READ_AGAIN),
    "not-valid": Words(say("No valid referral can be made of it"), _READ_AGAIN),
    REFERRAL_DIFFERS: Words(
        say("A referral with this number is on file and says something else"),
        say("Give this one its own number, or withdraw the earlier one."),
    ),
    STUDENT_DIFFERS: Words(
        say("The student number is on file with another name or date of birth"),
        say("Correct the row, or say below that it is the same student."),
    ),
}
GROUPS: Final[dict[Group, Words]] = {
    Group.NEW: Words(say("New"), say("These referrals will be added.")),
    Group.THERE: Words(say("Already there"), say("These are on file. Nothing is added twice.")),
    Group.CLOSE: Words(
        say("Close match"),
        say("These look like something on file, but differ. They wait until you say which."),
    ),
    Group.HELD: Words(
        say("Waits for a correction"),
        say("These cannot be taken in as they are. They stay on the list of waiting rows."),
    ),
    Group.REPEATED: Words(
        say("Not imported"), say("These repeat an earlier row of the file word for word.")
    ),
}
