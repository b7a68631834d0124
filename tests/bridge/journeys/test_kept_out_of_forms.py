"""A guardian whom an order keeps out opens no form and is not reminded. All people made up."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.errors import BridgeError
from bridge.journeys.families import request_standing
from bridge.journeys.families.guardian_blocks import FACT, Order, lift_order, record_order
from bridge.journeys.families.remind_families import FamilyReminders
from bridge.journeys.families.sign_online import is_open, prove, proved, sign_online
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.store.database.engine import read
from bridge.store.facts.families import requests_of_student
from tests.bridge.journeys.test_ask_family import asked
from tests.support.signing import BOTH
from tests.support.worlds import LEA, World, referral


@pytest.fixture
def waiting(lite: World) -> World:
    lite.refer([referral(1, releases=())])
    return lite


def kept_out(world: World) -> tuple[str, str]:
    """Record an order against the father; returns the student and the order."""
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    order, _ = record_order(world.parts, student, Order(guardian="max  WINTERBOURNE"))
    return student, order


def reminders(world: World) -> FamilyReminders:
    def send(_address: str, _words: tuple[str, str]) -> None:
        """Take what is sent."""

    place = "https://bridge.example/portal/family"
    return FamilyReminders(world.parts, {"mail": send}, place, world.bridge.settings.home)


def test_a_guardian_whom_an_order_keeps_out_opens_nothing_and_is_not_asked(waiting: World) -> None:
    """34 CFR 99.4. The form names the child, the school and who is to help."""
    link = asked(waiting)
    proof = prove(waiting.parts, link.token, link.code)
    assert proof
    student, order = kept_out(waiting)
    assert not is_open(waiting.parts, link.token)
    assert proved(waiting.parts, proof) is None
    assert prove(waiting.parts, link.token, link.code) is None
    with pytest.raises(BridgeError, match="the time to sign is over"):
        sign_online(waiting.parts, proof, BOTH, approved=True)
    with pytest.raises(BridgeError, match="keeps this person out"):
        asked(waiting)
    mother = asked(waiting, name="Ann Winterbourne", relationship="MTH")
    assert is_open(waiting.parts, mother.token)

    assert lift_order(waiting.parts, student, order)
    assert is_open(waiting.parts, link.token)


def test_while_nobody_can_say_whom_orders_keep_out_no_guardian_opens_a_link(
    waiting: World,
) -> None:
    link = asked(waiting)
    own = asked(waiting, name="Child1 Winterbourne", relationship="ONESELF")
    source_down(waiting.parts, LEA, FACT)
    assert not is_open(waiting.parts, link.token)
    assert is_open(waiting.parts, own.token)
    source_heard(waiting.parts, LEA, FACT)
    assert is_open(waiting.parts, link.token)


def test_a_guardian_whom_an_order_keeps_out_is_not_written_to(waiting: World) -> None:
    asked(waiting)
    due = reminders(waiting)
    assert due.send_due() == 1
    kept_out(waiting)
    waiting.clock.advance(timedelta(days=25))
    assert due.send_due() == 0


def days_of_mail(world: World, due: FamilyReminders, days: int) -> list[str]:
    """Return the day of each mail, looking at each of the next ones."""
    sent: list[str] = []
    for _ in range(days):
        sent += [world.clock.now().date().isoformat()] * due.send_due()
        world.clock.advance(timedelta(days=1))
    return sent


def test_once_an_order_is_lifted_reminders_begin_again(waiting: World) -> None:
    """Asked on Thursday, 15 October: without an order on the 20th, the 26th and 4 November.

    Those whose days went by meanwhile are one, on the next school day.
    """
    asked(waiting)
    due = reminders(waiting)
    assert days_of_mail(waiting, due, 2) == ["2026-10-15"]
    student, order = kept_out(waiting)
    assert days_of_mail(waiting, due, 7) == []
    assert lift_order(waiting.parts, student, order)
    assert days_of_mail(waiting, due, 30) == ["2026-10-26", "2026-11-04"]


def test_once_an_order_has_ended_by_its_last_day_reminders_begin_again(waiting: World) -> None:
    asked(waiting)
    due = reminders(waiting)
    assert days_of_mail(waiting, due, 1) == ["2026-10-15"]
    student = waiting.bridge.identifiers.issue("student", LEA, "1001")
    last = waiting.clock.now() + timedelta(days=10)
    record_order(waiting.parts, student, Order(guardian="Max Winterbourne", valid_to=last))
    assert days_of_mail(waiting, due, 30) == ["2026-10-26", "2026-11-04"]


@pytest.mark.parametrize("days", [30, 60])
def test_no_reminder_goes_out_once_the_time_to_sign_is_over(waiting: World, days: int) -> None:
    asked(waiting)
    due = reminders(waiting)
    assert due.send_due() == 1
    student, order = kept_out(waiting)
    assert days_of_mail(waiting, due, 29) == []
    waiting.clock.advance(timedelta(days=days - 29))
    assert lift_order(waiting.parts, student, order)
    assert days_of_mail(waiting, due, 30) == []
    with read(waiting.bridge.engine) as connection:
        (request,) = requests_of_student(connection, student)
    assert (request.sent, request.next_at) == (1, None)


def test_while_nobody_can_say_whom_orders_keep_out_a_reminder_waits(waiting: World) -> None:
    asked(waiting)
    due = reminders(waiting)
    source_down(waiting.parts, LEA, FACT)
    assert due.send_due() == 0
    source_heard(waiting.parts, LEA, FACT)
    waiting.clock.advance(timedelta(minutes=30))
    assert due.send_due() == 1


@pytest.mark.parametrize(
    "guards",
    [
        test_a_guardian_whom_an_order_keeps_out_opens_nothing_and_is_not_asked,
        test_a_guardian_whom_an_order_keeps_out_is_not_written_to,
    ],
)
def test_a_link_that_stays_open_is_noticed(
    waiting: World, monkeypatch: pytest.MonkeyPatch, guards: Callable[[World], None]
) -> None:
    monkeypatch.setattr(request_standing, "is_blocked", lambda *_: False)
    with pytest.raises(AssertionError):
        guards(waiting)
