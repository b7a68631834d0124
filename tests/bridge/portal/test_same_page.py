"""Two records stand side by side; a person says what is true, and at any time takes it back."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.gate import Query
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.record_releases import revoke_release
from bridge.schema import metadata
from bridge.store.database.engine import read
from tests.bridge.portal.entering import Visitor, words
from tests.bridge.portal.test_board import MINOR, answered
from tests.leaks.work import Work, counted
from tests.support.worlds import LEA, World, caller, make_world, referral

# What is said of each number apart from the other: nothing, an order against the provider, or its
# forms withdrawn. Which of both is kept, and that every order holds for both afterwards.
WAYS = tuple(itertools.product(("", "order", "withdrawn"), ("", "order", "withdrawn"), (0, 1)))


def lead(world: World, handle: str = "lead-1") -> Visitor:
    return Visitor.signed_in(world, handle, role="referral_coordinator")


def student(world: World, number: int) -> str:
    return world.bridge.identifiers.issue("student", LEA, str(1000 + number))


def place(world: World, first: int, second: int) -> str:
    return f"/portal/same/{student(world, first)}/{student(world, second)}"


def seen(world: World) -> dict[str, object]:
    """Return what the provider reads: each referral that leaves, as it leaves."""
    found = world.bridge.gate.search(caller(), Query("ServiceRequest", limit=200))
    bodies = {match.id: json.loads(match.body) for match in found.matches}
    for body in bodies.values():
        body["meta"].pop("lastUpdated")  # pollers are told of it again
    return bodies


def rows(world: World) -> dict[str, list[str]]:
    """Return every row of what is known, but the order of changes, which pollers go by."""
    moved = {"change", "last_updated", "version"}
    aside = {"view_change", "change_counter", "page_look", "identity_staff_session"}
    kept = {}
    with read(world.bridge.engine) as connection:
        for table in metadata.sorted_tables:
            if table.name in aside or table.name.startswith("ledger"):
                continue
            where = " WHERE source <> 'same-student'" if table.name == "evidence" else ""
            found = connection.execute(text(f"SELECT * FROM {table.name}{where}"))  # noqa: S608 - names of ours
            said = [{k: v for k, v in row.items() if k not in moved} for row in found.mappings()]
            kept[table.name] = sorted(map(repr, said))
    return kept


def said_alone(world: World, number: int, way: str) -> None:
    if way == "order":
        record_order(world.parts, student(world, number), Order(party="provider"))
    if way == "withdrawn":
        request = world.id_of("ServiceRequest", f"R-{number}")
        for form in ("education", "health"):
            revoke_release(world.parts, world.bridge.identifiers.issue("release", request, form))


def test_what_differs_is_marked_in_words_and_nothing_is_decided(world: World) -> None:
    world.refer([referral(0), referral(1, student={"given_name": "Child0"})])
    before = seen(world)

    page = lead(world).get(place(world, 0, 1))

    said = words(page)
    assert "Student ID 1000 1001 Differs" in said
    assert "First name Child0 Child0 The same" in said
    assert "Nothing is said of these two" in said
    assert seen(world) == before


def test_a_person_finds_two_records_by_their_numbers(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor = lead(world)

    found = visitor.post("/portal/same", first="1000", second="1001")
    assert (found.status_code, found.headers["location"]) == (303, place(world, 0, 1))
    for second, told in (("1000", "Enter two different numbers."), ("9", "No student of the")):
        wrong = visitor.post("/portal/same", first="1000", second=second)
        assert wrong.status_code == 422
        assert told in words(wrong)


def test_it_is_for_who_leads_and_for_the_own_district(world: World) -> None:
    world.refer([referral(0), referral(1)])
    for visitor in (
        Visitor.signed_in(world),
        Visitor.signed_in(world, district="elsewhere", role="principal"),
    ):
        assert visitor.get(place(world, 0, 1)).status_code == 404
        assert visitor.post(place(world, 0, 1), choice="first").status_code == 404
    assert len(seen(world)) == 2


def test_not_sure_holds_both_back_and_can_be_said_after_an_answer(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor, here = lead(world), place(world, 0, 1)
    assert visitor.post(here, choice="first").status_code == 303
    assert len(seen(world)) == 1
    assert visitor.post(here, choice="doubt").status_code == 303
    assert seen(world) == {}
    assert "1000 1001" in words(visitor.get("/portal/same"))
    assert visitor.post(here, choice="both").status_code == 303
    assert len(seen(world)) == 2


def work_of(world: World) -> list[Work]:
    """Return the work of finding two records, and of both side by side."""
    visitor, works = lead(world), []
    for path in ("/portal/same", place(world, 0, 1)):
        visitor.get(path)
        with counted(world.bridge.engine) as work:
            visitor.get(path)
        works.append(work)
    return works


def test_two_records_are_looked_up_alone_in_a_district_of_many(lite: World) -> None:
    lite.refer([referral(n) for n in range(4)])
    assert lead(lite).post(place(lite, 2, 3), choice="doubt").status_code == 303
    few = work_of(lite)
    lite.refer([referral(n) for n in range(4, 40)])
    for before, after in zip(few, work_of(lite), strict=True):
        assert after.statements == before.statements
        assert after.rows <= before.rows + 4
        assert after.steps <= before.steps * 1.15


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with two students for each way, and what is said of each alone."""
    folder: Path = tmp_path_factory.mktemp("same")
    made = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
    made.refer([referral(n) for n in range(2 * len(WAYS))])
    for case, (one, other, _) in enumerate(WAYS):
        said_alone(made, 2 * case, one)
        said_alone(made, 2 * case + 1, other)
    yield made
    made.bridge.engine.dispose()


