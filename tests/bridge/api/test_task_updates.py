"""A provider answers over HTTP: the state machine, versions, and what it may not touch."""

import csv
import functools
import threading
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from bridge.journeys.answers import answer_referral
from bridge.store.database.engine import write
from bridge.store.intake import amend
from tests.support.worlds import (
    CARE_CONSENT,
    Json,
    World,
    caller,
    moved,
    put_task,
    referral,
)

STATUSES = (
    "draft",
    "requested",
    "accepted",
    "rejected",
    "in-progress",
    "on-hold",
    "completed",
    "failed",
    "cancelled",
    "entered-in-error",
)
FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"
CARE = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
GUIDE = Path(__file__).parents[2] / "data" / "ig" / "sdohcc_task_transitions.csv"


def legal_moves() -> set[tuple[str, str]]:
    """The guide's own table, as the recipient of a referral may move."""
    with GUIDE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(r["from_status"], r["to_status"]) for r in rows if "target" in r["may_set_to_status"]}


def task_in(world: World, status: str, number: int = 0) -> Json:
    """Put a Task into a status behind the server's back; returns it as the provider reads it."""
    task_id = world.id_of("Task", f"R-{number}")
    more = moved({"focus": {"reference": f"ServiceRequest/{task_id}"}}, status)
    changes = {"status": status, "statusReason": None, "output": None}
    changes |= {name: more[name] for name in ("statusReason", "output") if name in more}
    with write(world.bridge.engine) as connection:
        amend(connection, ("Task", task_id), changes, world.clock.now())
    read: Json = world.web().get(f"/fhir/Task/{task_id}").json()
    return read


def test_every_legal_move_is_made_and_every_other_is_refused_and_changes_nothing(
    world: World,
) -> None:
    world.refer([referral(0)])
    web, legal, made = world.web(), legal_moves(), 0
    for before, after in product(STATUSES, STATUSES):
        task = task_in(world, before)
        kept = world.stored("Task", task["id"])
        answer = put_task(web, task, after)
        if before == after or (before, after) in legal:
            made += 1
            assert answer.status_code == 200, (before, after, answer.text)
            assert answer.json()["status"] == after
        else:
            assert answer.status_code == 422, (before, after)
            assert answer.json()["issue"][0]["expression"] == ["Task.status"]
            assert world.stored("Task", task["id"]) == kept, (before, after)
    assert made == len(legal) + len(STATUSES)


def follow_up(code: str) -> Json:
    return {"coding": [{"system": FOLLOW_UP, "code": code}]}


def test_a_referral_is_answered_step_by_step_in_codes_of_the_follow_up(world: World) -> None:
    world.refer([referral(0)])
    web, task = world.web(), task_in(world, "requested")
    steps = [
        ("requested", "received"),
        ("accepted", "accepted"),
        ("in-progress", "intake-scheduled"),
        ("in-progress", "intake-missed"),
        ("on-hold", "waitlisted"),
        ("in-progress", "contacting-family"),
        ("failed", "unable-to-contact"),
    ]
    said: Json = {"extension": CARE}
    for status, code in steps:
        answer = put_task(web, task, status, businessStatus=follow_up(code), **said)
        assert answer.status_code == 200, answer.text
        task, said = answer.json(), {}
        assert task["businessStatus"]["coding"][0]["code"] == code
        (row,) = world.bridge.gate.follow_up(caller("millbrook-sis")).rows
        assert row.status == ("sent" if status == "requested" else code)
    assert len(web.get(f"/fhir/Task/{task['id']}/_history").json()["entry"]) == len(steps) + 1


def test_a_business_status_that_does_not_follow_changes_nothing_and_names_the_moves(
    lite: World,
) -> None:
    lite.refer([referral(0)])
    web = lite.web()
    task = put_task(web, task_in(lite, "requested"), "accepted").json()
    kept = lite.stored("Task", task["id"])
    answer = put_task(web, task, "in-progress", businessStatus=follow_up("waitlisted"))
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == ["Task.businessStatus"]
    assert "in-progress (contacting-family, intake-scheduled" in str(issue)
    assert lite.stored("Task", task["id"]) == kept


def test_a_late_repeat_is_refused_although_the_task_looks_as_it_did(world: World) -> None:
    world.refer([referral(0)])
    web = world.web()
    task = put_task(web, task_in(world, "requested"), "accepted").json()
    calling = {"businessStatus": follow_up("contacting-family")}
    waiting = {"businessStatus": follow_up("waitlisted")}
    before = put_task(web, task, "in-progress", **calling).json()
    pause = functools.partial(put_task, web, before, "on-hold", **waiting)
    world.clock.advance(timedelta(seconds=5))
    held = pause().json()
    back = {name: value for name, value in held.items() if name != "statusReason"}
    world.clock.advance(timedelta(seconds=5))
    again = put_task(web, back, "in-progress", **calling).json()
    assert again["meta"]["versionId"] == before["meta"]["versionId"]
    assert pause().status_code == 412
    assert web.get(f"/fhir/Task/{task['id']}").json() == again
    fresh = put_task(web, again, "on-hold", **waiting)
    assert fresh.status_code == 200


