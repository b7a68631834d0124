"""Polling by time: the cursor of one poll is where the next begins, and nothing falls between."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

from bridge.clock import SystemClock
from bridge.identifiers import Identifiers
from bridge.store.database.engine import write
from bridge.store.intake import next_changes
from tests.support.worlds import Json, Web, World, make_world, put_task, referral

WRITERS, EACH = 2, 12


def poll(web: Web, cursor: str) -> tuple[list[Json], str]:
    """Return what changed since a cursor, page by page, and where to go on from."""
    path = f"/fhir/Task?_count=3{f'&_lastUpdated=gt{cursor}' if cursor else ''}"
    found: list[Json] = []
    after = ""
    while path:
        bundle = web.get(path).json()
        after = after or bundle["meta"]["lastUpdated"].replace("+00:00", "Z")
        entries = bundle.get("entry", [])
        found += [e["resource"] for e in entries if e["search"]["mode"] == "match"]
        path = {x["relation"]: x["url"] for x in bundle["link"]}.get("next", "")
    return found, after


def test_a_poller_by_time_misses_no_change_of_two_writers(
    database_url: str, tmp_path: Path
) -> None:
    world = make_world(database_url, tmp_path, SystemClock())
    world.refer([referral(999)])
    web, done = world.web(), list[int]()
    versions: set[tuple[str, str]] = set()

    def write_on(first: int) -> None:
        writer = world.web()
        for n in range(first, first + EACH):
            world.refer([referral(n)])
            task = writer.get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}").json()
            answered = put_task(writer, task, "accepted").json()
            versions.add((task["id"], answered["meta"]["versionId"]))
        done.append(first)

    threads = [threading.Thread(target=write_on, args=(1 + 100 * n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: set[tuple[str, str]] = set()
    cursor = ""
    while True:
        ended = len(done) == WRITERS
        found, cursor = poll(web, cursor)
        seen |= {(task["id"], task["meta"]["versionId"]) for task in found}
        if ended:
            break
    for thread in threads:
        thread.join()
    assert len(versions) == WRITERS * EACH
    assert versions <= seen
    # What is older than the cursor does not come again.
    assert len(poll(web, cursor)[0]) < EACH
    world.bridge.engine.dispose()


def test_a_poll_that_finds_nothing_new_is_empty(lite: World) -> None:
    lite.refer([referral(1)])
    web = lite.web()
    _, cursor = poll(web, "")
    lite.clock.advance(timedelta(seconds=5))

    again, later = poll(web, cursor)
    assert len(again) == 1  # changed in the very instant of the first poll
    assert poll(web, later)[0] == []


def test_times_of_change_never_go_back_where_a_clock_is_set_back(world: World) -> None:
    world.refer([referral(1)])
    now = world.clock.now()
    with write(world.bridge.engine) as connection:
        first, at = next_changes(connection, 1, now + timedelta(hours=1))
        second, then = next_changes(connection, 2, now)

    assert (second, then) == (first + 1, at)


def test_the_cursor_tells_when_it_was_asked_and_nothing_else(lite: World) -> None:
    web = lite.web()
    before = web.get("/fhir/Task").json()["meta"]["lastUpdated"]
    lite.refer([referral(1)], provider="cove")

    assert web.get("/fhir/Task").json()["meta"]["lastUpdated"] == before
    assert datetime.fromisoformat(before) <= lite.clock.now()


def test_a_page_link_hides_its_place_in_one_length() -> None:
    names = Identifiers("a secret of this test alone, " * 2)
    links = {names.hide(number, "x") for number in (0, 7, 2**190)}

    assert len(links) == 3
    assert len({len(link) for link in links}) == 1
    assert sorted(number for link in links if (number := names.reveal(link, "x")) is not None) == [
        0,
        7,
        2**190,
    ]