def test_what_leaves_afterwards_is_what_both_let_leave_and_undone_all_is_as_before(
    ways: World,
) -> None:
    before, stood = seen(ways), rows(ways)
    visitor = lead(ways)
    for case, (_, _, keep) in enumerate(WAYS):
        answer = visitor.post(place(ways, 2 * case, 2 * case + 1), choice=("first", "second")[keep])
        assert answer.status_code == 303

    # INVARIANT: the forms of the kept number alone, and no order of either against it.
    expected = {}
    for case, (one, other, keep) in enumerate(WAYS):
        request = ways.id_of("ServiceRequest", f"R-{2 * case + keep}")
        if "order" not in (one, other) and request in before:
            expected[request] = before[request]
    after = seen(ways)
    assert set(after) == set(expected)
    assert 0 < len(after) < len(before)

    for case in range(len(WAYS)):
        assert visitor.post(f"{place(ways, 2 * case, 2 * case + 1)}/undo").status_code == 303
    assert rows(ways) == stood
    assert seen(ways) == before


def test_who_said_so_stands_in_the_ledger_and_undoing_too(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor, here = lead(world), place(world, 0, 1)
    visitor.post(here, choice="second")
    visitor.post(f"{here}/undo")
    visitor.post(f"{here}/undo")
    with read(world.bridge.engine) as connection:
        found = connection.exec_driver_sql("SELECT body FROM ledger_entry").scalars()
        told = [str(body) for body in found if "lead-1" in str(body)]
    # Three steps, two students, the agreements with two providers.
    assert len(told) == 12
    assert sum("undone" in body for body in told) == 4


def test_a_minor_treated_alone_changes_nothing_of_two_side_by_side_before_or_after(
    lite: World, make_twin: Callable[[], World]
) -> None:
    shown = []
    for world, alone in ((lite, False), (make_twin(), True)):
        world.refer([referral(0), referral(1)])
        if alone:
            answered(world, 0, "accepted", MINOR)
        leading, at = lead(world), place(world, 0, 1)
        pages = [leading.get(at).text]
        for said in ("doubt", "first"):
            given = leading.post(at, choice=said)
            pages += [str(given.status_code), leading.get(at).text]
        shown.append([re.sub("[0-9a-f]{64}", "", page) for page in pages])
    assert shown[0] == shown[1]
    assert shown[0][1::2] == ["303", "303"]


def test_an_order_of_the_number_that_goes_is_asked_for_first(lite: World) -> None:
    lite.refer([referral(1), referral(2)])
    record_order(lite.parts, student(lite, 2), Order(guardian="Max Winterbourne"))
    shown = lead(lite).post(place(lite, 1, 2), choice="first")
    assert shown.status_code == 422
    assert "order keeps a guardian out" in words(shown)
    assert seen(lite) == {}
