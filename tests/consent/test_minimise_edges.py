"""What only a fault in the cutting would change: lists, depth, values in place of withheld ones."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consent.minimise import load_projection, minimise
from consent.projections import (
    LINKED,
    VIEWS,
    Anchor,
    Projection,
    ResourceView,
    Rule,
    Segment,
)
from consent.selectors import parse_selector

SCHOOL = load_projection("to-school", "America/New_York")
PROVIDER = load_projection("to-provider", "America/New_York")
HUB = load_projection("to-hub", "America/New_York")
VISIT = frozenset({"visit.dates", "visit.type"})


def encounter(**more: object) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "class": {"system": "http://x", "code": "AMB"},
        "type": [{"text": "individual"}],
        **more,
    }


def nested(depth: int, inside: object) -> object:
    for _ in range(depth):
        inside = [inside]
    return inside


@pytest.mark.parametrize("kind", [None, ["Encounter"], {"a": "Encounter"}, 7, "Nothing"])
def test_a_resource_that_names_no_type_does_not_leave_and_does_not_break(kind: object) -> None:
    assert minimise({"resourceType": kind, "id": "x"}, VISIT, SCHOOL) is None


def test_what_is_permitted_keeps_its_value_and_what_is_withheld_gets_the_constant() -> None:
    whole = minimise(encounter(), VISIT, SCHOOL)
    less = minimise(encounter(), VISIT - {"visit.type"}, SCHOOL)

    assert whole is not None
    assert less is not None
    assert whole["class"] == {"system": "http://x", "code": "AMB"}
    assert json.dumps(less["class"]).count("unknown") == 1


@pytest.mark.parametrize(
    "edge", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_time_that_is_of_no_year_in_the_zone_is_left_out(edge: str) -> None:
    found = minimise(encounter(period={"start": edge}), frozenset({"enc.row"}), HUB)

    assert found is not None
    assert "period" not in found


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_entry_of_a_list_that_may_change_the_meaning_is_enough(place: int) -> None:
    entries: list[Any] = [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    entries[place] = {"text": "x", "modifierExtension": [{"url": "http://x"}]}

    assert minimise(encounter(type=entries), VISIT, SCHOOL) is None


@pytest.mark.parametrize("name", ["modifierExtension", "implicitRules"])
def test_one_name_of_an_entry_that_may_change_the_meaning_is_enough(name: str) -> None:
    inner = {"text": "x", name: "y", "coding": [{"code": "z"}]}

    assert minimise(encounter(type=[inner]), VISIT, SCHOOL) is None
    assert minimise(encounter(length={"extra": inner}), VISIT, SCHOOL) is None


@pytest.mark.parametrize(("lists", "leaves"), [(61, True), (62, True), (63, False), (64, False)])
def test_what_is_nested_too_deep_to_be_known_does_not_leave(lists: int, leaves: bool) -> None:
    # The resource is the first level and the plain value inside the lists the last: 64 in all.
    found = minimise(encounter(text=nested(lists, "x")), VISIT, SCHOOL)

    assert (found is not None) is leaves


@pytest.mark.parametrize("view", VIEWS)
def test_every_constant_in_place_of_a_withheld_value_is_json(view: str) -> None:
    kept = [row for r in load_projection(view).resources.values() for row in r.otherwise]

    assert all(json.loads(constant) for _, _, constant in kept)


def test_an_address_that_no_row_names_does_not_leave_outside_an_extension() -> None:
    permitted = {"student.name", "referral.reason"}
    name = {"family": "Rivera", "url": "https://canary.example"}

    found = minimise({"resourceType": "Patient", "name": [name]}, permitted, PROVIDER)

    assert found is not None
    assert "canary" not in json.dumps(found)
    assert "Rivera" in json.dumps(found)


def linked_below(*names: str) -> Projection:
    """Return a view in which a reference below these names, and a plain value beside it, may go."""
    path = tuple(Segment(name) for name in (*names, "reference"))
    plain = (*(Segment(name) for name in names[:-1]), Segment("text"))
    rules = (Rule(path, LINKED), Rule(plain, "e"))
    view = ResourceView((Anchor("e"),), rules)
    return Projection("to-provider", ZoneInfo("UTC"), {"Thing": view})


def test_a_link_that_may_not_be_followed_takes_only_its_own_entry_with_it() -> None:
    thing = {"resourceType": "Thing", "who": {"text": "kept", "actor": {"reference": "A/1"}}}

    without = minimise(thing, {"e"}, linked_below("who", "actor"))
    with_it = minimise(thing, {"e"}, linked_below("who", "actor"), ["A/1"])

    assert without == {"resourceType": "Thing", "who": {"text": "kept"}}
    assert with_it == thing


def view_of(*rules: Rule) -> Projection:
    view = ResourceView((Anchor("e"),), rules)
    return Projection("to-provider", ZoneInfo("America/New_York"), {"Thing": view})


def left_of(view: Projection, **more: object) -> Any:  # noqa: ANN401 - JSON
    return minimise({"resourceType": "Thing", **more}, {"e"}, view, ["A/1"])


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("#1 of three", "#1 of three"),
        (["b", ["a"], None], ["b"]),
        ([["a"]], None),
        (7, 7),
        (False, False),
        (0, 0),
        (None, None),
        ({"a": "b"}, None),
    ],
)
def test_a_plain_value_leaves_as_it_is_and_nothing_else_does(given: object, left: object) -> None:
    found = left_of(view_of(Rule((Segment("text"),), "e")), text=given)

    assert found == {"resourceType": "Thing"} | ({} if left is None else {"text": left})


@pytest.mark.parametrize(("given", "leaves"), [("A/1", True), ("#a", False), (7, True)])
def test_only_a_reference_to_a_contained_resource_is_left_out(given: object, leaves: bool) -> None:
    found = left_of(view_of(Rule((Segment("reference"),), "e")), reference=given)

    assert ("reference" in found) is leaves


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("2026-10-02T01:30:00Z", "2026-10-01"),
        ("2026-10-02T23:30:00-04:00", "2026-10-02"),
        ("2026-10-02", "2026-10-02"),
        ("2026-10-02T00:30:00", "2026-10-02"),
        ("next week", None),
        (20261002, None),
    ],
)
def test_a_day_is_that_of_the_district_and_what_is_no_day_does_not_leave(
    given: object, left: str | None
) -> None:
    found = left_of(view_of(Rule((Segment("on"),), "e", day=True)), on=given)

    assert found.get("on") == left


def test_an_entry_meant_by_several_rows_keeps_what_each_of_them_permits() -> None:
    any_entry = Rule((Segment("link"), Segment("text")), "e")
    typed = Rule((Segment("link", parse_selector("type=T")), Segment("type")), "e")
    entries = [{"text": "a", "type": "T", "x": "y"}, {"text": "b", "type": "U"}, {"x": "y"}]

    found = left_of(view_of(any_entry, typed), link=entries)

    assert found["link"] == [{"text": "a", "type": "T"}, {"text": "b"}]


def test_of_an_entry_that_no_row_means_nothing_leaves() -> None:
    typed = Rule((Segment("link", parse_selector("type=T")), Segment("text")), "e")

    found = left_of(view_of(typed), link=[{"type": "U", "text": "x"}, "text"])

    assert found == {"resourceType": "Thing"}


def test_a_path_that_two_rows_name_leaves_as_one_that_one_names() -> None:
    once = Rule((Segment("text"),), "e")
    inner = (Rule((Segment("who"), Segment(name)), "e") for name in ("a", "b", "a"))

    found = left_of(view_of(once, once, *inner), text="x", who={"a": "1", "b": "2", "c": "3"})

    assert found == {"resourceType": "Thing", "text": "x", "who": {"a": "1", "b": "2"}}
