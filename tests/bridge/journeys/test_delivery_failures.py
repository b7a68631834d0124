"""What is not taken is sent again; who may not be told any more is not; a client catches up."""

from datetime import timedelta

import pytest

from bridge.identity import disable_client, enable_client
from bridge.store.database.engine import write
from bridge.store.partners.subscriptions import begin_numbers_anew
from tests.support.receiver import Receiver, events_in, told
from tests.support.subscribing import Subscribed, active, subscription, task
from tests.support.worlds import Json, World, referral

DAYS = timedelta(days=1)
DOWN = "http://127.0.0.1:1/hook"
UNREADABLE = (
    "soon",
    "-1",
    "1" * 5000,
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999",
)


def failing(world: World, receiver: Receiver, status: int = 503, **headers: str) -> Subscribed:
    """Let a subscriber fail to take the event of the first referral."""
    one = active(world, receiver)
    receiver.answer = lambda _: (status, headers)
    world.refer([referral(1)])
    one.send()
    return one


def again(one: Subscribed, receiver: Receiver, wait: timedelta = timedelta(minutes=1)) -> int:
    """Let the receiver take everything, and time go by."""
    receiver.answer = lambda _: (200, {})
    one.world.clock.advance(wait)
    one.web = one.world.web()
    return one.send()


def test_what_was_not_taken_is_sent_again_under_its_number(
    world: World, receiver: Receiver
) -> None:
    one = failing(world, receiver)
    assert one.send() == 0  # not before its time

    assert again(one, receiver) == 1
    assert receiver.events() == [(1, task(world, 1))] * 2
    assert receiver.effects == {(one.id, 1): task(world, 1)}
    assert (one.row.attempts, one.row.problem) == (0, "")


def test_waits_double_and_go_on_for_days(lite: World, receiver: Receiver) -> None:
    one = failing(lite, receiver)
    waits = []
    while one.row.status == "active":
        waits.append(one.row.retry_at - lite.clock.real_now())
        lite.clock.advance(waits[-1])
        one.send()

    assert all(b > a for a, b in zip(waits[:8], waits[2:10], strict=True))
    assert timedelta(seconds=20) < waits[0] < timedelta(minutes=1)
    assert max(waits) <= timedelta(hours=5)
    assert sum(waits, timedelta()) >= 3 * DAYS
    assert one.row.problem == "The endpoint answered with status 503."


