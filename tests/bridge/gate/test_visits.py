"""What sessions let a follow-up say: each alike asked about once, and what all of them say."""

import random
import re
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.gate import Wanted
from bridge.gate.authorise import PART2_RECORD, PART2_ROW, SESSION_TYPES, told_of
from bridge.gate.people import visits
from bridge.gate.viewers import present_viewer
from bridge.store.alike import SAME, Sought, told_alike
from bridge.store.by_student import of_students
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import NewEvidence, record_evidence
from bridge.store.stored import Stored
from tests.bridge.api.test_sessions_together import appointment
from tests.bridge.gate.decided_in_full import as_released, decided_in_full
from tests.bridge.gate.test_follow_pages import LEAD, SIS, answer, refer
from tests.bridge.gate.test_work_of_follow_pages import work_of
from tests.support.amended import part2_consent
from tests.support.worlds import CARE_CONSENT, NOW, World, encounter, post_session

ELEMENTS = ("referral.status", PART2_RECORD)
ANSWERS = (
    *("accepted", "in-progress", "on-hold", "accepted intake-scheduled", "rejected"),
    *("completed", "accepted", "in-progress"),
)
SNOMED = "http://snomed.info/sct"
INTAKE = {"type": [{"coding": [{"system": SNOMED, "code": "10197000"}]}]}
FAMILY = {"type": [{"coding": [{"system": SNOMED, "code": "51484002"}]}]}
PART2 = {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                                "code": "42CFRPart2"}]}}  # fmt: skip
KINDS: tuple[tuple[str, Mapping[str, object]], ...] = (
    *(("Encounter", each) for each in ({}, INTAKE, FAMILY, PART2)),
    *(("Encounter", {"status": "cancelled"}), ("Encounter", {**INTAKE, **PART2})),
    *(("Appointment", {"status": each}) for each in ("booked", "noshow", "fulfilled")),
    ("Appointment", {"status": "booked", **PART2}),
)


def post(world: World, task: Any, key: str, dice: random.Random) -> None:  # noqa: ANN401 - a resource
    """Record a session of some kind, on some consent, on some day."""
    kind, changes = dice.choice(KINDS)
    care = [{"url": CARE_CONSENT, "valueCode": dice.choice(("guardian", "guardian", "minor"))}]
    day = f"2026-10-{dice.randint(1, 28):02}"
    if kind == "Encounter":
        when = {"start": f"{day}T13:00:00-04:00", "end": f"{day}T13:45:00-04:00"}
        made = encounter(task, key, period=when, extension=care, **changes)
    else:
        if care[0]["valueCode"] == "minor":
            return
        made = appointment(task, key) | changes
        made |= {"start": f"{day}T13:00:00-04:00", "end": f"{day}T13:45:00-04:00"}
        if changes.get("type"):
            made["serviceType"] = made.pop("type")
    assert post_session(world.web(), made).status_code == 201, made


