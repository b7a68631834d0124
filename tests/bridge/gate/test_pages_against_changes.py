"""On PostgreSQL people look while others change what they see; on SQLite one waits for the other.

A page that was begun before a change was committed may say what held before it. One that was asked
for afterwards may not; and none may say a part of each.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.clock import FixedClock
from bridge.errors import GateError
from bridge.gate import ReleasedPage, Wanted
from bridge.gate.people import kept_lines, told_again
from bridge.gate.people.places import HELD, page_key
from bridge.journeys.referrals.work_list import page_of
from bridge.store.database.engine import write
from bridge.store.people.close_outs import CloseOut, add_close_out
from mappings.loop.clocks import AWAITING_SIGNATURE
from tests.bridge.gate.test_follow_pages import SIS, answer, refer, revoke, whole
from tests.support.databases import empty_postgres
from tests.support.worlds import HARBOR, LEA, NOW, World, make_world

SHORT, LONG = 6, 60
SIGNED = 4
"""Of so many students, one has both forms signed without a last day (:func:`refer`)."""


@pytest.fixture
def shared(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world on PostgreSQL, of whose rows a page decides no more than it has to."""
    monkeypatch.setattr(told_again, "ANEW", 0)
    with empty_postgres(postgres_server) as url:
        made = make_world(url, tmp_path, FixedClock(NOW))
        yield made
        made.bridge.engine.dispose()


def look(world: World, wanted: Wanted) -> ReleasedPage:
    return page_of(world.bridge, world.bridge.settings.home, SIS, wanted)


def kept_open(world: World, number: str) -> CloseOut:
    """Return what a school decides of a referral: it stays open until later."""
    return CloseOut(
        id=f"kept-{number}",
        act="a" * 64,
        lea=LEA,
        student_id=world.bridge.identifiers.issue("student", LEA, str(1000 + int(number[2:]))),
        referral_id=world.id_of("ServiceRequest", number),
        number=number,
        provider=HARBOR,
        at=world.clock.now(),
        who="staff:lead-1",
        role="referral_coordinator",
        outcome="kept",
        holder="Somebody",
        follow_up_on=world.clock.now().date() + timedelta(days=30),
    )


def test_a_page_waits_for_a_change_that_is_under_way_and_says_it(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is of a student the page does not show: nothing but the list holds it back."""
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    for n in (0, SIGNED):
        refer(shared, n)
    row = next(one.row for one in whole(shared, shared.bridge.settings.home))
    assert row.referral == "R-0"
    wanted = Wanted(keys=(page_key(shared.bridge.identifiers, LEA, row),))
    assert look(shared, wanted).counts[HELD] == 0

    with ThreadPoolExecutor(1) as elsewhere:
        with write(shared.bridge.engine) as connection:
            add_close_out(connection, kept_open(shared, f"R-{SIGNED}"))
            asked: Future[ReleasedPage] = elsewhere.submit(look, shared, wanted)
            assert wait([asked], timeout=0.7).not_done
        page = asked.result(timeout=30)
    assert page.counts[HELD] == 1
    assert [one.row.referral for one in page.rows] == ["R-0"]


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=pytest.mark.faults)])
def test_what_was_taken_back_before_a_page_was_asked_for_is_on_none(
    shared: World, count: int
) -> None:
    for n in range(count):
        refer(shared, SIGNED * n)
        answer(shared, SIGNED * n, "accepted")
    look(shared, Wanted())
    begun: list[str] = []
    over: list[str] = []

    def take_back() -> None:
        for n in range(count):
            begun.append(f"R-{SIGNED * n}")
            for _ in range(2):  # the form for each direction
                revoke(shared, SIGNED * n)
            over.append(f"R-{SIGNED * n}")

    looks = 0
    with ThreadPoolExecutor(1) as elsewhere:
        taking = elsewhere.submit(take_back)
        while not taking.done():
            before = set(over)
            page = look(shared, Wanted(most=count))
            after = set(begun)
            waiting = {o.row.referral for o in page.rows if o.status == AWAITING_SIGNATURE}
            told = {o.row.referral for o in page.rows if o.row.status != "sent"}
            assert before <= waiting <= after
            assert not told & before
            assert page.counts["signature"] == len(waiting)
            looks += 1
        taking.result()
    assert looks > 1
    assert look(shared, Wanted("signature", most=count)).counts["signature"] == count


def test_a_page_is_tried_again_while_there_is_patience_and_then_refused(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def make(_: object) -> int:
        tried.append(0)
        if len(tried) % 30:
            raise kept_lines.Changed("nobody's")
        return len(tried)

    assert kept_lines.made_until_it_stands(shared.bridge.engine, make) == 30

    monkeypatch.setattr(kept_lines, "PATIENCE", 0.0)
    with pytest.raises(GateError, match="went on changing"):
        kept_lines.made_until_it_stands(shared.bridge.engine, make)
    assert len(tried) == 30 + kept_lines.MOST_TRIES
