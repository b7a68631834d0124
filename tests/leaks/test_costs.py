"""What is withheld costs what is absent costs: statements, rows, bytes, and steps of the database.

The condition that authorises is part of the query, so a record that is there and withheld is looked
at once where an absent one is not found: that, and nothing else, may be more, and stays small.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bridge.app import create_app
from bridge.gate import Gate, Query, ReleasedResource, gate
from bridge.gate.accounts import account_view
from bridge.gate.authorise import Authorised
from bridge.gate.hot import together
from bridge.gate.people import follow_up
from bridge.identity import Caller
from bridge.ledger.entry import Kind, Recorded
from bridge.ledger.lookup import about
from bridge.store import vault
from bridge.store.by_student import of_students
from bridge.store.database.engine import write
from bridge.store.facts.evidence import evidence_of
from bridge.store.vault import find
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_board import rows
from tests.leaks.broken_gates import EVERYTHING
from tests.leaks.callers import Opened
from tests.leaks.test_one_door import ABSENT, KINDS, ids, made, web
from tests.leaks.two_students import ALONE, LIKE_PLAIN, PLAIN, SESSIONS, Ask, District, district_in
from tests.leaks.work import Cost, Work, called, counted
from tests.support.worlds import (
    CARE_CONSENT,
    Json,
    Web,
    World,
    encounter,
    make_world,
    post_session,
    put_task,
    referral,
)

REPEATED = 200
"""What looking at a release that repeats another may add to an account: measured 170 (of 1,400)."""
FEW_STEPS = 60 * SESSIONS
"""What looking at sessions and what was said of them may add to a page: measured 60 (of 7,000)."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Opened]:
    """A provider's own referral, one that is withheld, and one of another's."""
    opened = made(tmp_path / "world")
    web(opened).get(f"/fhir/Task/{ABSENT}")  # what is kept after the first request
    yield opened
    opened.world.bridge.engine.dispose()


