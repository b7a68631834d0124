"""One client has no more exports at once than a client may have; others do not notice."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.errors import SettingsError
from bridge.settings import EXPORTS_PER_CLIENT, FILE_NAME, MOST_EXPORTS, read_settings
from bridge.store.database.engine import read
from bridge.store.partners import export_jobs
from bridge.store.partners.export_jobs import KEPT_FOR, LIFETIME
from tests.support.exports import ASYNC, kicked_off, rows_of, served
from tests.support.worlds import Web, World

MOST = 3


@pytest.fixture
def limited(world: World) -> World:
    served(world, 1)
    settings = replace(world.bridge.settings, exports_per_client=MOST)
    world.app.state.bridge = replace(world.bridge, settings=settings)
    return world


def begun(web: Web) -> int:
    return web.get("/fhir/$export", headers=ASYNC).status_code


def jobs(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return int(connection.scalar(text("SELECT count(*) FROM export_job")) or 0)


def test_who_has_enough_exports_is_told_when_to_begin_the_next(limited: World) -> None:
    """Bulk Data 2.0, kick-off: 4XX with an OperationOutcome; 429 with Retry-After (RFC 6585)."""
    web, first = limited.web(), limited.clock.now()
    places = [kicked_off(web)]
    limited.clock.advance(timedelta(minutes=10))
    web = limited.web()
    places += [kicked_off(web) for _ in range(MOST - 1)]

    refused = web.get("/fhir/$export", headers=ASYNC)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == 50 * 60
    (issue,) = refused.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "throttled")
    assert "DELETE" in issue["diagnostics"]
    assert "Content-Location" not in refused.headers
    assert all(rows_of(web, place) for place in places)
    assert jobs(limited) == MOST

    assert begun(limited.web("cove-ehr")) == 202
    assert web.send("DELETE", places[1]).status_code == 202
    assert (begun(web), begun(web)) == (202, 429)
    limited.clock.advance(first + LIFETIME - limited.clock.now())
    assert (begun(limited.web()), begun(limited.web())) == (202, 429)


def test_of_those_that_have_expired_as_many_are_kept_for_a_day(limited: World) -> None:
    for _ in range(4):
        web = limited.web()
        assert [begun(web) for _ in range(MOST)] == [202] * MOST
        limited.clock.advance(LIFETIME)
    assert begun(limited.web()) == 202
    assert jobs(limited) == MOST + 1
    limited.clock.advance(KEPT_FOR + LIFETIME)
    assert begun(limited.web()) == 202
    assert jobs(limited) == 1


def at_once(world: World) -> Counter[int]:
    """Let a client begin many exports at the same time; return how they were answered."""
    web, both, answers = world.web(), threading.Barrier(8), Counter[int]()

    def begin() -> None:
        both.wait()
        answers[begun(web)] += 1

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return answers


def test_of_many_that_begin_at_once_no_more_fit_in(limited: World) -> None:
    assert at_once(limited) == {202: MOST, 429: 8 - MOST}
    assert jobs(limited) == MOST


@pytest.mark.parametrize(("written", "read_as"), [("", EXPORTS_PER_CLIENT), ("7", 7)])
def test_an_operator_says_how_many(tmp_path: Path, written: str, read_as: int) -> None:
    assert settings(tmp_path, written) == read_as


@pytest.mark.parametrize("written", ["0", "-1", "many", str(MOST_EXPORTS + 1)])
def test_what_is_no_number_of_exports_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError, match="exports_per_client is a number from 1"):
        settings(tmp_path, written)


def settings(home: Path, written: str) -> int:
    """Return how many exports a client may have, by what an operator wrote."""
    lines = 'database_url = "sqlite:///b"\nbase_url = "http://127.0.0.1:1"\nhost = "127.0.0.1"\n'
    lines += f'port = 1\nsecret = "{"s" * 40}"\n'
    lines += f'exports_per_client = "{written}"\n' if written else ""
    (home / FILE_NAME).write_text(lines, encoding="utf-8")
    return read_settings(home).exports_per_client


def test_a_client_that_is_not_counted_is_noticed(
    limited: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = export_jobs.put_job
    monkeypatch.setattr("bridge.api.bulk.put_job", lambda c, job, _: put(c, job, 1000))
    with pytest.raises(AssertionError):
        test_who_has_enough_exports_is_told_when_to_begin_the_next(limited)
