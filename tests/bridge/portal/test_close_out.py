"""The end of a year: who leads closes the open referrals in bulk, each a move of its own."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bridge.gate.people import kept_lines
from bridge.store.database.engine import read
from tests.bridge.journeys.test_work_list import answered
from tests.bridge.portal.entering import Visitor, words
from tests.leaks.work import Work, counted
from tests.support.worlds import World, referral

CLOSE = {"which": "all", "outcome": "closed", "reason": "no-signature"}
KEEP = {
    "which": "all",
    "outcome": "kept",
    "holder": "Ms. Rosa Lopez",
    "follow_up_on-month": "8",
    "follow_up_on-day": "24",
    "follow_up_on-year": "2027",
}
ROWS = "SELECT number, outcome, reason, holder, who, role, follow_up_on FROM close_out"


def lead_of(world: World) -> Visitor:
    return Visitor.signed_in(world, "lead-1", role="referral_coordinator")


def group_of(lead: Visitor, group: str) -> dict[str, str | list[str]]:
    """Return what the page of a group sends along with what is answered on it."""
    page = lead.get(f"/portal/close-out/{group}").text
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    act = re.findall(r'name="act" value="([0-9a-f]{64})"', page)
    return {"shown": shown, "act": act[0]}


def decided(world: World) -> list[tuple[object, ...]]:
    with read(world.bridge.engine) as connection:
        return [tuple(row) for row in connection.execute(text(f"{ROWS} ORDER BY number"))]


def statuses(world: World) -> dict[str, str]:
    """Return what the district reads of each referral."""
    page = Visitor.signed_in(world).get("/portal/board.csv").text
    return dict(re.findall(r"(R-\d+),.*?,([a-z-]+),", page))


def test_each_referral_is_a_move_of_its_own_with_a_row_of_who_closed_it_and_why(
    world: World,
) -> None:
    world.refer([referral(n) for n in range(3)])
    answered(world, 1, "accepted", "accepted")
    task = answered(world, 2, "accepted", "accepted")
    world.clock.advance(timedelta(seconds=1))
    answered(world, 2, "in-progress", "services-started")
    lead = lead_of(world)
    for group in ("unanswered", "arranged", "running"):
        answer = lead.post(f"/portal/close-out/{group}", **CLOSE, **group_of(lead, group))
        assert answer.status_code == 303, words(answer)

    tasks = world.web().found("/fhir/Task")
    mine = {t["identifier"][0]["value"]: t["status"] for t in tasks if "identifier" in t}
    assert mine == {"R-0": "cancelled", "R-1": "cancelled", "R-2": "in-progress"}
    (asked,) = (t for t in tasks if t["focus"]["reference"] == f"Task/{task['id']}")
    assert asked["status"] == "requested"  # after the start the provider is asked to stop
    who = ("closed", "no-signature", "", "staff:lead-1", "referral_coordinator", None)
    assert decided(world) == [(f"R-{n}", *who) for n in range(3)]
    assert "no-signature" not in str(tasks)
    assert "did not sign" not in str(tasks)
    assert "0 referrals are open." in words(lead.get("/portal/close-out"))


def test_what_is_pressed_twice_is_done_once(lite: World) -> None:
    lite.refer([referral(0), referral(1)])
    lead = lead_of(lite)
    sent = {**CLOSE, **group_of(lead, "unanswered")}
    first = lead.post("/portal/close-out/unanswered", **sent)
    before = lite.counts()
    second = lead.post("/portal/close-out/unanswered", **sent)
    assert first.headers["location"] == second.headers["location"]
    looking = {"page_look", "follow_due"}  # who looked, and what a look found done
    moved = {t: n for t, n in lite.counts().items() if before[t] != n}
    assert moved.keys() <= looking
    told = words(lead.get(second.headers["location"]))
    assert "2 referrals: Close (The family did not sign)." in told
    assert "changed" not in told


def test_one_that_changed_meanwhile_is_left_and_said(lite: World) -> None:
    lite.refer([referral(0), referral(1)])
    lead = lead_of(lite)
    sent = {**CLOSE, **group_of(lead, "unanswered")}
    answered(lite, 1, "accepted", "accepted")
    done = lead.post("/portal/close-out/unanswered", **sent).headers["location"]
    page = lead.get(done)
    assert "1 referral: Close" in words(page)
    assert "1 referral changed while you looked at it and was left as it is: R-1." in words(page)
    assert [row[:3] for row in decided(lite)] == [
        ("R-0", "closed", "no-signature"),
        ("R-1", "left", ""),
    ]
    (task,) = (t for t in lite.web().found("/fhir/Task?status=accepted") if "identifier" in t)
    assert task["identifier"][0]["value"] == "R-1"


def test_what_a_provider_did_unseen_changes_nothing_of_it(
    lite: World, make_twin: Callable[[], World]
) -> None:
    """A minor treated alone, against a referral nobody answered: every page is alike."""
    twin = make_twin()
    seen: list[list[str]] = []
    for world in (lite, twin):
        world.refer([referral(0), referral(1)])
        lead = lead_of(world)
        sent = {**CLOSE, **group_of(lead, "unanswered")}
        if world is lite:
            answered(world, 1, "accepted", "accepted", "minor")
            world.clock.advance(timedelta(seconds=1))
            answered(world, 1, "in-progress", "services-started", "minor")
        else:
            world.clock.advance(timedelta(seconds=1))
        pages = [words(lead.get("/portal/close-out"))]
        done = lead.post("/portal/close-out/unanswered", **sent).headers["location"]
        pages += [words(lead.get(done)), words(lead.get("/portal/board"))]
        seen.append([*pages, str(decided(world))])
    assert seen[0] == seen[1]
    assert "left" not in seen[0][-1]


def test_what_stays_open_has_somebody_and_comes_back_on_its_day(lite: World) -> None:
    lite.refer([referral(0)])
    answered(lite, 0, "accepted", "accepted")
    lite.clock.advance(timedelta(seconds=1))
    answered(lite, 0, "in-progress", "services-started")
    lead = lead_of(lite)
    lead.post("/portal/close-out/running", **KEEP, **group_of(lead, "running"))
    assert "Kept open until a later day (1)" in words(lead.get("/portal/close-out"))
    key = re.findall(r"/portal/referral/([0-9a-f]{32})", lead.get("/portal/board").text)[0]
    page = words(lead.get(f"/portal/referral/{key}"))
    assert "The school keeps it open" in page
    assert "Ms. Rosa Lopez, until August 24, 2027" in page
    lite.clock.advance(date(2027, 8, 25) - lite.clock.now().date())
    lead = lead_of(lite)
    assert "until a later day (0)" in words(lead.get("/portal/close-out"))
    assert "The day to follow up has come: decide how it goes on" in words(
        lead.get("/portal/board")
    )


def test_only_what_is_ticked_is_closed_where_that_was_chosen(lite: World) -> None:
    lite.refer([referral(n) for n in range(3)])
    lead = lead_of(lite)
    sent = group_of(lead, "unanswered")
    sent |= {"which": "ticked", "outcome": "moved", "rows": sent["shown"][1:2]}
    lead.post("/portal/close-out/unanswered", **sent)
    assert [row[:2] for row in decided(lite)] == [("R-1", "moved")]


def work_of(lead: Visitor) -> list[Work]:
    """Return the work of the list, and of a press for one referral."""
    sent = group_of(lead, "unanswered")
    sent |= {**CLOSE, "which": "ticked", "rows": sent["shown"][-1:]}
    lead.get("/portal/close-out")
    works = []
    for ask in (
        lambda: lead.get("/portal/close-out"),
        lambda: lead.post("/portal/close-out/unanswered", **sent),
    ):
        with counted(lead.world.bridge.engine) as work:
            ask()
        works.append(work)
    return works


def test_a_press_asks_for_what_was_chosen_alone_however_many_are_open(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever is decided besides may be the student whose referral the first press closed.
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    lite.refer([referral(n) for n in range(12)])
    lead = lead_of(lite)
    few = work_of(lead)
    lite.refer([referral(n) for n in range(12, 60)])
    many = work_of(lead)
    assert len(decided(lite)) == 2
    for before, after in zip(few, many, strict=True):
        assert after.statements == before.statements
        assert after.rows <= before.rows + 8


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Choose what becomes of them."),
        ({**CLOSE, "reason": ""}, "Choose why they are closed."),
        ({**KEEP, "holder": " "}, "Enter who looks after them."),
        ({**KEEP, "follow_up_on-year": "2025"}, "Enter a day that is still to come."),
        ({**CLOSE, "which": "ticked"}, "Tick at least one referral, or choose all."),
        ({**CLOSE, "outcome": "left"}, "Choose one of the answers on this page."),
    ],
    ids=["nothing", "no reason", "nobody", "a day that is over", "none ticked", "left"],
)
def test_what_is_missing_is_said_and_nothing_is_done(
    lite: World, sent: dict[str, str], said: str
) -> None:
    lite.refer([referral(0)])
    lead = lead_of(lite)
    answer = lead.post("/portal/close-out/unanswered", **sent, **group_of(lead, "unanswered"))
    assert answer.status_code == 422
    assert said in words(answer)
    assert decided(lite) == []


def test_nobody_but_who_leads_and_of_no_other_district(lite: World) -> None:
    lite.refer([referral(0)])
    sent = {**CLOSE, **group_of(lead_of(lite), "unanswered")}
    counselor = Visitor.signed_in(lite)
    other = Visitor.signed_in(lite, district="elsewhere", role="principal")
    assert counselor.get("/portal/close-out").status_code == 404
    assert counselor.post("/portal/close-out/unanswered", **sent).status_code == 404
    other.post("/portal/close-out/unanswered", **sent)
    assert decided(lite) == []
    assert "End of the year" not in words(counselor.get("/portal/board"))
