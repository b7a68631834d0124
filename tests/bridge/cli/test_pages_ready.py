"""Lists of referrals are made ready by a command, by an import, and by a server that runs."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.cli import serving
from bridge.store.database.engine import open_engine, read, write
from bridge.store.people.follow_work import how_far
from tests.bridge.cli.test_accounts import run
from tests.faults.deployment import kill, make_deployment
from tests.support.worlds import LEA, World, referral

SIGN_IN = f"""
[directory.{LEA}]
issuer = "https://login.millbrook.example"
client_id = "schoolbridge"
[directory.{LEA}.roles]
"Coordinator" = "referral_coordinator"
"""
WHOSE = f"lea {LEA} referral_coordinator follow"


def test_jobs_ready_makes_the_lists_of_every_role_ready(lite: World) -> None:
    lite.refer([referral(n) for n in range(12)])
    assert run(lite, "jobs", "pages", more=SIGN_IN).output == ""
    done = run(lite, "jobs", "ready", "--json", more=SIGN_IN)
    assert json.loads(done.output) == {"students_made_ready": 12}
    (row,) = json.loads(run(lite, "jobs", "pages", "--json", more=SIGN_IN).output)
    assert (row["pages_of"], row["referrals"], row["students_left"]) == (WHOSE, 12, 0)
    plain = run(lite, "jobs", "pages", more=SIGN_IN).output
    assert plain.startswith(f"pages of: {WHOSE}  referrals: 12  students left: 0  as of: ")


def test_an_upgrade_and_an_import_end_with_ready_lists(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(n) for n in range(12)])
    with read(lite.bridge.engine) as connection:
        assert how_far(connection) == []
    assert run(lite, "db", "upgrade", "--no-ready", more=SIGN_IN).exit_code == 0
    with read(lite.bridge.engine) as connection:
        assert how_far(connection) == []
    assert run(lite, "db", "upgrade", more=SIGN_IN).exit_code == 0
    with read(lite.bridge.engine) as connection:
        assert [(each.lines, each.due) for each in how_far(connection)] == [(12, 0)]


def test_a_calendar_that_cannot_be_read_fails_no_import(lite: World) -> None:
    lite.refer([referral(n) for n in range(12)])
    folder = lite.bridge.settings.calendars_folder
    folder.mkdir(exist_ok=True)
    (folder / f"{LEA}.csv").write_text("not,a,calendar\n", encoding="utf-8")
    done = run(lite, "db", "upgrade", more=SIGN_IN)
    assert done.exit_code == 0
    assert f"its pages are left to the server: {LEA}.csv" in done.output
    assert run(lite, "jobs", "ready", more=SIGN_IN).exit_code == 1


def test_an_agreement_that_cannot_be_read_fails_no_upgrade(lite: World) -> None:
    with write(lite.bridge.engine) as connection:
        connection.execute(text("UPDATE agreement SET template_text = 'no document'"))
    done = run(lite, "db", "upgrade", more=SIGN_IN)
    assert (done.exit_code, "tables are at: r" in done.output) == (0, True)
    assert "its pages are left to the server" in done.output


@pytest.mark.slow
def test_a_server_that_runs_makes_them_ready_by_itself(database_url: str, tmp_path: Path) -> None:
    made = make_deployment(tmp_path / "home", database_url, referrals=12)
    settings = made.home / "schoolbridge.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SIGN_IN, encoding="utf-8")
    server, engine = made.start(), open_engine(database_url_of(settings))
    try:
        made.wait(server)
        until, found = time.monotonic() + 10 * serving.READY_SECONDS, []
        while not found and time.monotonic() < until:
            time.sleep(0.1)
            with read(engine) as connection:
                query = "SELECT count(*) FROM follow_line"
                found = [n for n in connection.scalars(text(query)) if n == 12]
        assert found == [12]
    finally:
        kill(server)
        engine.dispose()


def database_url_of(settings: Path) -> str:
    """Return the address of a deployment's database, in whatever folder it is given from."""
    from bridge.settings import read_settings  # noqa: PLC0415 - for this alone

    return read_settings(settings.parent).database_url