def requests_about(kind: str, record_id: str) -> list[tuple[str, str, Json]]:
    """Return requests about one resource: method, path and what else is sent."""
    tag = {"If-Match": 'W/"1"'}
    task = {"resourceType": kind, "id": record_id, "status": "accepted"}
    batch = {"request": {"method": "GET", "url": f"{kind}/{record_id}"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [batch]}
    return [
        ("GET", f"/fhir/{kind}/{record_id}", {}),
        ("HEAD", f"/fhir/{kind}/{record_id}", {}),
        ("GET", f"/fhir/{kind}/{record_id}", {"headers": {"If-None-Match": 'W/"1"'}}),
        ("GET", f"/fhir/{kind}?_id={record_id}", {}),
        ("GET", f"/fhir/{kind}/{record_id}/_history", {}),
        ("GET", f"/fhir/{kind}/{record_id}/_history/1", {}),
        ("PUT", f"/fhir/{kind}/{record_id}", {"headers": tag, "json": task}),
        ("POST", "/fhir", {"json": bundle}),
    ]


def cost(world: Opened, asking: Web, request: tuple[str, str, Json]) -> Cost:
    method, path, how = request
    with counted(world.world.bridge.engine, every=True) as work:
        sent = asking.send(method, path, **how)
    return Cost(work, sent.status_code, len(sent.content) + len(str(sent.headers)))


def costs_apart(world: Opened, asking: Web, kinds: tuple[str, ...] = KINDS) -> dict[str, str]:
    """Return the requests that cost otherwise for what is withheld than for what is absent."""
    found = {}
    for kind in kinds:
        known = ids(world, kind)
        for each in ("withheld", "another's"):
            for hidden, absent in zip(
                requests_about(kind, known[each]), requests_about(kind, ABSENT), strict=True
            ):
                cost(world, asking, absent)  # a statement's first use takes more
                if apart := cost(world, asking, hidden).apart(cost(world, asking, absent)):
                    found[f"{hidden[0]} {kind} {each}"] = apart
    return found


def test_what_is_withheld_costs_what_is_absent_costs(world: Opened) -> None:
    assert costs_apart(world, web(world)) == {}


class LooksFirst(Gate):
    """Answers alike, after looking whether the record is there at all."""

    def read_noted(
        self, connection: Connection, caller: Caller, key: tuple[str, str], request: str
    ) -> ReleasedResource | None:
        query = Query(key[0], ids=(key[1],))
        if find(connection, query, EVERYTHING)[1]:
            find(connection, query, EVERYTHING)
        return super().read_noted(connection, caller, key, request)


def test_a_gate_that_works_more_for_what_is_there_is_caught(world: Opened) -> None:
    bridge = world.world.bridge
    looking = LooksFirst(bridge.engine, bridge.clock, bridge.identifiers)
    asking = Web(create_app(replace(bridge, gate=looking)), world.tokens["harbor intake"])

    assert "statements" in costs_apart(world, asking, ("Task",))["GET Task withheld"]


def test_a_search_that_fetches_what_it_then_leaves_out_is_caught(
    world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {ids(world, kind)["mine"] for kind in KINDS}

    def fetched(connection: Any, query: Query, _condition: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        kept = [each for each in find(connection, query, EVERYTHING)[0] if each.id in own]
        return kept, len(kept)

    monkeypatch.setattr(gate, "find", fetched)
    assert "rows" in costs_apart(world, web(world), ("Task",))["GET Task withheld"]


def test_a_condition_that_takes_long_where_there_is_a_record_is_caught(
    world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(connection: Any, query: Query, condition: Authorised) -> Any:  # noqa: ANN401 - as the function it stands for
        long = "(SELECT count(*) FROM record a CROSS JOIN record b WHERE a.id < record.id) >= 0"
        both = text(f"{long} AND ({condition.condition.text})")
        return find(connection, query, replace(condition, condition=both.bindparams()))

    monkeypatch.setattr(gate, "find", slow)
    assert costs_apart(world, web(world), ("Task",))["GET Task withheld"] == "steps"


def given_again(world: Opened, kind: str) -> Cost:
    """Return what an answer costs that was given before."""
    search = ("GET", f"/fhir/{kind}?_count=50", {})
    for _ in range(2):
        cost(world, web(world), search)
    return cost(world, web(world), search)


def change_unseen(world: Opened, kind: str) -> list[str]:
    """Change what is withheld of a type, and what is another's; returns their ids."""
    hidden = [ids(world, kind)[each] for each in ("withheld", "another's")]
    moved = "UPDATE record SET body = body || ' ', change = change + 1000 WHERE id = :id"
    with write(world.world.bridge.engine) as connection:
        for record_id in hidden:
            connection.execute(text(moved), {"id": record_id})
    return hidden


def test_a_search_asked_anew_only_where_something_changed_is_caught(
    world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[Query, tuple[object, str]] = {}

    def by_counter(connection: Connection, query: Query, sight: Authorised) -> str:
        changes = "SELECT count(*), sum(change) FROM record"
        last = tuple(connection.execute(text(changes)).one())
        if kept.get(query, ((),))[0] != last:
            kept[query] = (last, vault.rows(connection, query, sight))
        return kept[query][1]

    monkeypatch.setattr(together, "rows", by_counter)
    before = given_again(world, "Task")
    change_unseen(world, "Task")
    search = ("GET", "/fhir/Task?_count=50", {})
    assert "statements" in cost(world, web(world), search).apart(before)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_given_again_costs_the_same_whatever_changes_unseen(
    world: Opened, kind: str
) -> None:
    before = given_again(world, kind)
    assert before.work.statements
    assert before.work.steps > 1000
    hidden = change_unseen(world, kind)

    search = ("GET", f"/fhir/{kind}?_count=50", {})
    assert cost(world, web(world), search).apart(before) == ""
    with write(world.world.bridge.engine) as connection:
        for record_id in hidden:
            connection.execute(text("DELETE FROM record WHERE id = :id"), {"id": record_id})
    assert given_again(world, kind).apart(before) == ""


# --- what a school and a guardian ask -----------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    with district_in(tmp_path_factory.mktemp("two")) as made:
        yield made


def work_of(two: District, ask: Ask) -> tuple[Work, Counter[str]]:
    """Return what an answer takes: of the database, and of the bridge."""
    ask()  # a statement's first use takes more
    with counted(two.world.bridge.engine, every=True) as work:
        ask()
    with called() as calls:
        ask()
    # An account is itself entered: how many nodes that makes depends on how long the log is.
    del calls["verifier.py node_hash"]
    return work, calls


def tell_apart(two: District) -> dict[str, str]:
    """Return in what work tells the student who is treated alone from both of those alike."""
    plain, alone, like = (two.pages(number) for number in (PLAIN, ALONE, LIKE_PLAIN))
    found = {}
    for name in alone:
        # In turn: that somebody looked is kept, and a page that lists who did takes the more.
        first, (work, calls), last = (work_of(two, each[name]) for each in (plain, alone, like))
        others = (first, last)
        few = FEW_STEPS + (REPEATED if name == "guardian account" else 0)
        differs = {
            "statements": all(work.statements != other.statements for other, _ in others),
            "rows": all(work.rows != other.rows for other, _ in others),
            "steps": all(abs(work.steps - other.steps) > few for other, _ in others),
            "calls": all(calls != other for _, other in others),
        }
        if any(differs.values()):
            found[name] = " ".join(each for each, is_so in differs.items() if is_so)
    return found


def test_no_work_tells_which_student_is_treated_alone(two: District) -> None:
    found = tell_apart(two)
    # Calls are counted in every thread, and another may begin something of its own just then. What
    # tells students apart does so each time.
    for _ in range(2):
        if found:
            again = tell_apart(two)
            found = {name: how for name, how in found.items() if name in again}
    assert found == {}


@pytest.mark.parametrize("planted", ["facts", "sessions"])
def test_a_page_that_reads_what_it_may_not_tell_is_caught(
    two: District, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """As the pages did: they read what was known of a student, and decided that it may not go."""

    def read_all(connection: Connection, _: str, students: Collection[str], *__: object) -> Any:  # noqa: ANN401 - as the function it stands for
        if planted == "facts":
            evidence_of(connection, students, two.world.clock.now())
        else:
            of_students(connection, ("Encounter",), students)
        return frozenset[str]()

    monkeypatch.setattr(follow_up, "judged", read_all)
    assert "rows" in tell_apart(two)["referral"]


def test_an_account_that_reads_what_it_leaves_out_is_caught(
    two: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it did: it read every entry about a student, and told the first of each kind."""

    def every(connection: Connection, subject: str, _: object) -> list[tuple[Recorded, bool]]:
        told = about(connection, subject)
        return [(each, False) for each in told if each.entry.kind is Kind.RELEASE]

    monkeypatch.setattr(account_view, "first_releases", every)
    assert {"rows", "calls"} <= {*tell_apart(two)["guardian account"].split()}


def school_pages(world: World) -> dict[str, Cost]:
    """Return what each page and file of the school costs, all at the same moment."""
    visitor = Visitor.signed_in(world)
    key = min(rows(visitor.get("/portal/board").text))
    own = (f"referral/{key}", f"referral/{key}/withdraw")
    presets = ("board?show=all", "board?show=unanswered", "meeting?since=7", "meeting/paper")
    found = {}
    for page in ("board", *presets, "board.csv", "meeting", *own):
        with counted(world.bridge.engine) as work:
            answer = visitor.get(f"/portal/{page}")
        found[page] = Cost(work, answer.status_code, len(answer.content))
    with counted(world.bridge.engine) as work:
        told = world.web("millbrook-sis").get("/school/follow-up")
    return found | {"follow-up": Cost(work, told.status_code, len(told.content))}


def pages_apart(world: World, consent: str) -> set[str]:
    """Return in what the pages differ once care was accepted on somebody's consent."""
    world.refer([referral(0), referral(1)])
    school_pages(world)
    before = school_pages(world)
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    assert put_task(world.web(), task, "accepted", extension=care).status_code == 200
    for n in range(SESSIONS):
        post_session(world.web(), encounter(task, f"V-{n}", status="finished", extension=care))
    after = school_pages(world)
    most = 3 * FEW_STEPS  # each is looked at for the lines, for the page, and for how long it holds
    return {word for page in before for word in before[page].apart(after[page], most).split()}


@pytest.fixture
def district(tmp_path: Path) -> Iterator[World]:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    # The connection that made the tables compiles each statement at each run: it goes.
    made.bridge.engine.dispose()
    yield made
    made.bridge.engine.dispose()


def test_a_minor_treated_alone_costs_no_page_of_the_school_anything(district: World) -> None:
    assert pages_apart(district, "minor") == set()


def test_what_the_school_may_know_is_seen_in_what_its_pages_cost(district: World) -> None:
    assert "answer" in pages_apart(district, "guardian")
