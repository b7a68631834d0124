"""What staff read of requests to sign online: who can still answer, and what to do. Made up."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from bridge.journeys.families.guardian_blocks import FACT, Order, lift_order, record_order
from bridge.journeys.families.sign_online import prove
from bridge.journeys.running.report_sources import source_down, source_heard
from tests.bridge.journeys.test_ask_family import asked
from tests.bridge.portal.entering import words
from tests.bridge.portal.test_staff_forms import Desk
from tests.support.worlds import LEA, World, make_world, referral


@pytest.fixture
def waiting(tmp_path: Path) -> World:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    made.refer([referral(1, releases=())])
    return made


def lines_of(desk: Desk) -> list[str]:
    """Return what the page says became of what people were asked to sign online."""
    page = unescape(desk.get().text)
    found = re.findall(r"<h3>Asked to sign online: ([^<]*)</h3>\s*<p>[^<.]*\. ([^<]*)</p>", page)
    return sorted(f"{who}: {said}" for who, said in found)


def test_a_request_says_who_cannot_answer_it_any_more_and_whom_to_ask(waiting: World) -> None:
    """It says no more than that: why stands with the records office (row 107)."""
    desk = Desk(waiting)
    asked(waiting)
    mother = asked(waiting, name="Ann Winterbourne", relationship="MTH")
    assert lines_of(desk) == [f"{who} Winterbourne: No answer yet." for who in ("Ann", "Max")]
    order, _ = record_order(waiting.parts, desk.student, Order(guardian="Max Winterbourne"))
    barred = "This person cannot answer it any more. Ask another person who may sign."
    assert f"Max Winterbourne: {barred}" in lines_of(desk)
    assert "Ann Winterbourne: No answer yet." in lines_of(desk)
    assert not re.search(r"(?i)\b(order|court)\b", words(desk.get()))

    for _ in range(5):
        prove(waiting.parts, mother.token, "0000-0000")
    wrong = "A wrong code was typed too often. The link is closed: ask again."
    assert f"Ann Winterbourne: {wrong}" in lines_of(desk)
    lift_order(waiting.parts, desk.student, order)
    assert "Max Winterbourne: No answer yet." in lines_of(desk)
    source_down(waiting.parts, LEA, FACT)
    assert "It opens again by itself." in str(lines_of(desk))
    source_heard(waiting.parts, LEA, FACT)
    waiting.clock.advance(timedelta(days=30))
    over = "Nobody answered within 30 days. Ask again."
    assert lines_of(Desk(waiting)) == [f"{who} Winterbourne: {over}" for who in ("Ann", "Max")]
