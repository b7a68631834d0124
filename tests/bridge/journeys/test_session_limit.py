"""The second state's limit on sessions a minor has alone, counted from the sessions on record."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.gate import Query
from bridge.gate.authorise import Authorised, authorised
from bridge.gate.decisions import may_know
from bridge.gate.viewers import viewer_of
from bridge.journeys.families.register_release import file_release
from bridge.store.database.engine import read
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import evidence_of
from bridge.store.vault import find
from tests.bridge.journeys.test_provider_files import row, week
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    Json,
    World,
    caller,
    encounter,
    form_education,
    make_world,
    post_session,
    put_task,
    referral,
)

YY = {
    "US-XX": "US-YY",
    "state.consent": "yy.consent",
    "state.imminent": "yy.imminent",
    "session_limit: null ": "session_limit: 6 ",
}
MINOR = [{"url": CARE_CONSENT, "valueCode": "minor"}]
OWN_FORM = replace(
    FORM,
    form="minor",
    signer="Child1 Winterbourne",
    signer_relationship="ONESELF",
    expires_on=date(2027, 1, 31),
    elements=("status", "visits"),
    purposes=("attend", "follow"),
    recipient="lea",
    discloser="provider",
)


@pytest.fixture
def limited(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A bridge in the second state with one student in care on their own consent."""
    made = make_world(database_url, tmp_path, edit=YY)
    made.refer([referral(1, releases=(form_education(),))])
    task = task_of(made)
    assert put_task(made.web(), task, "accepted", extension=MINOR).status_code == 200
    file_release(made.parts, (LEA, HARBOR), "1001", OWN_FORM)
    yield made
    made.bridge.engine.dispose()


def task_of(world: World) -> Json:
    return dict(world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-1')}").json())


def meet(world: World, number: int, **changes: object) -> None:
    world.clock.advance(timedelta(days=1))
    sent = encounter(task_of(world), f"s-{number}", extension=MINOR, **changes)
    assert post_session(world.web(), sent).status_code == 201


def told(world: World) -> bool:
    """Whether the school learns what became of the referral."""
    school = world.web("millbrook-sis", "system/Task.rs")
    (line,) = school.get("/school/follow-up").json()["referrals"]
    return bool(line["status"] != "sent")


def sessions_shown(world: World) -> int:
    """Count the sessions the school may find; the filter and the decision must agree on each."""
    now = world.clock.now()
    with read(world.bridge.engine) as connection:
        viewer = replace(
            viewer_of(connection, caller("millbrook-sis")), purposes=("attend", "follow")
        )
        everything = Authorised(text("1 = 1"), {})
        stored, _ = find(connection, Query("Encounter"), everything)
        facts = evidence_of(connection, {each.student_id for each in stored}, now)
        decided = {each.id for each in stored if may_know(viewer, each, (facts, now))}
        sight = authorised(viewer, "Encounter", now, connection.dialect.name)
        let, _ = find(connection, Query("Encounter"), sight)
    assert {each.id for each in let} == decided
    return len(decided)


def test_the_school_learns_of_six_sessions_and_of_nothing_from_the_seventh_on(
    limited: World,
) -> None:
    seen = [(told(limited), sessions_shown(limited))]
    for number in range(1, 9):
        meet(limited, number)
        seen.append((told(limited), sessions_shown(limited)))
    within = [(True, number) for number in range(1, 7)]
    assert seen == [(False, 0), *within, (False, 0), (False, 0)]


def test_what_never_took_place_does_not_count_and_the_agreement_may_ask_for_fewer(
    database_url: str, tmp_path: Path
) -> None:
    fewer = {**YY, "session_limit: null ": "session_limit: 1 "}
    world = make_world(database_url, tmp_path, edit=fewer)
    world.refer([referral(1, releases=(form_education(),))])
    assert put_task(world.web(), task_of(world), "accepted", extension=MINOR).status_code == 200
    file_release(world.parts, (LEA, HARBOR), "1001", OWN_FORM)
    meet(world, 1, status="cancelled")
    assert not told(world)
    meet(world, 2)
    meet(world, 3, status="cancelled")
    assert told(world)
    meet(world, 4)
    assert not told(world)
    world.bridge.engine.dispose()


def test_sessions_of_both_roads_count_and_one_that_comes_again_counts_once(
    limited: World, tmp_path: Path
) -> None:
    for number in range(1, 6):
        meet(limited, number)
    patient = task_of(limited)["for"]["reference"].removeprefix("Patient/")
    for _ in range(2):
        week(limited, tmp_path, row(patient))
    assert told(limited)
    week(limited, tmp_path, row(patient), row(patient, **{"Appointment ID": "A-2"}))
    assert not told(limited)


def test_a_state_without_a_limit_has_nothing_counted(lite: World) -> None:
    lite.refer([referral(1, releases=(form_education(),))])
    assert put_task(lite.web(), task_of(lite), "accepted").status_code == 200
    meet(lite, 1)
    counted = EVIDENCE.select().where(EVIDENCE.c.fact == "sessions_within_limit")
    with read(lite.bridge.engine) as connection:
        assert connection.execute(counted).all() == []
