"""No large table is gone through on SQLite: its statistics are forgotten, old ones and new."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridge.gate.authorise import told_of
from bridge.gate.viewers import viewer_of
from bridge.identity import Caller, Party, Standing
from bridge.store.by_student import of_students
from bridge.store.database.engine import read, write
from bridge.store.intake import touch
from bridge.store.referrals import records_of_referral, tasks_of
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_clinic_pages import Clinic
from tests.support.worlds import (
    LEA,
    NOW,
    World,
    encounter,
    make_world,
    post_session,
    put_task,
    referral,
)

LARGE = (
    *("record", "record_version", "evidence", "search_value", "search_date", "view_change"),
    *("ledger_entry", "ledger_block", "signed_release", "student", "follow_line", "page_look"),
)
# An index of few rows alone: of two numbers that may be one child.
FEW = re.compile(r"USING (COVERING )?INDEX ix_evidence_same")
SEARCHES = (
    "Task?_sort=-_lastUpdated",
    "Task?_lastUpdated=gt2026-01-01&status=requested&_include=Task:focus&_include=Task:patient",
    "Task?identifier=R-1",
    "Task?_total=accurate",
    "ServiceRequest?identifier=R-1",
    "ServiceRequest?_revinclude=Task:focus",
    "Patient",
    "Encounter",
    "Observation",
    "Task?patient=nobody-1,nobody-2",
    "Encounter?based-on=nobody-1&patient=nobody-2",
    "Encounter?based-on=CarePlan/nobody-1",
)
OF_SOME = "FROM student CROSS JOIN record"
OWN = "INDEXED BY ix_record_student"
PAGES = ("board", "board?show=all", "board.csv", "looked", "same", "close-out", "meeting", "forms")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[World, set[str]]]:
    """A world, and every statement that SQLite is given with its values."""
    made, heard = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path), set[str]()
    made.refer([referral(n) for n in range(12)])

    def listen(driver: Any, *_: object) -> None:  # noqa: ANN401 - the database driver
        driver.set_trace_callback(heard.add)

    for name in ("connect", "checkout"):
        event.listen(made.bridge.engine, name, listen)
    made.bridge.engine.dispose()
    yield made, heard
    made.bridge.engine.dispose()


def used(world: World) -> None:
    """Do what is done all day: searches, an answer, a session, a hub's rows, pages."""
    web = world.web()
    for search in SEARCHES:
        assert web.get(f"/fhir/{search}").status_code == 200
    task = web.found("/fhir/Task")[0]
    assert post_session(web, encounter(task, "S-1")).status_code == 201
    assert put_task(web, task, "accepted").status_code == 200
    for kind in ("ServiceRequest", "Encounter"):
        assert world.web("state-hub").get(f"/fhir/{kind}").status_code == 200
    lead = Visitor.signed_in(world, "lead-1", role="referral_coordinator")
    assert {lead.get(f"/portal/{page}").status_code for page in PAGES} == {200}
    (key, *_) = re.findall(
        r"/portal/referral/([0-9a-f]{32})", lead.get("/portal/board?show=all").text
    )
    assert lead.get(f"/portal/referral/{key}").status_code == 200
    assert Clinic(world).send("GET", "/portal/work").status_code == 200


def gone_through(world: World, statements: set[str]) -> list[tuple[str, str]]:
    """Return each step of a plan that goes through a large table, and its statement's beginning."""
    return [
        (step, said[:60])
        for step, said, names in planned(world, statements)
        if (scan := re.match(r"SCAN (\w+)", step))
        and names.get(scan[1], scan[1]) in LARGE
        and not FEW.search(step)
    ]


def by_others(world: World, statements: set[str]) -> list[tuple[str, str]]:
    """Return each step by which records of some students are looked for among everybody's."""
    of_some = {said for said in statements if OF_SOME in said}
    assert of_some
    return [
        (step, said[:60])
        for step, said, _ in planned(world, of_some)
        if step.startswith("SEARCH record ") and "(student_id=" not in step
    ]


