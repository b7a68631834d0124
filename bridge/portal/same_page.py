"""Two records that may be one student, side by side: a person says what is true, and may undo it.

For who leads a school or its referrals. Shown is what the district itself wrote, by the gate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from bridge.errors import BridgeError
from bridge.journeys.families.family_forms import student_here
from bridge.journeys.referrals.enter_referral import sites_of
from bridge.journeys.referrals.known_student import known_student
from bridge.journeys.referrals.note_look import LEADS
from bridge.journeys.referrals.roster_answers import Answers
from bridge.journeys.referrals.same_student import (
    OrderMissingError,
    Pair,
    Said,
    doubt,
    held_back,
    settle,
    standing,
    undo,
)
from bridge.portal import refer_questions as asked
from bridge.portal.forms import Field, Filled, Kind, Option, Problem, Questions
from bridge.portal.languages import say
from bridge.portal.posted import FormOf
from bridge.portal.refusals import NotHere
from bridge.portal.visits import StaffOf, Visit
from bridge.store.database.engine import read
from bridge.store.directory import StudentEntry, student_of_key

router = APIRouter(prefix="/portal/same")

StudentId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
_ABSENT: Final = say("No student of the district has that number.")
_ORDER: Final = say(
    "An order keeps a guardian out under the number that would go. Have it entered under the one "
    "you keep too, then choose again. What is said of them above still holds."
)
_TWICE: Final = say("Enter two different numbers.")
FIND: Final = Questions(
    say("Two records of one student?"),
    tuple(
        Field(name, label, missing=say("Enter the student's ID."), most=40)
        for name, label in (
            ("first", say("The one student ID")),
            ("second", say("The other student ID")),
        )
    ),
    lambda typed: {"second": _TWICE if typed["first"] == typed["second"] else ""},
)
SAID: Final = {
    Said.NOTHING: say("Nothing is said of these two: each stands for itself."),
    Said.DOUBTED: say("They may be one student: nothing of either leaves until somebody decides."),
    Said.FIRST_GOES: say("They are one student, known by the second number from now on."),
    Said.SECOND_GOES: say("They are one student, known by the first number from now on."),
}
CHOICES: Final = (
    Option("first", say("One student: keep the first number")),
    Option("second", say("One student: keep the second number")),
    Option("both", say("Two students: keep both")),
    Option("doubt", say("Not sure: hold both back for now")),
)
CHOOSE: Final = Questions(
    say("What is true?"),
    (
        Field(
            "choice",
            say("What is true?"),
            Kind.RADIOS,
            say("Records are never merged: the forms of one never open what hangs on the other."),
            CHOICES,
            say("Choose what is true."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One field of both records."""

    label: str
    values: tuple[str, str]

    @property
    def differs(self) -> bool:
        """Whether they say different things."""
        return self.values[0] != self.values[1]


@router.get("")
def find_page(visit: StaffOf) -> Response:
    """Ask which two records."""
    return _find(visit, Filled({}))


@router.post("")
def find(visit: StaffOf, form: FormOf) -> Response:
    """Go to two records side by side."""
    _leading(visit)
    filled = FIND.read(form)
    if form.language:
        return _find(visit.speaking(form.language), replace(filled, problems={}))
    lea = visit.staff.organization
    with read(visit.bridge.engine) as connection:
        names = [field.name for field in FIND.fields]
        found = {n: student_of_key(connection, lea, filled.text(n)) for n in names}
    if not filled.problems:
        absent = {n: Problem(_ABSENT) for n, student in found.items() if student is None}
        filled = replace(filled, problems=absent)
    ids = [student.id for student in found.values() if student is not None]
    if filled.problems or len(ids) != len(found):
        return _find(visit, filled)
    return visit.go(f"/portal/same/{ids[0]}/{ids[1]}")


@router.get("/{first}/{second}")
def side_by_side(visit: StaffOf, first: StudentId, second: StudentId) -> Response:
    """Show both records, and what is said of them."""
    return _shown(visit, _pair(visit, first, second), Filled({}))


