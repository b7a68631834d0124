"""What a subscriber is sent, when, and what it is never told."""

import json
import time
from datetime import timedelta

import pytest
from fhir.resources.R4B.bundle import Bundle

from tests.support.hostile_server import hostile, waits
from tests.support.receiver import Receiver, events_in, told
from tests.support.subscribing import (
    BACKPORT,
    STATUS,
    TOPIC,
    active,
    subscribed,
    subscription,
    task,
)
from tests.support.worlds import FHIR, World, put_task, referral

DOWN = "http://127.0.0.1:1/hook"


def test_a_handshake_makes_a_subscription_active(world: World, receiver: Receiver) -> None:
    one = subscribed(world, subscription(receiver.url))
    assert one.resource()["status"] == "requested"

    assert one.send() == 1
    (bundle,) = receiver.of("handshake")
    assert one.resource()["status"] == "active"
    assert told(bundle, "status") == "requested"
    assert told(bundle, "events-since-subscription-start") == "0"
    assert one.send() == 0


@pytest.mark.parametrize("how", ["down", "refused"])
def test_a_handshake_that_fails_makes_an_error(lite: World, receiver: Receiver, how: str) -> None:
    receiver.answer = lambda _: (403, {})
    one = subscribed(lite, subscription(DOWN if how == "down" else receiver.url))

    one.send()
    assert one.resource()["status"] == "error"
    assert one.resource()["error"]
    assert "127" not in one.resource()["error"]
    assert one.send() == 0


def test_a_change_is_told_by_its_id_and_nothing_more(world: World, receiver: Receiver) -> None:
    one = active(world, receiver)

    world.refer([referral(1)])
    assert one.send() == 1
    (bundle,) = receiver.of("event-notification")
    status, entry = bundle["entry"]
    assert events_in(bundle) == [(1, task(world, 1))]
    assert status["resource"]["meta"]["profile"] == [STATUS]
    assert status["request"] == {"method": "GET", "url": f"{FHIR}/Subscription/{one.id}/$status"}
    assert entry == {
        "fullUrl": f"{FHIR}/{task(world, 1)}",
        "request": {"method": "GET", "url": task(world, 1)},
        "response": {"status": "200"},
    }
    assert told(bundle, "topic") == f"{TOPIC}Task"
    Bundle.model_validate_json(json.dumps(bundle))


def test_an_empty_payload_names_nothing(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver, content="empty")

    lite.refer([referral(1)])
    one.send()
    (bundle,) = receiver.of("event-notification")
    assert len(bundle["entry"]) == 1
    assert events_in(bundle) == [(1, "")]
    assert told(bundle, "topic") == ""


def test_headers_and_type_come_as_asked(lite: World, receiver: Receiver) -> None:
    header = ["Authorization: Bearer of-theirs", "X-Desk: 7"]
    active(lite, receiver, channel={"header": header, "payload": "application/json"})

    (headers,) = receiver.headers
    assert headers["Authorization"] == "Bearer of-theirs"
    assert headers["X-Desk"] == "7"
    assert headers["Content-Type"] == "application/json"


def test_numbers_have_no_gap_and_the_counter_follows(world: World, receiver: Receiver) -> None:
    one = active(world, receiver)

    for number in (1, 2, 3):
        world.refer([referral(number)])
        one.send()
    assert receiver.events() == [(n, task(world, n)) for n in (1, 2, 3)]
    counts = [told(b, "events-since-subscription-start") for b in receiver.of("event-notification")]
    assert counts == ["1", "2", "3"]
    assert told({"entry": [{"resource": one.status()}]}, "type") == "query-status"


def test_what_was_there_before_is_not_told(lite: World, receiver: Receiver) -> None:
    lite.refer([referral(1)])
    one = active(lite, receiver)

    lite.refer([referral(2)])
    one.send()
    assert [focus for _, focus in receiver.events()] == [task(lite, 2)]


