"""A page of a district's follow-up says what all of it says, and asks only for its own rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bridge.clock import FixedClock
from bridge.errors import GateError
from bridge.gate import Placed, Wanted
from bridge.gate.people import kept_lines, told_again
from bridge.gate.people.places import CHOICES, ENDED, MINE, STAGES, is_followed, page_key, rank
from bridge.identity import Caller, Party, Standing
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.record_verbal import record_verbal
from bridge.journeys.referrals.close_out import Chosen, Decision, Outcome, close_out
from bridge.journeys.referrals.own_follow_up import give_follow_up
from bridge.journeys.referrals.withdraw_referral import OwnNumber, withdraw_referral
from bridge.journeys.referrals.work_list import page_of, placed
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import NewEvidence, record_evidence
from mappings.loop import STATES
from mappings.loop.clocks import AWAITING_SIGNATURE
from tests.bridge.gate.decided_in_full import as_released, decided_in_full
from tests.bridge.gate.desks import agree_with_searches
from tests.bridge.journeys.test_verbal_permission import SAID
from tests.support.databases import empty_postgres
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    NOW,
    World,
    caller,
    encounter,
    form_education,
    form_health,
    make_world,
    post_session,
    put_task,
    referral,
)

SIS = caller("millbrook-sis")
LEAD = Caller("staff:lead-1", Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",)))
OWNER = "lead-1"
STUDENTS = 5
FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"


@pytest.fixture(autouse=True)
def nothing_is_decided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page decide of its few rows those alone of which nothing is remembered that stands."""
    monkeypatch.setattr(told_again, "ANEW", 0)


def whole(world: World, calendars: Path) -> list[Placed]:
    """Return every referral in the order of the board, decided all at once."""
    released = world.bridge.gate.follow_up(SIS)
    return sorted(placed(world.bridge, calendars, LEA, released), key=rank)


def by_pages(world: World, calendars: Path, choice: str, most: int = 3) -> list[Placed]:
    """Return the rows of each page of a choice, one page after the other."""
    found: list[Placed] = []
    while rows := page_of(world.bridge, calendars, SIS, Wanted(choice, len(found), most)).rows:
        found += rows
    return found


def agree(world: World, calendars: Path) -> None:
    """Compare pages, counts, single referrals and what a meeting shows with all of it.

    And the pages of what was sent to each provider with what a search finds.
    """
    every = whole(world, calendars)
    assert as_released(world, SIS) == decided_in_full(world, SIS)
    counts = page_of(world.bridge, calendars, SIS, Wanted()).counts
    assert by_pages(world, calendars, "all") == every
    for choice, keeps in CHOICES.items():
        kept = [one for one in every if keeps(one)]
        assert counts[choice] == len(kept), choice
        if 0 < len(kept) < len(every):
            page = page_of(world.bridge, calendars, SIS, Wanted(choice))
            assert list(page.rows) == kept, choice
    mine = [one for one in every if is_followed(one) and one.owner == OWNER]
    page = page_of(world.bridge, calendars, SIS, Wanted(MINE, who=OWNER))
    assert (list(page.rows), page.counts[MINE]) == (mine, len(mine))
    for one in every[:1]:
        key = page_key(world.bridge.identifiers, LEA, one.row)
        assert page_of(world.bridge, calendars, SIS, Wanted(keys=(key,))).rows == (one,)
    days = page_of(world.bridge, calendars, SIS, Wanted("act", most=99, since=7))
    assert days.today is not None
    since = (days.today - timedelta(days=7)).isoformat()
    new = [one for one in every if one.row.sent_on >= since]
    changed = [one for one in every if one.row.sent_on < since <= one.row.status_on]
    assert (days.counts["new"], days.counts["changed"]) == (len(new), len(changed))
    shown = [one for one in every if one in new or one in changed or CHOICES["act"](one)]
    assert list(days.rows) == shown
    agree_with_searches(world)


# What can happen in a world, to its n-th student: each moves something that a line rests on.


def refer(world: World, n: int) -> None:
    forms: list[tuple[object, ...]] = [
        (form_education(), form_health()),
        (),
        (form_education(expires_on=date(2026, 10, 20)), form_health()),
        (form_education(expires_on=date(2026, 11, 3)),),
    ]
    today = world.clock.now().date()
    world.refer([referral(n, authored_on=today, releases=forms[n % len(forms)])])


def refer_to_another(world: World, n: int) -> None:
    world.refer([referral(n, authored_on=world.clock.now().date())], "cove")


