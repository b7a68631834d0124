"""What a resource is found by for its codes is remembered; it is what reading it anew gives."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.store.search import index_values
from bridge.store.search.index import PARAMETERS, STORED_AS
from bridge.store.search.index_values import found_by

CODINGS: tuple[object, ...] = (
    *(None, "", "finished", "true", True, 1, 1.0, "1", [], {}, ["a", "b"], [["a"], "b"]),
    *({"code": "a"}, {"system": "s", "code": "a"}, {"system": "s", "value": "a"}, {"coding": "a"}),
    {"coding": [{"system": "s", "code": "a"}, {"system": "t", "code": "b"}], "text": "x"},
    {"coding": [{"system": "s", "code": "a"}], "text": "another text"},
    [{"coding": [{"system": "s", "code": "a"}]}, {"coding": [{"code": "a" * 300}]}],
    {"dischargeDisposition": {"coding": [{"system": "s", "code": "home"}]}},
)


def resources(kind: str) -> Iterator[dict[str, Any]]:
    """Yield resources with each of the codings in each place where codes stand."""
    firsts = sorted({path.partition("(")[0].partition(".")[0]
                     for each in PARAMETERS[kind] for path in each.each_path})  # fmt: skip
    for first, said in itertools.product(firsts, CODINGS):
        yield {"resourceType": kind, "id": "x", "status": "planned", first: said}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What is remembered, of this test alone."""
    made: dict[Any, Any] = {}
    monkeypatch.setattr(index_values, "_CODED", made)
    return made


def read_anew(resource: dict[str, Any], known: dict[Any, Any]) -> object:
    before = dict(known)
    known.clear()
    found = found_by(resource)
    known.clear()
    known.update(before)
    return found


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_what_is_remembered_is_what_is_read(kind: str, known: dict[Any, Any]) -> None:
    for _, resource in itertools.product(range(2), resources(kind)):
        assert found_by(resource) == read_anew(resource, known)
    assert known


def test_what_is_kept_under_another_name_is_left_out() -> None:
    for kind in PARAMETERS:
        for resource in resources(kind):
            every, own = found_by(resource), found_by(resource, elsewhere=False)
            names = STORED_AS[kind]
            assert own[0] == tuple(value for value in every[0] if value.param not in names)


def test_a_code_that_is_confused_with_another_is_noticed(known: dict[Any, Any]) -> None:
    for resource in resources("Encounter"):
        found_by(resource)
    one, other = list(known)[:2]
    known[one], known[other] = known[other], known[one]
    wrong = [each for each in resources("Encounter") if found_by(each) != read_anew(each, known)]
    assert wrong


def test_no_more_is_remembered_than_there_is_room_for(
    known: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_values, "_MOST_CODED", 3)
    for resource in resources("Encounter"):
        found_by(resource)
        assert len(known) <= 3
