"""What a build leaves out another has, and the long run has all of it."""

from collections.abc import Callable, Sequence

import pytest

from tests.support import turns
from tests.support.turns import ALL, EITHER, LONG, TURN, Turns, is_turn, other_database

Made = Callable[..., list[pytest.Item]]


@pytest.fixture
def made(request: pytest.FixtureRequest) -> Made:
    """Make the variants of a test, as they are found, with a mark of their own."""

    def make(
        variants: Sequence[str], mark: pytest.MarkDecorator, test: str = "test_something"
    ) -> list[pytest.Item]:
        items = []
        for variant in variants:
            name = f"{test}[{variant}]"
            item = pytest.Function.from_parent(request.node.parent, name=name, callobj=make)
            item.add_marker(mark)
            items.append(item)
        return items

    return make


def run_in(items: Sequence[pytest.Item]) -> list[str]:
    """Return the names of those a build runs."""
    turns = Turns()
    for item in items:
        turns.mark(item)
    return [item.name for item in items if not item.get_closest_marker("faults")]


@pytest.mark.parametrize("of", [2, 3, 4])
def test_as_many_builds_as_turns_run_each_variant_once(
    made: Made, of: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants, ran = [str(n) for n in range(7)], list[str]()
    for turn in range(40, 40 + of):
        monkeypatch.setenv(TURN, str(turn))
        ran += run_in(made(variants, pytest.mark.turns(of)))
    assert sorted(ran) == [f"test_something[{variant}]" for variant in variants]


@pytest.mark.parametrize("mark", [pytest.mark.turns(3), pytest.mark.one_database])
def test_the_long_run_has_what_any_build_leaves_out(
    made: Made, mark: pytest.MarkDecorator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TURN, LONG)
    assert run_in(made(["sqlite", "postgresql"], mark)) == []


@pytest.mark.parametrize(
    ("test", "runs"),
    [
        ("test_a_leak_is_noticed", 1),
        ("test_leaks_are_caught", 1),
        ("test_a_leak_is_caught_twice", 2),
        ("test_nothing_leaks", 2),
    ],
)
def test_what_a_guard_is_shown_to_notice_is_tried_in_one_build_of_two(
    made: Made, test: str, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    for turn in (0, 2):
        monkeypatch.setenv(TURN, str(turn))
        ran += run_in(made(["first", "second"], pytest.mark.slow, test))
    assert sorted(ran) == sorted([f"{test}[first]", f"{test}[second]"] * runs)
    monkeypatch.setenv(TURN, LONG)
    assert len(run_in(made(["first", "second"], pytest.mark.slow, test))) == 2 * (runs - 1)


def test_a_test_on_which_a_requirement_rests_is_in_every_build(
    made: Made, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = "test_a_bad_page_is_caught"
    named = f"{request.node.parent.nodeid}::{test}"
    assert f"tests/portal/test_checks_catch.py::{test}" in turns.required()
    monkeypatch.setattr(turns, "required", lambda: {named})
    for turn in range(4):
        monkeypatch.setenv(TURN, str(turn))
        assert len(run_in(made(["first", "second"], pytest.mark.slow, test))) == 2


def test_what_is_planted_on_two_databases_is_noticed_on_each_within_four_turns(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    for turn in range(4):
        monkeypatch.setenv(TURN, str(turn))
        ran += run_in(made(["sqlite", "postgresql"], pytest.mark.one_database, "test_it_is_caught"))
    assert sorted(ran) == ["test_it_is_caught[postgresql]", "test_it_is_caught[sqlite]"]


def test_a_file_on_one_database_has_all_its_tests_on_it(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = [f"{url}-{n}" for url in ("sqlite", "postgresql") for n in range(4)]
    ran = []
    for turn in range(2):
        monkeypatch.setenv(TURN, str(turn))
        ran.append(run_in(made(variants, pytest.mark.one_database)))
    assert [len(names) for names in ran] == [4, 4]
    assert all(len({"sqlite" in name for name in names}) == 1 for names in ran)
    assert not set(ran[0]) & set(ran[1])


def test_what_runs_anyway_is_in_no_long_run(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TURN, LONG)
    assert len(run_in(made(["sqlite", "postgresql"], pytest.mark.slow))) == 2


def test_a_run_by_hand_may_have_all(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TURN, ALL)
    assert len(run_in(made([str(n) for n in range(7)], pytest.mark.turns(3)))) == 7


@pytest.mark.parametrize("folder", EITHER)
def test_a_test_is_on_one_database_in_a_build_and_on_the_other_in_the_next(folder: str) -> None:
    on_sqlite = 0
    for n in range(200):
        name = f"tests/bridge/{folder}/test_file.py::test_{n}"
        left = [
            [other_database(f"{name}[{url}-{n}]", turn) for url in ("sqlite", "postgresql")]
            for turn in range(2)
        ]
        assert [sum(each) for each in left] == [1, 1]
        assert left[0] != left[1]
        on_sqlite += left[0][1]
    assert 60 < on_sqlite < 140  # no build is of one database alone
    assert not other_database(f"{name}[sqlite_url]", 0)  # it names the one it is about


def test_heavy_tests_of_one_kind_do_not_all_have_the_same_turn() -> None:
    names = [f"tests/faults/test_{n}.py::test_{n}" for n in range(200)]
    assert 60 < sum(is_turn(name, 0, 2, 0) for name in names) < 140
