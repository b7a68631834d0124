"""The tables of what may leave are themselves right: names, shapes, coverage."""

import pytest

from consent import projections
from consent.mou import shipped_template
from consent.projections import VIEWS, load_projection
from consent.selectors import parse_selector

TEMPLATE = shipped_template()
MARKS = {"@envelope", "@linked", "@public", "@never"}


@pytest.mark.parametrize("view", VIEWS)
def test_every_row_is_governed_by_an_element_of_the_catalogue(view: str) -> None:
    resources = load_projection(view).resources.values()
    named = {rule.element for resource in resources for rule in resource.rules}
    named |= {anchor.element for resource in resources for anchor in resource.anchors}

    assert named
    assert named - MARKS <= TEMPLATE.elements.keys()


@pytest.mark.parametrize(
    ("view", "sender", "recipient"),
    [("to-provider", "lea", "provider"), ("to-school", "provider", "lea")],
)
def test_no_row_names_an_element_that_never_goes_that_way(
    view: str, sender: str, recipient: str
) -> None:
    flows = [f for f in TEMPLATE.flows if sender in f.senders and recipient in f.to]
    passing = {element for flow in flows for element in flow.elements} | {"sud.record"}
    resources = load_projection(view).resources.values()
    named = {
        rule.element for resource in resources for rule in (*resource.rules, *resource.anchors)
    }

    assert named - MARKS <= passing


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(LookupError):
        load_projection("to-everyone")


def test_a_view_is_loaded_once_per_zone() -> None:
    assert load_projection("to-hub", "UTC") is load_projection("to-hub", "UTC")


@pytest.mark.parametrize(
    ("condition", "entry", "expected"),
    [
        ("system=urn:a", {"system": "urn:a"}, True),
        ("system=urn:a", {"system": "urn:ab"}, False),
        ("system^=urn:a", {"system": "urn:ab"}, True),
        ("coding.code=X", {"coding": [{"code": "Y"}, {"code": "X"}]}, True),
        ("coding.code=X", {"coding": "X"}, False),
        ("system=urn:a", "urn:a", False),
        ("system^=urn:a", {"system": 7}, False),
        ("system=urn:a", "names the system urn:a", False),
        ("system=urn:a", 7, False),
        ("system=urn:a", None, False),
    ],
)
def test_a_condition_picks_the_entries_it_names(
    condition: str, entry: object, expected: bool
) -> None:
    assert parse_selector(condition).matches(entry) is expected


@pytest.mark.parametrize("condition", ["", "system", "=x", "^=x"])
def test_a_condition_that_does_not_read_is_refused(condition: str) -> None:
    with pytest.raises(ValueError, match="KEY=VALUE"):
        parse_selector(condition)


def table_of(*rows: dict[str, str]) -> list[dict[str, str]]:
    silent = {"resource": "Thing", "shape": "", "element": "e", "otherwise": ""}
    return [silent | row for row in rows]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"path": ""}, "the path does not read"),
        ({"path": "9a"}, "the path does not read"),
        ({"path": "a b"}, "the path does not read"),
        ({"path": "a.b!"}, "the path does not read"),
        ({"path": "a!b.c"}, "the path does not read"),
        ({"path": "a", "shape": "Nothing"}, "no such shape in shapes.csv"),
    ],
    ids=str,
)
def test_a_row_that_does_not_read_is_refused_with_its_place(
    row: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"path": "@anchor"}
    shapes = projections._rows("shapes.csv")
    tables = {"to-hub.csv": table_of(whole, row), "shapes.csv": shapes}
    monkeypatch.setattr(projections, "_rows", tables.__getitem__)

    with pytest.raises(ValueError, match=f"to-hub.csv row 3: {said}"):
        load_projection("to-hub", "Etc/GMT+11")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"path": "a"}, "to-hub.csv row 2: Thing has no @anchor"),
        ({"path": "@anchor", "otherwise": "{not json"}, "Expecting property name"),
    ],
)
def test_a_type_without_an_anchor_and_a_constant_that_is_no_json_are_refused(
    row: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "_rows", {"to-hub.csv": table_of(row)}.__getitem__)

    with pytest.raises(ValueError, match=said):
        load_projection("to-hub", "Etc/GMT+11")
