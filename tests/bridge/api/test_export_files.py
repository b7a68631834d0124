"""Exports: whose they are, what a file holds at the moment it is sent, and what stays behind."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.api import bulk, export_files
from bridge.context import Call
from bridge.errors import NotFoundError, UnauthorizedError
from bridge.gate import ReleasedLines
from bridge.identity import TokenCache, caller_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.store.database.engine import read, write
from bridge.store.partners.export_jobs import ExportJob, drop_any_job, every_job, job_of
from bridge.store.partners.export_progress import ExportFile
from tests.support.exports import kicked_off, rows_of, served
from tests.support.worlds import Web, World, referral


def parts_of_file(world: World, caller: str = "harbor-ehr") -> Iterator[ReleasedLines]:
    """Begin an export and return the parts of its file of referrals, one row each."""
    web = world.web(caller)
    job_id = kicked_off(web, "?_type=ServiceRequest").rpartition("/")[2]
    with read(world.bridge.engine) as connection:
        job = job_of(connection, job_id, caller, world.clock.now())
        who = caller_of(connection, web.token, world.clock, TokenCache())
    assert job
    assert who
    file = ExportFile(job_id, "ServiceRequest")
    return export_files.parts_of_file(Call(world.bridge, who, "a-request"), job, file)


def ids_of(part: ReleasedLines) -> list[str]:
    return [json.loads(line)["id"] for line in part.body.splitlines()]


def revoke_last(world: World) -> None:
    request = world.id_of("ServiceRequest", "R-2")
    assert revoke_release(
        world.parts, world.bridge.identifiers.issue("release", request, "education")
    )


def told_after_revocation(world: World) -> list[str]:
    world.refer(referral(n) for n in range(3))
    parts = parts_of_file(world)
    told = ids_of(next(parts))
    revoke_last(world)
    return told + [each for part in parts for each in ids_of(part)]


def test_a_revocation_between_two_parts_takes_its_row_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "FIRST_PART", 1)
    expected = [world.id_of("ServiceRequest", f"R-{n}") for n in (0, 1)]
    assert told_after_revocation(world) == expected


def test_a_file_decided_when_it_begins_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "FIRST_PART", 1)
    careful = export_files.parts_of_file
    monkeypatch.setattr(export_files, "parts_of_file", lambda *asked: iter(list(careful(*asked))))
    assert len(told_after_revocation(lite)) == 3


def test_a_job_given_to_whoever_names_it_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(lite, 1)
    place = kicked_off(lite.web("state-hub"))

    def careless(
        connection: Connection, job_id: str, client_id: str, now: datetime
    ) -> ExportJob | None:
        return job_of(connection, job_id, "state-hub", now)

    monkeypatch.setattr(bulk, "job_of", careless)
    assert lite.web("harbor-ehr").get(place).status_code == 200


def test_a_file_is_not_given_without_a_token(lite: World) -> None:
    served(lite, 1)
    hub = lite.web("state-hub")
    url = hub.get(kicked_off(hub)).json()["output"][0]["url"]
    assert "token" not in url
    for token in ("", "wrong", hub.token[:-1]):
        assert Web(lite.app, token).get(url).status_code == 401


def test_no_file_is_written_for_an_export(lite: World) -> None:
    served(lite, 2)
    web = lite.web()
    with files_opened() as opened:
        rows_of(web, kicked_off(web))
    assert [path for path in opened if "sqlite" not in path] == []


def test_a_file_that_is_written_is_noticed(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(lite, 1)
    careful = export_files.parts_of_file

    def spooled(*asked: object) -> Iterator[ReleasedLines]:
        with (tmp_path / "spool.ndjson").open("wb") as spool:
            for part in careful(*asked):
                spool.write(part.body)
                yield part

    monkeypatch.setattr(bulk, "parts_of_file", spooled)
    web = lite.web()
    with files_opened() as opened:
        rows_of(web, kicked_off(web))
    assert {Path(path).name for path in opened} >= {"spool.ndjson"}


_WATCHING: list[list[str]] = []


@contextmanager
def files_opened() -> Iterator[list[str]]:
    """List the files that are opened for writing while the block lasts."""
    found: list[str] = []
    _WATCHING.append(found)
    try:
        yield found
    finally:
        _WATCHING.remove(found)


def _watch(event: str, given: tuple[Any, ...]) -> None:
    # A hook of the interpreter stays for ever; outside of a block it does nothing.
    if _WATCHING and event == "open" and any(c in str(given[1]) for c in "wax+"):
        for found in _WATCHING:
            found.append(str(given[0]))


sys.addaudithook(_watch)


def cancelled(world: World) -> None:
    with write(world.bridge.engine) as connection:
        (job,) = every_job(connection)
        assert drop_any_job(connection, job.id)


def test_a_cancelling_between_two_parts_breaks_the_file_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "FIRST_PART", 1)
    world.refer(referral(n) for n in range(3))
    parts = parts_of_file(world)
    assert next(parts).count == 1
    cancelled(world)
    before = world.counts()["ledger_entry"]
    with pytest.raises(NotFoundError):
        next(parts)
    assert world.counts()["ledger_entry"] == before


def test_an_export_that_expires_breaks_its_file_off(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "FIRST_PART", 1)
    lite.refer(referral(n) for n in range(3))
    parts = parts_of_file(lite)
    next(parts)
    lite.clock.advance(timedelta(hours=1))
    with pytest.raises((NotFoundError, UnauthorizedError)):
        next(parts)


def test_a_part_is_bounded_by_bytes_and_not_by_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, long = 12, "x" * 40_000
    world.refer(referral(n, description=long if n % 3 == 0 else "Cries.") for n in range(many))
    monkeypatch.setattr(export_files, "PART_BYTES", 60_000)
    monkeypatch.setattr(export_files, "PART_SECONDS", 60.0)
    told = [ids_of(part) for part in parts_of_file(world)]
    assert sorted(each for part in told for each in part) == sorted(
        world.id_of("ServiceRequest", f"R-{n}") for n in range(many)
    )
    assert [sum(n % 3 == 0 for n in part) for part in _numbers(world, told, many)] == [2, 2, 0]


def _numbers(world: World, told: list[list[str]], many: int) -> list[list[int]]:
    number = {world.id_of("ServiceRequest", f"R-{n}"): n for n in range(many)}
    return [[number[each] for each in part] for part in told]