def test_a_decline_after_acceptance_in_words_of_bser_is_kept_as_the_guide_lets_it(
    lite: World,
) -> None:
    lite.refer([referral(0)])
    web = lite.web()
    task = put_task(web, task_in(lite, "requested"), "accepted").json()
    bser = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
    declined = {"coding": [{"system": bser, "code": "4.0"}]}
    answer = put_task(web, task, "rejected", businessStatus=declined, extension=CARE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "failed"
    codes = [c["code"] for c in answer.json()["businessStatus"]["coding"]]
    assert codes == ["declined-by-provider", "4.0"]
    (row,) = lite.bridge.gate.follow_up(caller("millbrook-sis")).rows
    assert row.status == "declined-by-provider"


def test_a_provider_cannot_say_that_the_school_withdrew(lite: World) -> None:
    lite.refer([referral(0)])
    task = task_in(lite, "requested")
    said = {"businessStatus": follow_up("withdrawn-by-school")}
    assert put_task(lite.web(), task, "cancelled", **said).status_code == 422


def test_an_update_names_the_version_it_was_made_from(world: World) -> None:
    world.refer([referral(0)])
    web, task = world.web(), task_in(world, "requested")
    path = f"/fhir/Task/{task['id']}"
    without = web.send("PUT", path, json=moved(task, "accepted"))
    assert without.status_code == 428
    first = put_task(web, task, "accepted")
    assert first.status_code == 200
    assert first.headers["ETag"] == f'W/"{first.json()["meta"]["versionId"]}"'
    late = put_task(web, task, "rejected")
    assert late.status_code == 412
    assert web.get(path).json() == first.json()


@pytest.mark.parametrize("more", [{}, {"extension": CARE}], ids=["plain", "care-consent"])
def test_of_two_answers_from_one_version_exactly_one_is_kept(world: World, more: Json) -> None:
    world.refer(referral(n) for n in range(12))
    web, rounds = world.web(), []
    for task in web.found("/fhir/Task"):
        statuses = _at_once(
            lambda to, task=task: put_task(web, task, to, **more).status_code,
            ("accepted", "rejected"),
        )
        rounds.append(sorted(statuses))
    assert rounds == [[200, 412]] * 12


def test_answers_to_two_referrals_of_one_student_do_not_block_each_other(world: World) -> None:
    pairs = [
        referral(n, student={"local_id": str(2000 + n // 2)}) for n in range(12)
    ]  # two referrals each
    world.refer(pairs)
    web = world.web()
    tasks = {t["id"]: t for t in web.found("/fhir/Task")}
    for n in range(0, 12, 2):
        both = [tasks[world.id_of("Task", f"R-{n + side}")] for side in (0, 1)]
        statuses = _at_once(
            lambda task: put_task(web, task, "accepted", extension=CARE).status_code, both
        )
        assert statuses == [200, 200]


def _at_once(send, asked):  # noqa: ANN001, ANN202 - of any kind
    gate, out = threading.Barrier(len(asked)), [0] * len(asked)

    def one(place: int) -> None:
        gate.wait()
        out[place] = send(asked[place])

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner", {"reference": "Organization/someone-else"}),
        ("for", {"reference": "Patient/someone-else"}),
        ("priority", "stat"),
        ("intent", "plan"),
        ("note", [{"text": "A remark"}]),
        ("restriction", {"repetitions": 2}),
    ],
)
def test_what_is_the_schools_to_say_cannot_be_changed(
    lite: World, name: str, value: object
) -> None:
    lite.refer([referral(0)])
    task = task_in(lite, "requested")
    kept = lite.stored("Task", task["id"])
    answer = put_task(lite.web(), task, "accepted", **{name: value})
    assert answer.status_code == 422
    assert f"Task.{name}" in answer.text
    assert lite.stored("Task", task["id"]) == kept


def test_a_provider_who_leaves_elements_out_erases_nothing_it_was_not_shown(world: World) -> None:
    world.refer([referral(0, parent_notified=True)])
    task = task_in(world, "requested")
    kept = world.stored("Task", task["id"])
    hidden = kept.keys() - task.keys()
    needed = ("resourceType", "id", "status", "intent", "meta", "focus", "for", "requester")
    bare = {name: task[name] for name in (*needed, "authoredOn")}
    answer = put_task(world.web(), bare, "accepted")
    assert answer.status_code == 200, answer.text
    after = world.stored("Task", task["id"])
    assert hidden  # otherwise this shows nothing
    answered = {"status", "lastModified", "businessStatus"}
    assert {n: v for n, v in after.items() if n not in answered} == {
        n: v for n, v in kept.items() if n not in answered
    }


def test_a_filler_number_is_added_and_the_schools_number_stays(lite: World) -> None:
    lite.refer([referral(0)])
    task = task_in(lite, "requested")
    filler = {
        "type": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]
        },
        "system": "https://harbor.example/cases",
        "value": "H-1",
    }
    answer = put_task(lite.web(), task, "accepted", identifier=[filler])
    assert answer.status_code == 200, answer.text
    values = [i["value"] for i in lite.stored("Task", task["id"])["identifier"]]
    assert values == ["R-0", "H-1"]


def test_an_output_may_only_refer_to_what_the_provider_can_read(lite: World) -> None:
    lite.refer([referral(0)])
    lite.refer([referral(1)], provider="cove")
    task = task_in(lite, "in-progress")
    theirs = lite.id_of("ServiceRequest", "R-1", "cove")
    bodies = set()
    for target in (theirs, "no-such-request"):
        output = [
            {"type": {"text": "x"}, "valueReference": {"reference": f"ServiceRequest/{target}"}}
        ]
        answer = put_task(lite.web(), task, "completed", output=output)
        assert answer.status_code == 422
        bodies.add(answer.content)
    assert len(bodies) == 1


def test_an_element_of_the_schools_that_is_taken_over_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = (*answer_referral._ANSWERS, "priority")
    monkeypatch.setattr(answer_referral, "_ANSWERS", answers)
    with pytest.raises(AssertionError):
        test_what_is_the_schools_to_say_cannot_be_changed(lite, "priority", "stat")