def treated(world: World, seed: int, most: int = 7) -> None:
    """Refer students, answer in every way and record sessions of every kind."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    for n, said in enumerate(ANSWERS):
        refer(world, 4 * n)
        status, _, code = said.partition(" ")
        answer(world, 4 * n, "accepted", care=dice.choice(("guardian", "guardian", "minor")))
        task = world.web().get(f"/fhir/Task/{world.id_of('Task', f'R-{4 * n}')}").json()
        for each in range(dice.randint(0, most)):
            post(world, task, f"V-{n}-{each}", dice)
        if status != "accepted" or code:
            answer(world, 4 * n, status, code)
        if dice.random() < 0.5:
            part2_consent(world, 4 * n, (PART2_RECORD, "follow", "lea"))


@pytest.mark.turns(3)
@pytest.mark.parametrize("seed", range(6))
def test_a_follow_up_says_what_all_sessions_say(seed: int, world: World) -> None:
    treated(world, seed)
    said = as_released(world, SIS)
    assert said == decided_in_full(world, SIS)
    assert len({status for _, _, status, _ in said}) > 1


@pytest.mark.turns(2)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_asked_once_for_all_alike_is_what_is_asked_of_each(seed: int, world: World) -> None:
    treated(world, seed, most=12)
    with read(world.bridge.engine) as connection:
        viewer = present_viewer(connection, SIS, world.clock)
        told = told_of(viewer, "provider", ELEMENTS, NOW, connection.dialect.name)
        every = of_students(connection, ("Task", *SESSION_TYPES), students_of(connection))
        sessions = [each for each in every if each.type in SESSION_TYPES]
        students = {each.student_id for each in every}
        met = {each.id for each in of_students(connection, SESSION_TYPES, students, told)}
        referrals = {each.referral_id for each in every}
        some = set(sorted(referrals)[::2])
        for whole in (referrals, some):
            sought = Sought(SESSION_TYPES, students, whole, referrals, PART2_ROW)
            about = {e.id for e in sessions if e.referral_id in whole or e.element == PART2_ROW}
            found = [each for each, _ in told_alike(connection, sought, told)]
            assert {each.id for each in found} == met & about
            assert len(found) == len(met & about)
            few = told_alike(connection, sought, told, 2)
            assert {each.id for each, _ in few} <= met & about
            assert {kind_of(each) for each, _ in few} == {kind_of(each) for each in found}
            assert len(few) + sum(size - 1 for _, size in few if size > 2) == len(found)
    assert 0 < len(met) < len(sessions)


def students_of(connection: Any) -> list[str]:  # noqa: ANN401 - a connection
    found = connection.exec_driver_sql("SELECT id FROM student").scalars()
    return sorted(found)


def kind_of(stored: Stored) -> tuple[object, ...]:
    return tuple(getattr(stored, name) for name in SAME)


def test_a_condition_asks_nothing_else_of_a_record(world: World) -> None:
    """What it asks besides would tell apart records that are taken to be alike."""
    with read(world.bridge.engine) as connection:
        viewer = present_viewer(connection, SIS, world.clock)
        told = told_of(viewer, "provider", ELEMENTS, NOW, connection.dialect.name)
    asked = set(re.findall(r"\brecord\.(\w+)", str(told.condition)))
    assert asked <= {*SAME, "id"}


def test_what_is_said_of_one_session_parts_it_from_those_alike(world: World) -> None:
    """One on the minor's own consent among others on the guardian's."""
    refer(world, 0)
    answer(world, 0, "accepted")
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    for n, care in enumerate(("guardian", "minor", "guardian")):
        said = [{"url": CARE_CONSENT, "valueCode": care}]
        post_session(world.web(), encounter(task, f"V-{n}", extension=said))
    with read(world.bridge.engine) as connection:
        viewer = present_viewer(connection, LEAD, world.clock)
        told = told_of(viewer, "provider", ELEMENTS, NOW, connection.dialect.name)
        students = students_of(connection)
        sessions = of_students(connection, ("Encounter",), students)
        referrals = {each.referral_id for each in sessions}
        sought = Sought(("Encounter",), students, referrals, (), PART2_ROW)
        found = {each.id for each, _ in told_alike(connection, sought, told)}
    assert found == {sessions[0].id, sessions[2].id}


def test_what_is_said_of_a_session_without_naming_a_student_parts_it_too(world: World) -> None:
    refer(world, 0)
    answer(world, 0, "accepted")
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    said = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    for n in range(3):
        post_session(world.web(), encounter(task, f"V-{n}", extension=said))
    with write(world.bridge.engine) as connection:
        students = students_of(connection)
        sessions = of_students(connection, ("Encounter",), students)
        about = NewEvidence(
            "others", "third_party_present", NOW, NOW, "test", record_id=sessions[2].id
        )
        record_evidence(connection, [about])
    with read(world.bridge.engine) as connection:
        viewer = present_viewer(connection, LEAD, world.clock)
        told = told_of(viewer, "provider", ELEMENTS, NOW, connection.dialect.name)
        sought = Sought(("Encounter",), students, {sessions[0].referral_id}, (), PART2_ROW)
        found = {each.id for each, _ in told_alike(connection, sought, told)}
    assert found == {sessions[0].id, sessions[1].id}


def grown(world: World) -> tuple[int, int]:
    """Return how many rows and steps more a page takes once a child was seen 20 times more."""
    refer(world, 0)
    answer(world, 0, "accepted")
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    care = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    found = []
    for n in range(26):
        post_session(world.web(), encounter(task, f"V-{n}", extension=care))
        if n in (5, 25):
            found.append(work_of(world, Wanted()))
    assert as_released(world, SIS)[0][2] == "services-started"
    few, many = found
    return many.rows - few.rows, many.steps - few.steps


def test_a_page_reads_no_more_however_often_a_child_was_seen(lite: World) -> None:
    rows, steps = grown(lite)
    # What is said of each session is read as a fact, twice a page, and of it nothing else.
    assert rows == 2 * 20
    assert steps < 20 * 500


def test_reading_every_session_is_caught(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "settles", lambda *_: False)
    rows, _ = grown(lite)
    assert rows >= 3 * 20


def test_a_session_of_another_referral_settles_nothing(lite: World) -> None:
    for n in (0, 4):
        refer(lite, n)
        answer(lite, n, "accepted")
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-4')}").json()
    post_session(lite.web(), encounter(task, "V-1"))
    assert [status for _, _, status, _ in as_released(lite, SIS)] == [
        "accepted",
        "services-started",
    ]