def planned(world: World, statements: set[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield each step of a plan, its statement, and which large table each short name is of."""
    with world.bridge.engine.connect() as connection:
        # Searches call them for each row (bridge.gate.hot.remembered); a plan has to know them.
        for name in sorted({each for said in statements for each in _ASKED.findall(said)}):
            connection.connection.driver_connection.create_function(  # type: ignore[union-attr] # a connection just opened
                name, -1, lambda *_: 1
            )
        for said in sorted(statements):
            if not re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)\b", said):
                continue
            names = _called(said)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}"):
                yield row[-1], said, names


_ASKED = re.compile(r"\b(?:known_as_decided|noted_as_asked)_\d+\b")


def _called(said: str) -> dict[str, str]:
    """Return which large table each short name of a statement stands for."""
    pairs = re.findall(rf"\b({'|'.join(LARGE)})\s+(?:AS\s+)?(\w+)", said)
    return {
        short: table for table, short in pairs if short.upper() == short.lower() or len(short) < 3
    }


def test_nothing_large_is_gone_through_without_statistics(told: tuple[World, set[str]]) -> None:
    world, heard = told
    used(world)
    assert len(heard) > 200
    assert gone_through(world, heard) == []


def test_records_of_some_students_are_looked_for_by_student(told: tuple[World, set[str]]) -> None:
    """Also where a viewer has one agreement, by which a consent filter then begins."""
    world, heard = told
    used(world)
    with read(world.bridge.engine) as connection:
        viewer = viewer_of(connection, Caller("", Standing(Party.LEA, LEA, "", "counselor", ())))
        one = replace(viewer, agreements=viewer.agreements[:1])
        told_to = told_of(one, "provider", ("referral.status", "sud.row"), NOW, "sqlite")
        of_students(connection, ("Appointment", "Encounter"), ["somebody", "nobody"], told_to)
    assert by_others(world, heard) == []
    # Left to choose, SQLite takes this index or the other, by what a connection happens to know.
    assert {said for said in heard if OF_SOME in said and OWN not in said} == set()
    of_one = {said for said in heard if OF_SOME in said and '"somebody"' in said}
    assert by_others(
        world, {said.replace(OWN, "INDEXED BY ix_record_agreement") for said in of_one}
    )


def test_records_of_a_referral_are_looked_for_by_its_student(told: tuple[World, set[str]]) -> None:
    world, heard = told
    several = [world.id_of("ServiceRequest", f"R-{n}") for n in (3, 4)]
    heard.clear()
    with write(world.bridge.engine) as connection:
        assert len(tasks_of(connection, several[0])) == 1
        assert len(records_of_referral(connection, several[0])) > 3
        touch(connection, several, world.clock.now())
    asked = {said for said in heard if "referral_id" in said and said.startswith("SELECT")}
    assert len(asked) == 3
    of_records = [step for step, *_ in planned(world, asked) if step.startswith("SEARCH record ")]
    assert [step for step in of_records if "ix_record_student (student_id=?)" not in step] == []
    assert len(of_records) == 3


def analysed(world: World) -> None:
    """Take statistics while every table holds a few rows, as somebody did years ago."""
    with world.bridge.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def test_statistics_that_somebody_took_are_forgotten(told: tuple[World, set[str]]) -> None:
    world, heard = told
    used(world)
    analysed(world)
    assert gone_through(world, heard) != []  # the connection that took them goes by them
    world.bridge.engine.dispose()
    assert gone_through(world, heard) == []
    with world.bridge.engine.connect() as connection:
        kept = "SELECT name FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'"
        assert connection.exec_driver_sql(kept).all() == []


def test_two_processes_forget_them_at_once_and_go_on(told: tuple[World, set[str]]) -> None:
    world, _ = told
    analysed(world)
    world.bridge.engine.dispose()
    with ThreadPoolExecutor(8) as threads:
        statuses = threads.map(lambda _: world.web().get("/fhir/Task").status_code, range(8))
        assert set(statuses) == {200}


def test_a_statement_that_goes_through_all_is_noticed(told: tuple[World, set[str]]) -> None:
    world, _ = told
    assert gone_through(world, {"SELECT r.id FROM record r WHERE r.body LIKE '%x%'"}) != []
