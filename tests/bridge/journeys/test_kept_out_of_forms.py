"""A guardian whom an order keeps out opens no form and is not reminded. All people made up."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.errors import BridgeError
from bridge.journeys.families import sign_online as sign_online_of
from bridge.journeys.families.guardian_blocks import FACT, Order, lift_order, record_order
from bridge.journeys.families.remind_families import FamilyReminders
from bridge.journeys.families.sign_online import is_open, prove, proved, sign_online
from bridge.journeys.running.report_sources import source_down, source_heard
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
    monkeypatch.setattr(sign_online_of, "may_be_blocked", lambda *_: False)
    with pytest.raises(AssertionError):
        guards(waiting)
