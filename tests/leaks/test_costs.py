"""What is withheld costs what is absent costs: statements, rows, bytes, and steps of the database.

The condition that authorises is part of the query, so a record that is there and withheld is looked
at once where an absent one is not found: that, and nothing else, may be more, and stays small.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bridge.app import create_app
from bridge.gate import Gate, Query, ReleasedResource, gate
from bridge.gate.authorise import Authorised
from bridge.identity import Caller
from bridge.store.engine import write
from bridge.store.vault import find
from tests.leaks.broken_gates import EVERYTHING
from tests.leaks.callers import Opened
from tests.leaks.test_one_door import ABSENT, KINDS, ids, made, web
from tests.leaks.work import Work, counted
from tests.support.worlds import Json, Web

MOST_STEPS = 200
"""What looking at one record that is there may add: measured 167 (of 3,206 for an absent one)."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Opened]:
    """A provider's own referral, one that is withheld, and one of another's."""
    opened = made(tmp_path / "world")
    web(opened).get(f"/fhir/Task/{ABSENT}")  # what is kept after the first request
    yield opened
    opened.world.bridge.engine.dispose()


@dataclass(frozen=True)
class Cost:
    """What an answer took, and how much of it there is."""

    work: Work
    status: int
    length: int

    def apart(self, other: "Cost") -> str:
        """Return in what two costs differ; "" where nothing tells them apart."""
        mine, theirs = self.work, other.work
        found = {
            "statements": mine.statements != theirs.statements,
            "rows": mine.rows != theirs.rows,
            "answer": (self.status, self.length) != (other.status, other.length),
            "steps": abs(mine.steps - theirs.steps) > MOST_STEPS,
        }
        return " ".join(name for name, differs in found.items() if differs)


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
    with counted(world.world.bridge.engine) as work:
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

    def fetched(connection: Any, query: Query, _condition: Any) -> Any:  # noqa: ANN401
        kept = [each for each in find(connection, query, EVERYTHING)[0] if each.id in own]
        return kept, len(kept)

    monkeypatch.setattr(gate, "find", fetched)
    assert "rows" in costs_apart(world, web(world), ("Task",))["GET Task withheld"]


def test_a_condition_that_takes_long_where_there_is_a_record_is_caught(
    world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(connection: Any, query: Query, condition: Authorised) -> Any:  # noqa: ANN401
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


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_given_again_costs_the_same_whatever_changes_unseen(
    world: Opened, kind: str
) -> None:
    before = given_again(world, kind)
    hidden = [ids(world, kind)[each] for each in ("withheld", "another's")]
    moved = "UPDATE record SET body = body || ' ', change = change + 1000 WHERE id = :id"
    with write(world.world.bridge.engine) as connection:
        for record_id in hidden:
            connection.execute(text(moved), {"id": record_id})

    search = ("GET", f"/fhir/{kind}?_count=50", {})
    assert cost(world, web(world), search).apart(before) == ""
    with write(world.world.bridge.engine) as connection:
        for record_id in hidden:
            connection.execute(text("DELETE FROM record WHERE id = :id"), {"id": record_id})
    assert given_again(world, kind).apart(before) == ""
