"""Two processes remind families at once: each mail goes out once, and one settles its own alone."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from bridge.journeys.families import remind_families
from bridge.journeys.families.remind_families import LEASE, FamilyReminders
from bridge.outbound.errors import MessageRefusedError
from bridge.outbound.mail import ALL_SECONDS
from bridge.store.database.engine import open_engine, read, write
from bridge.store.facts import families
from bridge.store.facts.families import SigningRequest, requests_of_student
from tests.bridge.journeys.test_ask_family import asked
from tests.support.worlds import LEA, World, referral

PLACE = "https://bridge.example/portal/family"
MANY = 12
Send = Callable[[str, tuple[str, str]], None]


@pytest.fixture
def waiting(world: World) -> World:
    world.refer([referral(1, releases=())])
    return world


@pytest.fixture
def engines(world: World) -> Iterator[tuple[Engine, Engine]]:
    """Two processes' connections to the one database."""
    with ExitStack() as stack:
        url = world.bridge.settings.database_url
        opened = [open_engine(url) for _ in range(2)]
        for each in opened:
            stack.callback(each.dispose)
        yield opened[0], opened[1]


def worker(world: World, engine: Engine, send: Send) -> FamilyReminders:
    parts = replace(world.parts, engine=engine)
    return FamilyReminders(parts, {"mail": send}, PLACE, world.bridge.settings.home)


def kept(world: World) -> list[SigningRequest]:
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    with read(world.bridge.engine) as connection:
        return requests_of_student(connection, student)


def test_two_that_remind_at_once_send_each_mail_once(
    waiting: World, engines: tuple[Engine, Engine]
) -> None:
    for n in range(MANY):
        asked(waiting, name=f"Made Up {n}", address=f"p{n}@family.example")
    came, both, counts = Counter[str](), threading.Barrier(2), list[int]()

    def send(address: str, _words: tuple[str, str]) -> None:
        came[address] += 1

    def work(engine: Engine) -> None:
        own = worker(waiting, engine, send)
        both.wait()
        counts.append(own.send_due())

    threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert came == {f"p{n}@family.example": 1 for n in range(MANY)}
    assert sum(counts) == MANY
    assert {(each.sent, each.lease) for each in kept(waiting)} == {(1, "")}


def overtaken(world: World, engines: tuple[Engine, Engine]) -> tuple[str, SigningRequest]:
    """Let one be so slow that another takes its mail over; return the lease and what is kept.

    What is kept is looked at once the slow one has ended and the other is still sending.
    """
    asked(world)
    leases: list[str] = []
    looked: list[SigningRequest] = []

    def refuse(_address: str, _words: tuple[str, str]) -> None:
        leases.append(kept(world)[0].lease)
        looked.append(slow_ends())

    def slow_ends() -> SigningRequest:
        going_on.set()
        slow.join()
        return kept(world)[0]

    going_on, begun = threading.Event(), threading.Event()

    def hang(_address: str, _words: tuple[str, str]) -> None:
        begun.set()
        going_on.wait()
        raise MessageRefusedError("mail", 451, final=False)

    slow = threading.Thread(target=worker(world, engines[0], hang).send_due)
    slow.start()
    begun.wait()
    world.clock.advance(LEASE)
    assert worker(world, engines[1], refuse).send_due() == 1
    return leases[0], looked[0]


def test_who_lost_a_mail_to_another_settles_nothing(
    waiting: World, engines: tuple[Engine, Engine]
) -> None:
    lease, meanwhile = overtaken(waiting, engines)
    assert (meanwhile.lease, meanwhile.sent) == (lease, 0)
    (request,) = kept(waiting)
    assert (request.lease, request.sent) == ("", 1)
    assert request.next_at is not None
    assert request.next_at > waiting.clock.now() + timedelta(hours=1)


def test_who_settles_anothers_mail_is_noticed(
    waiting: World, engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def whosever(connection: object, request: SigningRequest, _lease: str, values: object) -> None:
        free = {"lease": "", "leased_until": None}
        families.settle_request(connection, request.handle, {**values, **free})  # type: ignore[arg-type,dict-item]

    monkeypatch.setattr(remind_families, "settle_taken", whosever)
    with pytest.raises(AssertionError):
        test_who_lost_a_mail_to_another_settles_nothing(waiting, engines)


def test_a_mail_that_was_answered_while_it_was_sent_is_not_due_again(waiting: World) -> None:
    asked(waiting)

    def answer(_address: str, _words: tuple[str, str]) -> None:
        ended = {"ended": "signed", "ended_at": waiting.clock.now(), "next_at": None}
        with write(waiting.bridge.engine) as connection:
            families.settle_request(connection, kept(waiting)[0].handle, ended)

    worker(waiting, waiting.bridge.engine, answer).send_due()
    assert [each.next_at for each in kept(waiting)] == [None]


def test_nobody_takes_a_mail_over_that_is_being_sent() -> None:
    assert timedelta(seconds=ALL_SECONDS * 1.5) < LEASE