def test_a_receiver_that_asks_for_time_gets_it(lite: World, receiver: Receiver) -> None:
    one = failing(lite, receiver, 429, **{"Retry-After": "7200"})
    assert one.row.retry_at - lite.clock.real_now() == timedelta(hours=2)

    later = (lite.clock.real_now() + timedelta(hours=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.answer = lambda _: (503, {"Retry-After": later})
    lite.clock.advance(timedelta(hours=2))
    one.send()
    assert one.row.retry_at - lite.clock.real_now() >= timedelta(hours=2, minutes=59)


@pytest.mark.parametrize("wish", UNREADABLE)
def test_a_wish_to_wait_that_cannot_be_read_is_none(
    lite: World, receiver: Receiver, wish: str
) -> None:
    one = failing(lite, receiver, 503, **{"Retry-After": wish})
    assert (one.row.attempts, one.row.leased_until) == (1, None)

    receiver.answer = lambda _: (200, {"Retry-After": wish})
    lite.clock.advance(timedelta(minutes=1))
    assert one.send() == 1
    assert (one.row.attempts, one.row.delivered) == (0, 1)


def test_an_endpoint_that_is_gone_is_an_error_at_once(lite: World, receiver: Receiver) -> None:
    one = failing(lite, receiver, 410)

    status = one.status()
    names = {each["name"]: each for each in status["parameter"]}
    assert names["status"]["valueCode"] == "error"
    assert names["error"]["valueCodeableConcept"] == {"text": one.row.problem}


def test_after_an_error_a_client_catches_up_and_goes_on(world: World, receiver: Receiver) -> None:
    one = failing(world, receiver, 410)
    world.refer([referral(2)])
    assert told({"entry": [{"resource": one.status()}]}, "events-since-subscription-start") == "2"

    missed = one.events()
    assert events_in(missed) == [(1, task(world, 1)), (2, task(world, 2))]
    assert told(missed, "type") == "query-event"
    receiver.answer = lambda _: (200, {})
    assert one.put(subscription(receiver.url)).json()["status"] == "requested"
    one.send()
    assert one.row.status == "active"
    assert {n: f for (_, n), f in receiver.effects.items()} == dict(events_in(missed))


def test_events_are_told_by_their_numbers(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    lite.refer([referral(n) for n in range(1, 6)])
    one.send()

    def numbers(query: str) -> list[int]:
        return [number for number, _ in events_in(one.events(query))]

    assert numbers("") == [1, 2, 3, 4, 5]
    assert numbers("?eventsSinceNumber=4") == [4, 5]
    assert numbers("?eventsUntilNumber=2") == [1, 2]
    assert numbers("?eventsSinceNumber=2&eventsUntilNumber=3&content=id-only") == [2, 3]
    given = [{"name": "eventsSinceNumber", "valueString": "5"}]
    body = {"resourceType": "Parameters", "parameter": given}
    posted = one.web.send("POST", f"/fhir/Subscription/{one.id}/$events", json=body)
    assert events_in(posted.json()) == [(5, task(lite, 5))]
    for wrong in ("?eventsSinceNumber=-1", "?eventsSinceNumber=x", "?x=1"):
        answer = one.web.get(f"/fhir/Subscription/{one.id}/$events{wrong}")
        assert answer.status_code == 400


def test_nothing_is_numbered_for_a_receiver_that_was_not_reached(
    world: World, receiver: Receiver
) -> None:
    one = active(world, receiver)
    one.put(subscription(DOWN, status="active"))
    with write(world.bridge.engine) as connection:
        connection.exec_driver_sql("UPDATE subscription SET status = 'active'")

    world.refer([referral(1)])
    one.send()
    assert (one.row.events, one.row.attempts) == (0, 1)
    assert world.counts()["notification_event"] == 0


def test_a_client_that_is_shut_out_is_sent_nothing(world: World, receiver: Receiver) -> None:
    one = active(world, receiver)
    with write(world.bridge.engine) as connection:
        disable_client(connection, "harbor-ehr")

    world.refer([referral(1)])
    assert one.send() == 0
    with write(world.bridge.engine) as connection:
        enable_client(connection, "harbor-ehr")
    assert again(one, receiver, timedelta(minutes=2)) == 1
    assert receiver.events() == [(1, task(world, 1))]


def test_fewer_scopes_are_fewer_notifications(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    with write(lite.bridge.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE identity_client SET scopes = 'system/Patient.rs system/Subscription.cruds'"
        )

    lite.refer([referral(1)])
    assert one.send() == 0
    assert receiver.events() == []


def test_every_notification_is_in_the_ledger_before_it_is_sent(
    world: World, receiver: Receiver
) -> None:
    one = active(world, receiver)
    entries: list[int] = []
    before = world.counts()["ledger_entry"]

    def answer(bundle: Json) -> tuple[int, dict[str, str]]:
        entries.append(world.counts()["ledger_entry"])
        return 200, {}

    receiver.answer = answer
    world.refer([referral(1)])
    before = world.counts()["ledger_entry"]
    one.send()
    assert entries == [before + 1]


def test_after_a_copy_was_put_in_place_no_number_is_used_twice(
    world: World, receiver: Receiver
) -> None:
    one = active(world, receiver)
    world.refer([referral(1), referral(2)])
    one.send()
    with write(world.bridge.engine) as connection:  # as the copy knows it
        connection.exec_driver_sql("DELETE FROM notification_event WHERE number = 2")
        connection.exec_driver_sql("UPDATE subscription SET events = 1, delivered = 1")
        begin_numbers_anew(connection)

    one.send()
    numbers = [number for number, _ in receiver.events()]
    assert len(set(numbers)) == len(numbers) == 4
    assert [focus for _, focus in receiver.events()[2:]] == [task(world, 1), task(world, 2)]