def answer(world: World, n: int, status: str, code: str = "", care: str = "guardian") -> None:
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}")
    if task.status_code != 200:
        return  # nothing that the provider may see
    said: dict[str, object] = {"extension": [{"url": CARE_CONSENT, "valueCode": care}]}
    if code:
        said["businessStatus"] = {"coding": [{"system": FOLLOW_UP, "code": code}]}
    put_task(web, task.json(), status, **said)


def visit(world: World, n: int, status: str, care: str = "guardian") -> None:
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}")
    if task.status_code == 200:
        care_of = [{"url": CARE_CONSENT, "valueCode": care}]
        key = f"V-{n}-{status}-{world.clock.now():%m%d%H%M%S}"
        post_session(web, encounter(task.json(), key, status=status, extension=care_of))


def revoke(world: World, n: int) -> None:
    with read(world.bridge.engine) as connection:
        query = text(
            "SELECT r.id FROM signed_release r JOIN student s ON s.id = r.student_id"
            " WHERE s.local_key = :key AND r.revoked_at IS NULL ORDER BY r.id"
        )
        found = connection.execute(query, {"key": str(1000 + n)}).scalars().first()
    if found:
        revoke_release(world.parts, found)


def withdraw(world: World, n: int) -> None:
    if any(one.row.referral == f"R-{n}" for one in whole(world, world.bridge.settings.home)):
        withdraw_referral(world.parts, OwnNumber(LEA, HARBOR, f"R-{n}"))


def decide(world: World, n: int, decision: Decision) -> None:
    if any(one.row.referral == f"R-{n}" for one in whole(world, world.bridge.settings.home)):
        act = f"{n}-{decision.outcome}-{world.clock.now().isoformat()}"
        own = OwnNumber(LEA, HARBOR, f"R-{n}")
        close_out(world.parts, LEAD, act, decision, [Chosen(own, stands=True)])


def keep_open(world: World, n: int) -> None:
    until = world.clock.now().date() + timedelta(days=n + 1)
    decide(world, n, Decision(Outcome.KEPT, holder="Somebody", follow_up_on=until))


def follow_up(world: World, n: int, owner: str = OWNER) -> None:
    """Say who follows up, in a few days: of one referral nobody said on which."""
    if any(one.row.referral == f"R-{n}" for one in whole(world, world.bridge.settings.home)):
        day = world.clock.now().date() + timedelta(days=n) if n else None
        give_follow_up(world.parts, LEAD, OwnNumber(LEA, HARBOR, f"R-{n}"), owner, day)


def permit_by_word(world: World, n: int) -> None:
    with read(world.bridge.engine) as connection:
        known = text("SELECT 1 FROM student WHERE local_key = :key")
        there = connection.execute(known, {"key": str(1000 + n)}).one_or_none()
    if there:
        said = replace(SAID, given_on=world.clock.now().date())
        record_verbal(world.parts, (LEA, HARBOR), str(1000 + n), said)


def say_of_everybody(world: World, n: int) -> None:
    """Say, for a while, of everybody what takes permits away."""
    now = world.clock.now()
    said = NewEvidence(f"all-{now.isoformat()}", "third_party_present", now, now, "test",
                       valid_to=now + timedelta(days=n + 1))  # fmt: skip
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [said])


def close_the_district(world: World, n: int) -> None:
    line = f"from,to,kind,name\n2026-10-{10 + n},2026-10-{12 + n},holiday,Some days\n"
    (world.bridge.settings.home / f"{LEA}.csv").write_text(line, encoding="utf-8")


def rename_a_provider(world: World, n: int) -> None:
    named = text("UPDATE organization SET name = :name WHERE key = :key")
    with write(world.bridge.engine) as connection:
        connection.execute(named, {"name": f"Harbor {n}", "key": HARBOR})


def come_of_age(world: World, n: int) -> None:
    """Learn that a student was born elsewhen: of age in a few days."""
    born = world.clock.now().date().replace(year=2008) + timedelta(days=n)
    moved = text("UPDATE student SET birth_date = :born WHERE local_key = :key")
    with write(world.bridge.engine) as connection:
        connection.execute(moved, {"born": born.isoformat(), "key": str(1000 + n)})


def erase_a_visit(world: World, _n: int) -> None:
    with write(world.bridge.engine) as connection:
        sessions = "SELECT id FROM record WHERE type = 'Encounter' ORDER BY id LIMIT 1"
        connection.execute(text(f"DELETE FROM record WHERE id IN ({sessions})"))  # noqa: S608 - names of ours


