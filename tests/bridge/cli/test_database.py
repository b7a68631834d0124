"""``schoolbridge db``: bringing tables up, and what a server says of others."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from bridge.clock import SystemClock
from bridge.ledger.halting import halt_all
from bridge.ledger.tables import HEAD
from bridge.ledger.verifier import EMPTY_ROOT
from bridge.settings import FILE_NAME
from bridge.store.database.engine import open_engine, write
from tests.bridge.migrations.test_older_databases import load
from tests.support.command_line import Said, said

Run = Callable[..., Said]

NO_DISK = "acknowledged work may be lost in a power cut"
"""What the doctor says of the tests' PostgreSQL, which flushes nothing."""


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Run a command in a deployment whose database is empty."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "database_url": database_url,
        "base_url": "http://127.0.0.1:1",
        "host": "127.0.0.1",
        "port": "1",
        "secret": "s" * 40,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (home / FILE_NAME).write_text(lines, encoding="utf-8")

    def run(*arguments: str) -> Said:
        return said(tmp_path, *arguments, "--home", str(home))

    return run


def test_a_server_on_older_tables_ends_with_one_line_that_says_what_to_do(
    run: Run, database_url: str
) -> None:
    engine = open_engine(database_url)
    load(engine, "first-tables")
    with write(engine) as connection:  # whose documents are no documents, and its logs no logs
        connection.execute(text("DELETE FROM agreement"))
        connection.execute(text("DELETE FROM ledger_head"))
    engine.dispose()
    ended = run("serve")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "schoolbridge db upgrade" in ended.stderr
    assert run("db", "check").returncode == 1
    upgraded = run("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    assert run("db", "check").returncode == 0
    assert run("ledger", "head").returncode == 0


def test_a_server_on_later_tables_ends_with_one_line_that_says_what_to_do(
    run: Run, database_url: str
) -> None:
    assert run("db", "upgrade").returncode == 0
    engine = open_engine(database_url)
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    engine.dispose()
    for command in (("serve",), ("db", "upgrade")):
        ended = run(*command)
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1
        assert "later version" in ended.stderr


def test_a_copy_is_made_and_put_in_place_by_hand(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the programs of PostgreSQL: tests/journeys/test_restoring_a_copy.py")
    database, copy = tmp_path / "bridge.db", tmp_path / "copy"
    assert run("db", "upgrade").returncode == 0
    assert run("db", "backup", str(copy)).returncode == 0
    refused = run("db", "restore", str(copy), "--without-heads")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "there already" in refused.stderr
    for file in tmp_path.glob("bridge.db*"):
        file.unlink()
    unknown = run("db", "restore", str(copy))
    assert unknown.returncode == 1
    assert "--without-heads" in unknown.stderr
    assert not database.exists()
    restored = run("db", "restore", str(copy), "--without-heads")
    assert restored.returncode == 0, restored.stderr
    assert "nothing is halted" in restored.stdout  # there is no agreement yet, so no log


def test_the_doctor_says_what_is_wrong_and_what_to_do(run: Run, database_url: str) -> None:
    engine = open_engine(database_url)
    load(engine, "before-kept-law")
    found = run("doctor", "--json")
    told = json.loads(found.stdout)
    assert found.returncode == 1
    durable = told["acknowledged_means_on_disk"]
    assert durable is database_url.startswith("sqlite")
    assert (NO_DISK in told["wrong"]) is not durable
    assert told["database"].split()[0] in ("SQLite", "PostgreSQL")
    assert "schoolbridge db upgrade" in told["wrong"][-1]
    run("db", "upgrade")
    with write(engine) as connection:
        connection.execute(text("UPDATE ledger_head SET recorded_at = '2199-01-01 00:00:00'"))
        halt_all(connection, ())
        connection.execute(
            text("INSERT INTO opening VALUES (:at, 'x', '', 0, 3, :at)"), {"at": "2026-11-01"}
        )
    engine.dispose()
    told = json.loads(run("doctor", "--json").stdout)
    (aside,) = [each for each in told["wrong"] if "could not be looked at" in each]
    assert "1 student" in aside
    assert "tried 3 times" in aside
    behind, halted, *_ = [each for each in told["wrong"] if each != NO_DISK]
    assert "behind the ledger" in behind
    assert "ledger halted" in halted


def test_a_database_that_is_not_there_is_said_to_be_so_and_not_made(
    run: Run, database_url: str
) -> None:
    if not database_url.startswith("sqlite"):
        (wrong, *_) = json.loads(run("doctor", "--json").stdout)["wrong"][1:]
        assert wrong.startswith("the database has no tables")
        return
    file = Path(database_url.removeprefix("sqlite:///"))
    (wrong,) = json.loads(run("doctor", "--json").stdout)["wrong"]
    assert wrong.startswith(f"the database {file.name} is not there")
    for command in (("check",), ("backup", str(file.with_name("copy"))), ("purge",)):
        asked = run("db", *command)
        assert (asked.returncode, asked.stderr.count("\n")) == (1, 1), asked.stderr
        assert "db restore" in asked.stderr
    assert not list(file.parent.glob(f"{file.name}*"))


def test_roles_are_made_by_hand(run: Run, database_url: str) -> None:
    assert run("db", "roles").returncode == 1  # there are no tables yet
    assert run("db", "upgrade").returncode == 0
    only_told, made, again = run("db", "roles", "--sql"), run("db", "roles"), run("db", "roles")
    if database_url.startswith("sqlite"):
        assert "SQLite has no roles" in made.stderr
        return
    assert (only_told.returncode, made.returncode, again.returncode) == (0, 0, 0), made.stderr
    assert only_told.stdout == made.stdout
    assert "NOLOGIN" in made.stdout
    assert "NOLOGIN" not in again.stdout
    assert json.loads(run("doctor", "--json").stdout)["wrong"] == [NO_DISK]


def test_doctor_says_that_the_clock_is_behind_the_ledger(run: Run, database_url: str) -> None:
    assert run("db", "upgrade").returncode == 0
    engine = open_engine(database_url)
    with write(engine) as connection:
        tomorrow = SystemClock().now() + timedelta(days=1)
        head = {"log": "mou-1", "size": 0, "peaks": b"", "root": EMPTY_ROOT, "halted": False}
        connection.execute(insert(HEAD).values(head | {"recorded_at": tomorrow}))
    engine.dispose()
    said = run("doctor")
    assert said.returncode == 1
    assert "s behind the ledger; nothing leaves" in said.stdout
