"""What is counted says nothing of a record: not in a label, and not by counting otherwise."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge.app import create_app
from bridge.context import Bridge
from bridge.gate import Gate, Query, ReleasedResource
from bridge.identity import Caller
from bridge.measures import measures_of
from bridge.prometheus import METHODS, OTHER
from bridge.store.partners.export_progress import STATES
from bridge.store.partners.subscriptions import STATUSES
from bridge.store.vault import find
from tests.leaks.broken_gates import EVERYTHING
from tests.leaks.callers import Opened
from tests.leaks.route_table import ROUTES
from tests.leaks.test_costs import requests_about
from tests.leaks.test_one_door import ABSENT, KINDS, ids, made
from tests.support.measuring import Figures, figures, figures_in, measured
from tests.support.worlds import Web

LABELS = {
    "route": {row.path for row in ROUTES} | {"unknown"},
    "method": METHODS | {OTHER},
    "status": {f"{n}xx" for n in range(1, 6)},
    "code": {str(n) for n in range(400, 600)},
    "state": {*STATUSES, *STATES},
}
"""Every label there is, and every value it may have."""
_TIMED = ("_seconds_sum", "_seconds_bucket", "_created", "_idle_seconds", "_wal_bytes")
"""What goes by the clock, or by what the database writes down of a request."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Opened]:
    opened = made(tmp_path / "world")
    yield opened
    opened.world.bridge.engine.dispose()


def unlisted(found: Figures) -> set[tuple[str, str]]:
    """Return the labels that are not in the table."""
    said = {pair for _, labels in found for pair in labels if pair[0] != "le"}
    return {(n, v) for n, v in said if v not in LABELS.get(n, set())}


def asked(watching: Web, world: Opened) -> Web:
    return Web(watching.app, world.tokens["harbor intake"])


def test_every_label_is_of_a_closed_list_whatever_is_asked(world: Opened) -> None:
    watching = measured(world.world.bridge)
    asking, secret = asked(watching, world), "Winterbourne-1000"
    for method in ("GET", "POST", "DELETE", secret):
        for path in ("/fhir/Task/", "/fhir/", "/", "/fhir/Patient?identifier=", "/portal/"):
            asking.send(method, path + secret)
    for kind in KINDS:
        for each in ids(world, kind).values():
            for method, path, how in requests_about(kind, each):
                asking.send(method, path, **how)
    text = watching.get("/metrics").text
    known = {each for kind in KINDS for each in ids(world, kind).values()}
    assert unlisted(figures_in(text)) == set()
    assert not [each for each in (*known, secret, "harbor", "millbrook", "cove") if each in text]


def counted_apart(watching: Web, asking: Web, world: Opened) -> set[str]:
    """Return the figures that move otherwise for what is withheld than for what is absent."""
    apart: set[str] = set()
    for kind in KINDS:
        for each in ("withheld", "another's"):
            moved = []
            for record_id in (ABSENT, ids(world, kind)[each]):
                before = figures(watching)
                for method, path, how in requests_about(kind, record_id):
                    asking.send(method, path, **how)
                after = figures(watching)
                moved.append({key: after[key] - before.get(key, 0.0) for key in after})
            absent, hidden = moved
            apart |= {
                key[0]
                for key in hidden
                if hidden[key] != absent.get(key, 0.0) and not key[0].endswith(_TIMED)
            }
    return apart


def test_what_is_withheld_counts_as_what_is_absent(world: Opened) -> None:
    watching = measured(world.world.bridge)
    asking = asked(watching, world)
    counted_apart(watching, asking, world)  # what is kept after the first requests
    assert counted_apart(watching, asking, world) == set()


class CountsDenials(Gate):
    """Counts what it denied, as a gate may be proud to do."""

    def read_noted(
        self, connection: Connection, caller: Caller, key: tuple[str, str], request: str
    ) -> ReleasedResource | None:
        found = super().read_noted(connection, caller, key, request)
        measures = measures_of(connection.get_execution_options())
        if found is None and measures and find(connection, _named(key), EVERYTHING)[1]:
            measures.entered(1)
        return found


def _named(key: tuple[str, str]) -> Query:
    return Query(key[0], ids=(key[1],))


def test_a_gate_that_counts_denials_is_noticed(world: Opened) -> None:
    bridge: Bridge = world.world.bridge
    counting = CountsDenials(bridge.engine, bridge.clock, bridge.identifiers)
    watching = measured(replace(bridge, gate=counting))
    assert "schoolbridge_disclosures_total" in counted_apart(
        watching, asked(watching, world), world
    )


def test_a_label_that_holds_an_address_is_noticed(
    world: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.api.guard._template", lambda scope: scope["path"])
    watching = measured(world.world.bridge)
    record_id = ids(world, "Task")["withheld"]
    asked(watching, world).get(f"/fhir/Task/{record_id}")
    assert ("route", f"/fhir/Task/{record_id}") in unlisted(figures(watching))


def test_without_a_token_of_its_own_nothing_is_told(world: Opened) -> None:
    bridge = world.world.bridge
    off = Web(create_app(bridge)).get("/metrics")
    unknown = Web(create_app(bridge)).get("/no-such-page")
    assert (off.status_code, unknown.status_code) == (404, 404)
    watching = measured(bridge)
    for token in ("", "x", *world.tokens.values()):
        assert Web(watching.app, token).get("/metrics").status_code == 401
