"""The operator sees what subscribers have not taken, and has it tried again."""

import json
from datetime import timedelta

from tests.bridge.cli.test_accounts import run
from tests.support.receiver import Receiver
from tests.support.subscribing import active, subscription, task
from tests.support.worlds import World, referral


def test_dead_letters_are_listed_shown_and_replayed(lite: World, receiver: Receiver) -> None:
    one, other = active(lite, receiver), active(lite, receiver)
    receiver.answer = lambda _: (410, {})
    lite.refer([referral(1)])
    one.send()
    receiver.answer = lambda _: (200, {})
    other.send()

    rows = json.loads(run(lite, "notifications", "list", "--json").output)
    assert {row["subscription"]: row["status"] for row in rows} == {
        one.id: "error",
        other.id: "active",
    }
    (dead,) = json.loads(run(lite, "notifications", "list", "--failing", "--json").output)
    assert (dead["subscription"], dead["waiting"], dead["client"]) == (one.id, 1, "harbor-ehr")
    shown = run(lite, "notifications", "show", one.id).output
    assert "The endpoint answered with status 410." in shown
    assert "/hook" not in shown
    assert task(lite, 1).partition("/")[2] not in shown

    assert run(lite, "notifications", "replay", one.id).exit_code == 0
    lite.clock.advance(timedelta(seconds=1))
    assert one.send() == 2  # a handshake, then what waited
    assert receiver.effects[one.id, 1] == task(lite, 1)


def test_what_its_client_turned_off_stays_off(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    one.put(subscription(receiver.url, status="off"))

    assert run(lite, "notifications", "replay", one.id).exit_code == 1
    for command in ("show", "replay"):
        assert run(lite, "notifications", command, "none").exit_code == 1
    assert one.row.status == "off"
