"""The Task machine is the guide's, edge for edge."""

import csv
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from mappings.fhir.task_states import (
    broken_task_rules,
    follow_up_code,
    hangs_on_visits,
    settles,
)
from mappings.fhir.terminology import table
from mappings.loop import NEW, TRANSITIONS

TABLE = Path(__file__).parents[2] / "data" / "ig" / "sdohcc_task_transitions.csv"
STATUSES = (
    *("draft", "requested", "accepted", "rejected", "cancelled"),
    *("in-progress", "on-hold", "failed", "completed", "entered-in-error"),
)


def allowed() -> set[tuple[str, str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [
            (r["from_status"], r["to_status"], r["may_set_to_status"]) for r in csv.DictReader(file)
        ]
    wide = [
        (s, to, who) for start, to, who in rows for s in (STATUSES if start == "*" else [start])
    ]
    return {(start, to, actor) for start, to, who in wide for actor in who.split(" or ")}


def task(status: str, business: str | None = None, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Task", "status": status, **more}
    if business is not None:
        made["businessStatus"] = {"coding": [table("follow-up").codings[business]]}
    return made


def visit(status: str, start: str, snomed: str = "18512000") -> dict[str, Any]:
    kind = {"coding": [{"system": "http://snomed.info/sct", "code": snomed}]}
    if status == "finished":
        return {
            "resourceType": "Encounter",
            "status": status,
            "type": [kind],
            "period": {"start": start},
        }
    return {"resourceType": "Appointment", "status": status, "serviceType": [kind], "start": start}


def test_every_move_between_two_statuses_is_as_the_guide_draws_it() -> None:
    # An event that leaves the status as it is, is no edge of the guide's diagram.
    may = {
        (move.before.status, move.after.status, move.actor)
        for move in TRANSITIONS
        if move.before.status != move.after.status or move.event == "enter-in-error"
    }
    assert may == allowed()
    assert {start for start, _, _ in may} <= {NEW.status, *STATUSES}
    assert len(may) == 33  # 19 edges, four of them for either actor, and one from each status


def test_a_status_outside_the_profile_is_never_reached() -> None:
    assert {move.after.status for move in TRANSITIONS} <= set(STATUSES)


@pytest.mark.parametrize("status", ["rejected", "cancelled", "on-hold", "failed"])
def test_a_task_that_stops_says_why(status: str) -> None:
    silent, blank = task(status), task(status, statusReason={"text": "  "})
    told = task(status, statusReason={"text": "no place free"})
    assert [issue.path for issue in broken_task_rules(silent)] == ["Task.statusReason.text"]
    assert [issue.path for issue in broken_task_rules(blank)] == ["Task.statusReason.text"]
    assert list(broken_task_rules(told)) == []


def test_a_completed_task_has_an_output() -> None:
    assert [issue.path for issue in broken_task_rules(task("completed"))] == ["Task.output"]
    done = task("completed", output=[{"type": {"text": "visit"}, "valueString": "x"}])
    assert list(broken_task_rules(done)) == []


@pytest.mark.parametrize("code", table("follow-up").rows)
def test_a_business_status_that_fits_the_status_is_the_follow_up(code: str) -> None:
    status = table("follow-up").rows[code]["task_status"]
    assert follow_up_code(task(status, code)) == code


def test_a_business_status_left_behind_by_the_status_is_not_believed() -> None:
    assert follow_up_code(task("accepted", "sent")) == "accepted"
    assert follow_up_code(task("rejected", "intake-scheduled")) == "declined-by-provider"


def test_a_referral_given_back_after_it_was_accepted_says_who_gave_it_back() -> None:
    assert follow_up_code(task("failed", "declined-by-provider")) == "declined-by-provider"
    assert follow_up_code(task("failed", "unable-to-contact")) == "unable-to-contact"


def test_scheduling_before_in_progress_is_believed() -> None:
    assert follow_up_code(task("accepted", "intake-scheduled")) == "intake-scheduled"


STATUS_ALONE = [
    ("draft", "sent"),
    ("requested", "sent"),
    ("accepted", "accepted"),
    ("rejected", "declined-by-provider"),
    ("in-progress", "accepted"),
    ("on-hold", "waitlisted"),
    ("failed", "declined-by-provider"),
    ("completed", "discharged"),
    ("cancelled", "declined-by-provider"),
    ("entered-in-error", "withdrawn-by-school"),
]


@pytest.mark.parametrize(("status", "code"), STATUS_ALONE)
def test_a_status_alone_gives_the_least_it_says(status: str, code: str) -> None:
    assert follow_up_code(task(status)) == code


BOOKED = visit("booked", "2026-09-20T13:00:00Z", "10197000")
MISSED = visit("noshow", "2026-09-10T13:00:00Z", "10197000")
INTAKE = visit("finished", "2026-09-21T13:00:00Z", "10197000")
SESSION = visit("finished", "2026-09-28T13:00:00Z")

VISITS = [
    ("in-progress", [BOOKED], "intake-scheduled"),
    ("in-progress", [MISSED], "intake-missed"),
    ("in-progress", [BOOKED, MISSED], "intake-scheduled"),
    ("in-progress", [visit("noshow", "2026-09-30T13:00:00Z"), BOOKED], "intake-missed"),
    ("in-progress", [BOOKED, INTAKE], "intake-done"),
    ("accepted", [INTAKE, SESSION], "services-started"),
    ("in-progress", [visit("cancelled", "2026-09-10T13:00:00Z")], "accepted"),
    ("on-hold", [INTAKE], "services-paused"),
    ("on-hold", [BOOKED], "waitlisted"),
    ("completed", [BOOKED], "discharged"),
]


@pytest.mark.parametrize(("status", "visits", "code"), VISITS)
def test_visits_refine_the_follow_up(status: str, visits: list[dict[str, Any]], code: str) -> None:
    assert follow_up_code(task(status), visits) == code


EVERY = [BOOKED, MISSED, INTAKE, SESSION, visit("cancelled", "2026-09-10T13:00:00Z")]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", ["", "intake-scheduled", "waitlisted", "sent"])
def test_a_visit_that_settles_a_follow_up_leaves_others_nothing_to_say(
    status: str, code: str
) -> None:
    one = task(status, code) if code else task(status)
    for size in range(3):
        for others in permutations(EVERY, size):
            if not hangs_on_visits(one):
                assert follow_up_code(one, others) == follow_up_code(one)
            for each in EVERY:
                if settles(one, each):
                    assert follow_up_code(one, [*others, each]) == follow_up_code(one, [each])


def test_some_visits_settle_a_follow_up() -> None:
    settling = {
        (status, n)
        for status in STATUSES
        for n, each in enumerate(EVERY)
        if settles(task(status), each)
    }
    assert settling == {("on-hold", 2), ("on-hold", 3), ("accepted", 3), ("in-progress", 3)}


def test_the_follow_up_table_has_its_eighteen_codes_and_only_legal_statuses() -> None:
    rows = table("follow-up").rows
    assert len(rows) == 18
    assert {row["task_status"] for row in rows.values()} <= set(STATUSES)
    assert {row["request_status"] for row in rows.values()} <= {
        "active",
        "on-hold",
        "revoked",
        "completed",
    }