EVENTS: dict[str, Callable[[World, int], None]] = {
    "refer": refer,
    "refer again": refer,
    "refer to another": refer_to_another,
    "accept": lambda world, n: answer(world, n, "accepted"),
    "accept a minor": lambda world, n: answer(world, n, "accepted", care="minor"),
    "wait": lambda world, n: answer(world, n, "on-hold", "waitlisted"),
    "miss": lambda world, n: answer(world, n, "in-progress", "intake-missed"),
    "decline": lambda world, n: answer(world, n, "rejected"),
    "visit": lambda world, n: visit(world, n, "finished"),
    "visit a minor": lambda world, n: visit(world, n, "finished", "minor"),
    "revoke": revoke,
    "withdraw": withdraw,
    "keep open": keep_open,
    "close": lambda world, n: decide(world, n, Decision(Outcome.CLOSED, "not-needed")),
    "follow up": follow_up,
    "let nobody follow up": lambda world, n: follow_up(world, n, ""),
    "permit by word": permit_by_word,
    "say of everybody": say_of_everybody,
    "close the district": close_the_district,
    "rename a provider": rename_a_provider,
    "come of age": come_of_age,
    "erase": erase_a_visit,
    "a day": lambda world, n: world.clock.advance(timedelta(days=n + 1)),
    "weeks": lambda world, n: world.clock.advance(timedelta(days=7 * (n + 1))),
    "a moment": lambda world, n: world.clock.advance(timedelta(seconds=n + 1)),
}
EVENT = st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, STUDENTS - 1))
# Looking in between leaves lines behind that the next event must make anew.
STORY = st.lists(st.tuples(EVENT, st.booleans()), min_size=4, max_size=8)


def played(url: str, folder: Path, story: list[tuple[tuple[str, int], bool]]) -> None:
    world = make_world(url, folder, FixedClock(NOW))
    try:
        for n in range(STUDENTS - 1):
            refer(world, n)
        for n in (0, 1):
            answer(world, n, "accepted")
        agree(world, folder)
        for (name, n), looked in story:
            EVENTS[name](world, n)
            if looked:
                agree(world, folder)
        agree(world, folder)
    finally:
        world.bridge.engine.dispose()


@pytest.mark.turns(3)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_pages_say_what_all_of_it_says_whatever_happened(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    examples = 4 if kind == "sqlite" else 2

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(story=STORY)
    def run(story: list[tuple[tuple[str, int], bool]]) -> None:
        folder = tmp_path_factory.mktemp("world")
        if kind == "sqlite":
            played(f"sqlite:///{folder / 'world.db'}", folder, story)
            return
        with empty_postgres(request.getfixturevalue("postgres_server")) as url:
            played(url, folder, story)

    run()


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_what_a_line_rests_on_makes_it_anew(name: str, lite: World) -> None:
    calendars = lite.bridge.settings.home
    for n in range(3):
        refer(lite, n)
    answer(lite, 0, "accepted")
    visit(lite, 0, "finished")
    agree(lite, calendars)
    for n in (0, 1):
        EVENTS[name](lite, n)
        agree(lite, calendars)
    lite.clock.advance(timedelta(days=20))
    agree(lite, calendars)


def test_every_open_status_stands_in_one_group_of_a_years_end() -> None:
    grouped = sorted(status for statuses in STAGES.values() for status in statuses)
    opened = {row.follow_up for row in STATES.values()} - ENDED
    assert grouped == sorted({*opened, AWAITING_SIGNATURE})


def test_a_line_that_nobody_makes_anew_is_shown_to_nobody(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The triggers are what keeps lines true: without them the decision finds it out."""
    monkeypatch.setattr(kept_lines, "PATIENCE", 0.0)
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    calendars = lite.bridge.settings.home
    refer(lite, 0)
    answer(lite, 0, "rejected")
    page_of(lite.bridge, calendars, SIS, Wanted("act"))
    with write(lite.bridge.engine) as connection:
        connection.execute(text("DROP TRIGGER lists_student"))
    for _ in range(2):  # the form for each direction
        revoke(lite, 0)
    assert not [one for one in whole(lite, calendars) if one.unserved]
    with pytest.raises(GateError, match="nothing was released"):
        page_of(lite.bridge, calendars, SIS, Wanted("act"))