def test_an_update_is_an_event_as_well(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    lite.refer([referral(1)])
    one.send()

    web = lite.web()
    assert put_task(web, web.get(f"/fhir/{task(lite, 1)}").json(), "accepted").status_code == 200
    one.send()
    assert receiver.events() == [(1, task(lite, 1)), (2, task(lite, 1))]


def test_filters_must_all_hold(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver, "Task?status=accepted", "Task?code=fulfill")
    lite.refer([referral(1), referral(2)])
    one.send()
    assert receiver.events() == []

    web = lite.web()
    put_task(web, web.get(f"/fhir/{task(lite, 2)}").json(), "accepted")
    one.send()
    assert receiver.events() == [(1, task(lite, 2))]


def test_the_topic_of_requests_tells_of_requests(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver, topic=f"{TOPIC}Servicerequest")

    lite.refer([referral(1)])
    one.send()
    request = lite.id_of("ServiceRequest", "R-1")
    assert receiver.events() == [(1, f"ServiceRequest/{request}")]


def test_a_notification_is_no_larger_than_asked_for(lite: World, receiver: Receiver) -> None:
    most = {"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": 2}
    one = active(lite, receiver, channel={"extension": [most]})

    lite.refer([referral(n) for n in range(1, 6)])
    assert one.send() == 3
    sizes = [len(events_in(bundle)) for bundle in receiver.of("event-notification")]
    assert sizes == [2, 2, 1]
    assert [number for number, _ in receiver.events()] == [1, 2, 3, 4, 5]


def test_a_heart_beats_only_where_it_was_asked_for(lite: World, receiver: Receiver) -> None:
    beat = {"url": f"{BACKPORT}backport-heartbeat-period", "valueUnsignedInt": 60}
    one = active(lite, receiver, channel={"extension": [beat]})
    still = active(lite, receiver)

    lite.clock.advance(timedelta(seconds=59))
    assert one.send() == 0
    lite.clock.advance(timedelta(seconds=1))
    assert (one.send(), still.send()) == (1, 0)
    (bundle,) = receiver.of("heartbeat")
    assert told(bundle, "subscription") == one.id
    assert told(bundle, "events-since-subscription-start") == "0"


def test_a_subscription_ends_when_it_was_to_end(lite: World, receiver: Receiver) -> None:
    end = (lite.clock.real_now() + timedelta(hours=1)).isoformat()
    one = active(lite, receiver, end=end)

    lite.clock.advance(timedelta(hours=2))
    lite.refer([referral(1)])
    assert one.send() == 0
    assert one.row.status == "off"
    assert receiver.events() == []


def test_another_organisations_referrals_are_not_told(world: World, receiver: Receiver) -> None:
    one = active(world, receiver)

    world.refer([referral(1)], provider="cove")
    world.refer([referral(2)])
    one.send()
    assert receiver.events() == [(1, task(world, 2))]


def test_a_withheld_change_gets_no_number(world: World, receiver: Receiver) -> None:
    one = active(world, receiver)

    world.refer([referral(1, releases=()), referral(2), referral(3, releases=())])
    one.send()
    assert receiver.events() == [(1, task(world, 2))]
    assert told(receiver.came[-1], "events-since-subscription-start") == "1"
    world.refer([referral(4)])
    one.send()
    assert receiver.events()[1:] == [(2, task(world, 4))]


def test_a_slow_endpoint_is_waited_for_as_long_as_asked(lite: World) -> None:
    wait = {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": 1}
    with hostile(waits) as server:
        hook = f"http://127.0.0.1:{server.port}/"
        one = subscribed(lite, subscription(hook, channel={"extension": [wait]}))
        began = time.monotonic()
        one.send()
        assert 0.9 < time.monotonic() - began < 5
    assert one.row.status == "error"
    assert one.row.problem == "The endpoint did not answer as HTTP does, or not in time."