@router.post("/{first}/{second}")
def choose(visit: StaffOf, form: FormOf, first: StudentId, second: StudentId) -> Response:
    """Record what a person says is true."""
    pair, filled = _pair(visit, first, second), CHOOSE.read(form)
    if form.language:
        return _shown(visit.speaking(form.language), pair, replace(filled, problems={}))
    if filled.problems:
        return _shown(visit, pair, filled)
    visit.note_look()
    try:
        _record(visit, pair, filled.text("choice"))
    except OrderMissingError:
        return _shown(visit, pair, replace(filled, problems={"choice": Problem(_ORDER)}))
    return visit.go(f"/portal/same/{first}/{second}")


@router.post("/{first}/{second}/undo")
def take_back(visit: StaffOf, _form: FormOf, first: StudentId, second: StudentId) -> Response:
    """Take back what was said: each goes on as if nothing had been."""
    pair = _pair(visit, first, second)
    visit.note_look()
    if standing(visit.parts, pair) is not Said.NOTHING:
        undo(visit.parts, pair)
    return visit.go(f"/portal/same/{first}/{second}")


def _record(visit: Visit, pair: Pair, choice: str) -> None:
    # A doubt comes first, whatever follows: should the second step fail, nothing leaves.
    if choice == "doubt" or standing(visit.parts, pair) is Said.NOTHING:
        if standing(visit.parts, pair) is not Said.NOTHING:
            undo(visit.parts, pair)
        doubt(visit.parts, pair)
    if choice != "doubt":
        keep = {"first": pair.numbers[0], "second": pair.numbers[1]}.get(choice)
        settle(visit.parts, pair, keep)


def _leading(visit: Visit) -> None:
    """Let nobody on who leads neither a school nor its referrals.

    Raises:
        NotHere: the role is another one.
    """
    if visit.staff.role not in LEADS:
        raise NotHere


def _pair(visit: Visit, first: str, second: str) -> Pair:
    """Return the two students of an address.

    Raises:
        NotHere: they are not two of this district, or not for this role.
    """
    _leading(visit)
    lea = visit.staff.organization
    found: list[StudentEntry | None] = [student_here(visit.parts, lea, i) for i in (first, second)]
    numbers = [student.local_key for student in found if student is not None]
    if first == second or len(numbers) != len(found):
        raise NotHere
    by = f"lea.{visit.staff.role} {visit.staff.client_id}"
    return Pair(lea, (numbers[0], numbers[1]), by)


def _find(visit: Visit, filled: Filled) -> Response:
    _leading(visit)
    return visit.page(
        "same-find.html",
        422 if filled.problems else 200,
        questions=FIND,
        filled=filled,
        held=held_back(visit.parts, visit.staff.organization),
    )


def _shown(visit: Visit, pair: Pair, filled: Filled) -> Response:
    try:
        said = standing(visit.parts, pair)
    except BridgeError:
        raise NotHere from None
    return visit.page(
        "same.html",
        422 if filled.problems else 200,
        lines=_lines(visit, pair),
        said=SAID[said],
        undoable=said is not Said.NOTHING,
        questions=CHOOSE,
        filled=filled,
    )


def _lines(visit: Visit, pair: Pair) -> list[Line]:
    """Return each field of both records in words; of two empty ones nothing."""
    records = [known_student(visit.bridge, visit.staff, number) for number in pair.numbers]
    school = asked.student(sites_of(visit.parts, visit.staff.organization))
    lines = [
        Line(each.label, (_words(visit, each, records[0]), _words(visit, each, records[1])))
        for each in (*school.fields, *asked.FAMILY.fields)
    ]
    return [
        Line(asked.FIND.fields[0].label, pair.numbers),
        *(line for line in lines if any(line.values)),
    ]


def _words(visit: Visit, field: Field, record: Answers) -> str:
    said: Mapping[str, str | Sequence[str]] = record
    value = said.get(field.name, "")
    if field.kind is Kind.DAY and value:
        return visit.day(str(value))
    words = {option.value: visit.say(option.label) for option in field.options}
    return words.get(str(value), str(value))
