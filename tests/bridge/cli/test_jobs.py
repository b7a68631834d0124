"""The operator sees, ends and runs again the exports that partners have begun."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.api import export_files
from bridge.cli.jobs import row_of
from bridge.errors import BridgeError
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.partners.watch_exports import replay_export, watched_one
from bridge.store.database.engine import read, write
from bridge.store.partners.export_progress import files_of, note_broken
from tests.bridge.cli.test_accounts import run
from tests.support.exports import kicked_off, rows_of, served
from tests.support.worlds import Json, Web, World, referral


def shown(world: World, job: str) -> Json:
    with read(world.bridge.engine) as connection:
        return row_of(watched_one(connection, job, world.clock.now()))


def replay(world: World, job: str) -> None:
    with write(world.bridge.engine) as connection:
        replay_export(connection, job, world.clock.now())


def job_of(place: str) -> str:
    return place.rpartition("/")[2]


def progress_of(web: Web, place: str) -> str:
    return str(web.get(place).headers["X-Progress"])


def test_jobs_are_listed_shown_and_cancelled(lite: World) -> None:
    lite.refer([referral(0)])
    web, hub = lite.web(), lite.web("state-hub")
    person = f"Task?patient=Patient/{lite.id_of('Patient', '1000')}".replace("?", "%3F", 1)
    places = [kicked_off(web, f"?_type=Task&_typeFilter={person}"), kicked_off(hub)]
    ids = [job_of(place) for place in places]

    rows = json.loads(run(lite, "jobs", "list", "--json").output)
    assert {row["job"]: row["client"] for row in rows} == dict(
        zip(ids, ("harbor-ehr", "state-hub"), strict=True)
    )
    told = shown(lite, ids[0])
    assert (told["types"], told["filters"], told["state"]) == (["Task"], 1, "waiting")
    plain = run(lite, "jobs", "list").output + run(lite, "jobs", "show", ids[0]).output
    assert lite.id_of("Patient", "1000") not in plain

    assert run(lite, "jobs", "cancel", ids[0]).exit_code == 0
    assert web.get(places[0]).status_code == 404
    assert rows_of(hub, places[1])
    for command in ("show", "cancel", "replay"):
        assert run(lite, "jobs", command, ids[0]).exit_code == 1
    with read(lite.bridge.engine) as connection:
        assert files_of(connection, ids[1])
        assert not files_of(connection, ids[0])


def test_a_partner_and_the_operator_are_told_the_same_of_an_export(world: World) -> None:
    served(world, 3)
    web = world.web()
    place = kicked_off(web, "?_type=ServiceRequest,Task")
    assert progress_of(web, place) == "0 of 2 files, 0 rows, 0 bytes"
    first = web.get(f"{place}/Task.ndjson").content
    told = shown(world, job_of(place))
    assert (
        progress_of(web, place) == told["progress"] == f"1 of 2 files, 3 rows, {len(first)} bytes"
    )
    assert (told["state"], told["per_cent"]) == ("sending", 50.0)
    second = web.get(f"{place}/ServiceRequest.ndjson").content
    told = shown(world, job_of(place))
    whole = f"2 of 2 files, 6 rows, {len(first) + len(second)} bytes"
    assert (told["state"], told["per_cent"], told["progress"]) == ("whole", 100.0, whole)
    web.get(f"{place}/Task.ndjson")
    assert progress_of(web, place) == whole  # a file that is fetched again counts once


def test_progress_is_rate_and_estimated_end_while_a_file_is_sent(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "FIRST_PART", 1)
    served(lite, 4)
    web = lite.web()
    place, seen = kicked_off(web, "?_type=Task"), []
    slow = export_files.note_part

    def note(*given: object) -> None:
        lite.clock.advance(timedelta(seconds=10))
        slow(*(*given[:3], lite.clock.now()))  # type: ignore[arg-type] # as they came
        seen.append(lite.clock.now())

    monkeypatch.setattr(export_files, "note_part", note)
    parts = export_files.parts_of_file
    half: list[Json] = []

    def watched(*given: object) -> object:
        for number, part in enumerate(parts(*given)):  # type: ignore[arg-type] # as they came
            if number == 1:
                half.append(shown(lite, job_of(place)))
            yield part

    monkeypatch.setattr("bridge.api.bulk.parts_of_file", watched)
    assert len(web.get(f"{place}/Task.ndjson").text.splitlines()) == 4
    (told,) = half
    assert (told["rows"], told["per_cent"], told["rows_a_second"]) == (3, 75.0, 0.3)
    assert told["estimated_end"] == (seen[1] + timedelta(seconds=10 / 3)).isoformat(
        timespec="seconds"
    )


def test_an_expired_job_is_run_again_under_its_request_and_decided_anew(world: World) -> None:
    served(world, 2)
    web = world.web()
    place = kicked_off(web, "?_type=ServiceRequest")
    before = rows_of(web, place)["ServiceRequest"]
    with pytest.raises(BridgeError, match="whole"):
        replay(world, job_of(place))
    world.clock.advance(timedelta(hours=1))
    assert world.web().get(place).status_code == 404
    assert shown(world, job_of(place))["state"] == "expired"
    world.refer([referral(7)])
    request = world.id_of("ServiceRequest", "R-0")
    assert revoke_release(
        world.parts, world.bridge.identifiers.issue("release", request, "education")
    )
    replay(world, job_of(place))
    after = rows_of(world.web(), place)["ServiceRequest"]
    ids = {row["id"] for row in before} - {request} | {world.id_of("ServiceRequest", "R-7")}
    assert {row["id"] for row in after} == ids
    assert world.web("cove-ehr").get(place).status_code == 404


def test_a_job_is_forgotten_a_day_after_it_expired(lite: World) -> None:
    served(lite, 1)
    place = kicked_off(lite.web())
    rows_of(lite.web(), place)
    lite.clock.advance(timedelta(hours=25))
    other = kicked_off(lite.web())
    assert [row["job"] for row in json.loads(run(lite, "jobs", "list", "--json").output)] == [
        job_of(other)
    ]
    assert lite.counts()["export_file"] == 0
    assert run(lite, "jobs", "replay", job_of(place)).exit_code == 1


def test_an_export_that_broke_off_is_told_and_can_be_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(world, 3)
    web = world.web()
    place = kicked_off(web, "?_type=Task")
    whole = rows_of(web, place)
    with monkeypatch.context() as broken:
        broken.setattr(export_files, "FIRST_PART", 1)
        broken.setattr(export_files.Sending, "counted", lambda *_: 1 / 0)
        assert web.get(f"{place}/Task.ndjson").content == b""
    assert shown(world, job_of(place))["state"] == "broken"
    replay(world, job_of(place))
    assert shown(world, job_of(place))["state"] == "waiting"
    assert rows_of(web, place) == whole


def test_an_export_whose_reader_went_away_stands_still(lite: World) -> None:
    served(lite, 1)
    place = kicked_off(lite.web(), "?_type=Task,Patient")
    lite.web().get(f"{place}/Task.ndjson")
    lite.web().get(place)
    assert shown(lite, job_of(place))["state"] == "sending"
    lite.clock.advance(timedelta(minutes=3))
    assert shown(lite, job_of(place))["state"] == "still"


def test_a_person_watches_until_an_export_is_whole(lite: World, tmp_path: Path) -> None:
    served(lite, 1)
    web = lite.web()
    place = kicked_off(web, "?_type=Task")
    web.get(place)
    later = threading.Timer(1.0, web.get, (f"{place}/Task.ndjson",))
    later.start()
    told = run(lite, "jobs", "show", job_of(place), "--watch", "--json")
    later.join()
    assert '"state": "whole"' in told.stdout


def test_what_breaks_off_says_so_without_a_job(lite: World) -> None:
    with write(lite.bridge.engine) as connection:
        note_broken(connection, ("0" * 32, "Task", 0))
    assert lite.counts()["export_file"] == 0
