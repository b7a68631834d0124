"""What an operator's monitoring is told: counts of the work, and what waits."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bridge.app import deliveries_of, open_bridge
from bridge.errors import SettingsError
from bridge.journeys.partners import deliver_notifications
from bridge.journeys.partners.deliver_notifications import Deliveries
from bridge.journeys.running.look_at_queues import look_at_queues
from bridge.settings import FILE_NAME, read_settings
from bridge.store.database.engine import write
from bridge.store.database.group_commit import commit_together
from bridge.store.database.outages import NoConnectionFreeError
from bridge.store.directory import HeldEntry, put_held
from bridge.store.partners.subscriptions import every_subscription, put_events, set_subscription
from tests.faults.deployment import kill, make_deployment, workers_of
from tests.support.exports import kicked_off, rows_of, served
from tests.support.measuring import TOKEN, Figures, figures, figures_in, measured, total
from tests.support.receiver import Receiver
from tests.support.subscribing import active
from tests.support.worlds import LEA, Web, World


def test_requests_are_counted_by_route_and_class_and_what_left_in_all(world: World) -> None:
    served(world, 2)
    watching = measured(world.bridge)
    asking = Web(watching.app, world.web().token)
    before = figures(watching)
    tasks = asking.found("/fhir/Task")
    for task in (*tasks, {"id": "none"}):
        asking.get(f"/fhir/Task/{task['id']}")
    asking.send("BREW", "/fhir/Task")
    now = figures(watching)

    count, reads = "schoolbridge_request_seconds_count", "/fhir/{kind}/{record_id}"
    assert total(now, count, route=reads, status="2xx") == 2
    assert total(now, count, route=reads, status="4xx") == 1
    assert total(now, count, route="/fhir/{kind}", method="GET", status="2xx") == 1
    assert total(now, count, method="other") == 1
    assert total(now, "schoolbridge_refused_requests_total", code="404") == 1
    left = "schoolbridge_disclosures_total"
    assert total(now, left) - total(before, left) >= 4
    assert total(now, "schoolbridge_read_batch_requests_sum") == 4


def test_commits_are_counted_with_what_they_made_durable_and_what_was_waited(
    world: World,
) -> None:
    watching = measured(world.bridge)
    before = figures(watching)
    for _ in range(3):
        commit_together(world.bridge.engine, lambda _: None)
    now = figures(watching)
    for name in ("schoolbridge_commit_units_sum", "schoolbridge_commit_wait_seconds_count"):
        assert total(now, name) - total(before, name) == 3
    with write(world.bridge.engine):
        time.sleep(0.01)


def test_what_waits_is_told(world: World, receiver: Receiver) -> None:
    served(world, 1)
    web = world.web()
    done, asked = kicked_off(web, "?_type=Task"), kicked_off(web, "?_type=Task")
    rows_of(web, done)
    web.get(asked)
    subscribed = active(world, receiver)
    real = world.clock.real_now()
    with write(world.bridge.engine) as connection:
        put_held(connection, LEA, [HeldEntry("s", "f.csv", 2, "k", ("why",))], real)
        (row,) = every_subscription(connection)
        put_events(connection, row, ["a", "b"], real - timedelta(seconds=90))
        set_subscription(connection, row.id, events=row.events + 2)
    assert subscribed
    world.clock.advance(timedelta(seconds=30))
    now = figures(measured(world.bridge))

    def told(name: str, **labels: str) -> float:
        return total(now, f"schoolbridge_{name}", **labels)

    assert told("notifications_waiting", state="active") == 2
    assert told("notification_oldest_seconds") >= 90
    assert told("subscriptions", state="active") == 1
    assert (told("export_jobs", state="whole"), told("export_jobs", state="waiting")) == (1, 1)
    assert (told("held_rows"), told("ledger_halted_logs")) == (1, 0)
    assert told("students_set_aside") == 0
    assert told("ledger_idle_seconds") >= 30
    has_log = ("schoolbridge_sqlite_wal_bytes", ()) in now
    assert has_log == (world.bridge.engine.dialect.name == "sqlite")


def looked_meanwhile(world: World, worker: Deliveries) -> float:
    """Let a worker go on for a moment; return how often it was seen to look."""
    watching, ended = measured(world.bridge), threading.Event()
    working = threading.Thread(target=worker.run, args=(ended,))
    working.start()
    time.sleep(0.3)
    ended.set()
    working.join(timeout=20)
    return total(figures(watching), "schoolbridge_delivery_looks_total")


def test_a_worker_that_looks_at_what_is_to_be_sent_is_seen_and_one_that_cannot_is_not(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_notifications, "PAUSE", 0.02)
    worker = deliveries_of(lite.bridge)
    assert looked_meanwhile(lite, worker) >= 2

    def broken(_: object) -> int:
        raise NoConnectionFreeError

    monkeypatch.setattr(worker, "begin", broken)
    assert looked_meanwhile(lite, worker) == 0


def test_dead_letters_are_those_of_subscriptions_in_error(lite: World, receiver: Receiver) -> None:
    active(lite, receiver)
    with write(lite.bridge.engine) as connection:
        (row,) = every_subscription(connection)
        put_events(connection, row, ["a"], lite.clock.real_now())
        set_subscription(connection, row.id, events=row.events + 1, status="error")
    queues = look_at_queues(lite.parts)
    assert (queues.notifications["error"], queues.oldest) == (1, 0.0)


def test_a_token_is_long_and_without_one_nothing_is_counted(lite: World, tmp_path: Path) -> None:
    deployment = make_deployment(tmp_path / "home", "sqlite:///bridge.db")
    file = deployment.home / FILE_NAME
    bridge = open_bridge(read_settings(deployment.home))
    assert bridge.measures is None
    bridge.engine.dispose()
    with file.open("a") as settings:
        settings.write('metrics_token = "short"\n')
    with pytest.raises(SettingsError, match="32 letters"):
        read_settings(deployment.home)
    assert TOKEN not in repr(replace(lite.bridge.settings, metrics_token=TOKEN))


def asked_of(url: str) -> Figures:
    with httpx.Client(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as web:
        return figures_in(web.get(f"{url}/metrics").raise_for_status().text)


def test_several_processes_tell_one_sum_that_does_not_go_back_when_one_dies(
    tmp_path: Path,
) -> None:
    deployment = make_deployment(tmp_path / "home", "sqlite:///bridge.db")
    with (deployment.home / FILE_NAME).open("a") as settings:
        settings.write(f'metrics_token = "{TOKEN}"\n')
    deployment.workers = 2
    server = deployment.start()
    try:
        deployment.wait(server)
        for _ in range(30):  # a connection each: either process may answer
            httpx.get(f"{deployment.base_url}/fhir/metadata", trust_env=False)
        name, labels = "schoolbridge_request_seconds_count", {"route": "/fhir/metadata"}
        told = [total(asked_of(deployment.base_url), name, **labels) for _ in range(6)]
        assert told == [30] * 6
        for worker in workers_of(server)[:1]:
            worker.kill()
            worker.wait()
        deployment.wait(server)
        assert total(asked_of(deployment.base_url), name, **labels) == 30
    finally:
        kill(server)
