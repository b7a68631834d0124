"""The condition of a slice as data: what is left out, what can never hold, what meets it."""

import pytest

from consent.conditions import Conditions, Denial, Layer, Way, bits_of
from consent.filters import filter_of, holds, satisfiable
from consent.model import FactName, Filter, Literal
from tests.consent.worked_example import slice_of, table

NEVER = Filter(never=True)


def yes(*facts: str) -> tuple[Literal, ...]:
    return tuple(Literal(FactName(fact)) for fact in facts)


def no(fact: str) -> tuple[Literal, ...]:
    return (Literal(FactName(fact), wanted=False),)


def denial(when: str, unless: str = "") -> Denial:
    return Denial("P", bits_of(when.split()), bits_of(unless.split()), "")


def layer(*ways: str) -> Layer:
    return Layer("x", "x", tuple(Way(way, bits_of(way.split())) for way in ways))


def conditions(*parts: Denial | Layer) -> Conditions:
    return Conditions(
        known=True,
        denials=tuple(part for part in parts if isinstance(part, Denial)),
        layers=tuple(part for part in parts if isinstance(part, Layer)),
    )


def test_a_prohibition_becomes_the_ways_in_which_it_does_not_fire() -> None:
    found = filter_of(conditions(denial("dissent enrolled", "treating c_ferpa")))

    assert found == Filter(((no("dissent"), no("enrolled"), yes("c_ferpa"), yes("treating")),))


def test_a_layer_becomes_its_ways_and_each_way_all_its_facts() -> None:
    found = filter_of(conditions(layer("in_force c_ferpa", "treating")))

    assert found == Filter(((yes("c_ferpa", "in_force"), yes("treating")),))


def test_what_always_holds_is_left_out_and_nothing_is_said_twice() -> None:
    found = filter_of(conditions(layer("in_force"), layer("", "treating"), layer("in_force")))

    assert found == Filter(((yes("in_force"),),))


@pytest.mark.parametrize(
    "parts",
    [
        (layer("in_force"), layer()),
        (denial(""),),
        (denial("dissent"), layer("dissent")),
        (denial("dissent"), layer("dissent in_force")),
        (denial("dissent", "treating"), denial("treating"), layer("dissent in_force")),
        (denial("dissent"), denial("treating"), layer("dissent", "treating")),
    ],
    ids=[
        "no-way",
        "always-denied",
        "against-itself",
        "in-part",
        "exception-denied",
        "each-way-denied",
    ],
)
def test_what_no_facts_could_meet_is_never(parts: tuple[Denial | Layer, ...]) -> None:
    assert filter_of(conditions(*parts)) == NEVER


def test_a_slice_no_document_defines_is_never_and_not_always() -> None:
    assert table().filter(slice_of("lea lea counselor follow referral.status")) == NEVER
    assert filter_of(Conditions(known=False)) == NEVER


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Filter(), True),
        (NEVER, False),
        (Filter((), never=True), False),
        (Filter(((yes("a"),),), never=True), False),
        (Filter(((),)), False),
        (Filter(((yes("a"),), ())), False),
        (Filter(((yes("a"),), (no("a"),))), False),
        (Filter(((yes("a"),), (no("a"), yes("b")))), True),
        (Filter(((yes("a"), yes("b")), (no("a"),))), True),
        (Filter(((yes("a"), yes("b")), (no("a"),), (no("b"),))), False),
        (Filter(((yes("a", "b"),), (no("b"),))), False),
        (Filter(((yes("a", "b"), yes("c")), (no("b"),))), True),
    ],
    ids=str,
)
def test_a_condition_can_be_met_if_one_choice_from_each_clause_agrees(
    condition: Filter, expected: bool
) -> None:
    assert satisfiable(condition) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [({"a"}, False), ({"a", "c"}, True), ({"a", "b"}, False), ({"b", "d"}, False), (set(), False),
     ({"d"}, True)],
)  # fmt: skip
def test_facts_meet_a_condition_where_every_clause_has_an_alternative_all_of_whose_words_are_true(
    facts: set[str], expected: bool
) -> None:
    condition = Filter(((yes("a", "c"), yes("d")), (no("b"),)))

    assert holds(condition, frozenset(facts)) is expected
    assert not holds(Filter(condition.clauses, never=True), frozenset(facts))
