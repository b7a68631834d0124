"""A student is erased, and what is kept for days goes when they are over, by hand."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.clock import SystemClock
from bridge.store import erasing
from bridge.store.database import engine
from bridge.store.database.engine import read, write
from bridge.store.people.drafts import KeptDraft, put_draft
from bridge.store.people.page_looks import PageLook, add_look, looks_of
from bridge.store.people.roster_entries import put_roster_entries
from tests.bridge.cli.test_accounts import run
from tests.support.worlds import CARE_CONSENT, LEA, World, put_task, referral

GIVEN = "Quillenhardt-Osei"
GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
ERASE = ("student", "erase", "1001", "--lea", LEA, "--by", "records-office", "--because")


def test_a_student_is_erased_once_nothing_is_open(lite: World) -> None:
    lite.refer([referral(1), referral(2)])
    assert run(lite, *ERASE, "boredom").exit_code == 1
    assert run(lite, *ERASE, "order").exit_code == 1  # the provider has not answered
    web = lite.web()
    task = web.get(f"/fhir/Task/{lite.id_of('Task', 'R-1')}").json()
    assert put_task(web, task, "rejected", extension=GUARDIAN).status_code == 200

    done = run(lite, *ERASE, "order", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    erased = json.loads(done.output)["erased"]

    assert erased["student"] == 1
    assert erased["record"] > 3
    assert lite.counts()["student"] == 1
    assert run(lite, *ERASE, "order").exit_code == 1  # nobody has that number any more


def left_in_files(world: World, told: str) -> list[str]:
    """Return which files of a database on SQLite hold a text."""
    path = Path(world.bridge.settings.database_url.removeprefix("sqlite:///"))
    files = [path, Path(f"{path}-wal"), Path(f"{path}-journal")]
    return [each.name for each in files if each.is_file() and told.encode() in each.read_bytes()]


def test_no_file_of_the_database_holds_an_erased_student(lite: World) -> None:
    lite.refer([referral(1, student={"given_name": GIVEN}), referral(2)])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-1')}").json()
    assert put_task(lite.web(), task, "rejected", extension=GUARDIAN).status_code == 200
    assert left_in_files(lite, GIVEN) != []

    done = run(lite, *ERASE, "order", "--json")
    assert json.loads(done.output)["log_emptied"] is True, done.output
    assert left_in_files(lite, GIVEN) == []


def test_a_log_that_was_not_emptied_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "clear_log", lambda _: False)
    lite.refer([referral(1, student={"given_name": GIVEN})])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-1')}").json()
    assert put_task(lite.web(), task, "rejected", extension=GUARDIAN).status_code == 200
    done = run(lite, *ERASE, "order", "--json")
    assert json.loads(done.output)["log_emptied"] is False
    assert left_in_files(lite, GIVEN) != []


def test_deleted_rows_that_are_not_overwritten_are_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = [each.replace("secure_delete=ON", "secure_delete=OFF") for each in engine._PRAGMAS]
    monkeypatch.setattr(engine, "_PRAGMAS", forgetful)
    lite.refer([referral(1, student={"given_name": GIVEN}), referral(2)])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-1')}").json()
    assert put_task(lite.web(), task, "rejected", extension=GUARDIAN).status_code == 200
    done = run(lite, *ERASE, "order", "--json")
    assert json.loads(done.output)["log_emptied"] is True, done.output
    assert left_in_files(lite, GIVEN) == ["bridge.db"]


def test_what_is_kept_for_days_goes_when_they_are_over(lite: World) -> None:
    lite.refer([referral(1), referral(2)])
    now = SystemClock().real_now()
    with write(lite.bridge.engine) as connection:
        for days in (2191, 2193):
            at = now - timedelta(days=days)
            add_look(connection, PageLook(str(days), LEA, at, "staff:a", "counselor", "/portal"))
        for name, hours in (("old", -1), ("new", 1)):
            ends = now + timedelta(hours=hours)
            put_draft(connection, KeptDraft(name, "somebody", "refer", "sealed", "", ends))
        students = connection.execute(text("SELECT id FROM student")).scalars().all()
        for student, days in zip(students[:2], (399, 401), strict=True):
            put_roster_entries(connection, {student: "sealed"}, now - timedelta(days=days))

    gone = {"drafts": 1, "looks": 1, "roster": 1}
    assert json.loads(run(lite, "db", "purge", "--json").output) == gone

    with read(lite.bridge.engine) as connection:
        assert [look.id for look in looks_of(connection, LEA, (0, 10))] == ["2191"]
    assert lite.counts()["portal_draft"] == lite.counts()["roster_entry"] == 1
    assert run(lite, "db", "purge", "--looks-after", "30").exit_code == 2
    sooner = run(lite, "db", "purge", "--looks-after", "400", "--json")
    assert json.loads(sooner.output)["looks"] == 1
