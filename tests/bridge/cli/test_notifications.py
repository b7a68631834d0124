"""The operator sees what subscribers have not taken, and has it tried again."""

import json
from datetime import timedelta

from tests.bridge.cli.test_accounts import run
from tests.support.receiver import Receiver
from tests.support.subscribing import active, subscription, task
from tests.support.text_gateway import PASSWORD, text_gateway
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


def test_the_operator_tries_the_gateway_for_text_messages(lite: World) -> None:
    def tried(number: str, more: str = "") -> tuple[int, str]:
        told = run(lite, "notifications", "text", number, more=more)
        return told.exit_code, f"{told.output}{told.exception}"

    assert "[text] is not in the settings" in tried("(203) 555-0142")[1]
    with text_gateway() as texts:
        table = f'[text]\nurl = "{texts.url}"\nusername = "42"\npassword = "{PASSWORD}"\n'
        assert "ten digits" in tried("555-0142", table)[1]
        assert tried("(203) 555-0142", table)[0] == 0
        texts.status = 403
        code, said = tried("+12035550142", table)
    assert (code, "not taken: 403" in said, "5550142" in said) == (1, True, False)
    assert texts.came == [{"To": "+12035550142", "Body": "This is a test. Nothing waits for you."}]
