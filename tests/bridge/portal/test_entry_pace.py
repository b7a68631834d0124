"""How much a person does to refer a student, and how long it takes at a human pace.

The pages are gone through as they come; what they hold already is neither typed nor chosen. Times
are those of the keystroke-level model (Card, Moran and Newell 1980): a key of an average typist who
is no secretary 0.28 s, pointing 1.1 s, a hand moved between mouse and keys 0.4 s, deciding what to
do 1.35 s; and reading each page 10 s, of which the model knows nothing.
"""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest

from bridge.journeys.files.import_roster import import_roster
from mappings.language import Mapped
from tests.bridge.portal.entering import ANSWERS, Visitor
from tests.bridge.portal.test_roster_prefill import STUDENT
from tests.support.worlds import LEA, World

MOST_DONE, MOST_SECONDS = 60, 300
KEY, POINT, HAND, DECIDE, READ = 0.28, 1.1, 0.4, 1.35, 10.0
WHOLE = {
    **ANSWERS,
    "why": {
        "concerns": ["anxiety", "sleep"],
        "description": "Cries in class most mornings since September and has stopped eating lunch.",
    },
}


class Held(HTMLParser):
    """Notes what the controls of a page hold as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = named.get("name", "")
        chosen = "checked" in named or named.get("type") in ("text", "tel")
        if tag == "input" and chosen:
            self.found.add((named.get("name", ""), named.get("value", "")))
        if tag == "option" and "selected" in named:
            self.found.add((self._select, named["value"]))


@dataclass
class Effort:
    """What was done, and the seconds it takes."""

    done: int = 0
    seconds: float = 0.0

    def choose(self) -> None:
        self.done += 1
        self.seconds += DECIDE + POINT + KEY

    def type(self, text: str) -> None:
        self.done += 1
        self.seconds += DECIDE + POINT + 2 * HAND + KEY * len(text)


TYPED = ("local_id", "given_name", "family_name", "guardian", "phone", "signer", "description")


def entered(visitor: Visitor, answers: dict[str, dict[str, str | list[str]]]) -> Effort:
    """Enter a referral and count; a part of a date is typed like a text."""
    effort = Effort()
    effort.choose()  # begin
    place = visitor.begun()
    for step, said in answers.items():
        held = Held()
        held.feed(visitor.get(f"{place}/{step}").text)
        for name, value in said.items():
            for each in value if isinstance(value, list) else [value]:
                if (name, each) in held.found or (name, each.zfill(2)) in held.found:
                    continue
                if name in TYPED or "-" in name:
                    effort.type(each)
                else:
                    effort.choose()
        effort.choose()  # go on
        effort.seconds += READ
        assert visitor.post(f"{place}/{step}", **said).status_code == 303
    effort.seconds += READ
    effort.choose()
    assert visitor.send(place).status_code == 303
    return effort


@pytest.fixture
def visitor(lite: World) -> Visitor:
    return Visitor.signed_in(lite)


def test_a_referral_of_a_student_nobody_knows_is_entered_in_five_minutes(visitor: Visitor) -> None:
    effort = entered(visitor, WHOLE)

    assert effort.done <= MOST_DONE, effort
    assert effort.seconds <= MOST_SECONDS, effort


def test_what_the_roster_says_and_what_was_said_before_takes_nothing(visitor: Visitor) -> None:
    import_roster(visitor.world.parts, LEA, [Mapped(STUDENT, 2)])
    family = {"guardian": "Ines Quintero", "relationship": "MTH", "phone": "555-0177"}
    release = {k: v for k, v in ANSWERS["release"].items() if not k.startswith("signer")}
    known: dict[str, dict[str, str | list[str]]] = {
        **WHOLE,
        "find": {"local_id": "2042"},
        "student": {
            "given_name": "Luz",
            "family_name": "Quintero",
            "school": "north-middle",
            "birth_date-month": "4",
            "birth_date-day": "9",
            "birth_date-year": "2012",
        },
        "family": {**ANSWERS["family"], **family},
        "release": {**release, "by_guardian": "yes"},
    }
    whole = entered(visitor, WHOLE)

    effort = entered(visitor, known)

    assert effort.done <= whole.done - 11, (effort, whole)
    assert effort.seconds <= 240, effort


def test_typing_more_is_counted(visitor: Visitor) -> None:
    whole = entered(visitor, WHOLE)
    longer = {**WHOLE, "why": {**WHOLE["why"], "description": "x" * 900}}
    assert entered(visitor, longer).seconds > MOST_SECONDS > whole.seconds
