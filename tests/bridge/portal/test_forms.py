"""Answers are read as they were typed, and what is wrong is said once, in the order of the page."""

import pytest

from bridge.portal.forms import Field, Filled, Kind, Option, Questions, plain
from bridge.portal.posted import Form

YES_NO = (Option("yes", "Yes"), Option("no", "No"))
ASKED = Questions(
    "About the student",
    (
        Field("name", "Name", missing="Enter a name", most=20),
        Field("born", "Date of birth", Kind.DAY, missing="Enter a date of birth"),
        Field("told", "Has the family been told?", Kind.RADIOS, options=YES_NO, missing="Say"),
        Field("also", "What else?", Kind.CHECKBOXES, options=YES_NO),
        Field("why", "Why?", Kind.TEXTAREA, most=30),
    ),
    lambda answers: {"why": "Say why" if answers["told"] == "no" and not answers["why"] else ""},
)
RIGHT = {
    "name": ("  Ana   Díaz ",),
    "born-month": ("3",),
    "born-day": ("04",),
    "born-year": ("2012",),
    "told": ("yes",),
    "also": ("yes", "no"),
    "why": ("One.\r\nTwo.",),
}


def read(**changes: tuple[str, ...]) -> Filled:
    return ASKED.read(Form({k: v for k, v in {**RIGHT, **changes}.items() if v}))


def said(filled: Filled) -> dict[str, str]:
    return {name: problem.text for name, problem in filled.problems.items()}


def test_answers_are_kept_without_the_spaces_around_them() -> None:
    filled = read()

    assert filled.problems == {}
    assert filled.text("name") == "Ana Díaz"
    assert filled.text("born") == "2012-03-04"
    assert filled.several("also") == ["yes", "no"]
    assert filled.text("why") == "One.\nTwo."


def test_what_is_missing_is_said_in_the_order_of_the_page() -> None:
    filled = ASKED.read(Form({}))

    assert list(said(filled)) == ["name", "born", "told"]
    assert said(filled)["told"] == "Say"


@pytest.mark.parametrize(
    ("month", "day", "year"),
    [("2", "30", "2012"), ("13", "1", "2012"), ("3", "4", "12"), ("x", "4", "2012"), ("3", "", "")],
)
def test_what_is_no_day_is_said_and_its_parts_are_kept(month: str, day: str, year: str) -> None:
    filled = read(**{"born-month": (month,), "born-day": (day,), "born-year": (year,)})

    assert said(filled)["born"].startswith("Enter a real date")
    assert filled.text("born-month") == month
    assert filled.text("born-year") == year


def test_an_answer_that_is_not_on_the_page_is_not_taken() -> None:
    assert list(said(read(told=("perhaps",), also=("yes", "=1+1")))) == ["told", "also"]


def test_an_answer_that_is_too_long_says_how_long_it_may_be() -> None:
    filled = read(name=("x" * 21,))

    assert filled.problems["name"].values == {"most": 20}
    assert filled.text("name") == "x" * 21


def test_answers_are_compared_where_each_is_right_alone() -> None:
    assert said(read(told=("no",), why=())) == {"why": "Say why"}
    assert list(said(read(told=("no",), why=(), name=()))) == ["name"]


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\x00", "\x1b", "\u200f", "\x7f"])
def test_signs_that_cannot_be_seen_are_not_kept(sign: str) -> None:
    assert sign not in plain(f"a{sign}b")
    assert sign not in plain(f"a{sign}b\nc", lines=True)
