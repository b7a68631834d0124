"""Partners take turns: whatever one has under way, another waits for one part of it at a time.

What is looked at is the order in which parts are made, not how long they take: between two parts of
a small export stand one or two of the other partner's, and not one for each file it reads.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from urllib.parse import urlparse

import httpx
import pytest
from starlette.concurrency import run_in_threadpool

from bridge.api import export_files, replies
from tests.support.exports import kicked_off
from tests.support.listening import listening
from tests.support.worlds import COVE, World, referral

MANY, ROWS, FEW, PART = 20, 12, 16, 2
SLOW, UNREAD = 4, 60
SMALL = 4096
"""Bytes that the machine keeps for a reader that does not read."""


@dataclass
class Order:
    """Whose parts were made, one after the other."""

    owner: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def between(self) -> list[int]:
        """Return how many parts of others stand before each part of the small export but one."""
        own = [at for at, who in enumerate(self.made) if who == "cove-ehr"]
        return [after - before - 1 for before, after in pairwise(own)]


def ordered(world: World, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Refer a large partner's referrals and a small one's, exported in parts of a few rows."""
    for name in ("FIRST_PART", "PART", "LEAST_PART"):
        monkeypatch.setattr(export_files, name, PART)
    found, noted = Order(), export_files.note_part

    def note(connection: object, place: tuple[str, str], *more: object) -> None:
        found.made.append(found.owner[place[0]])
        noted(connection, place, *more)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(export_files, "note_part", note)
    world.refer(referral(n) for n in range(ROWS))
    world.refer((referral(n) for n in range(900, 900 + FEW)), provider=COVE)
    return found


@pytest.fixture
def order(world: World, monkeypatch: pytest.MonkeyPatch) -> Order:
    return ordered(world, monkeypatch)


def file_of(world: World, order: Order, client: str) -> tuple[str, dict[str, str]]:
    """Begin an export of referrals; returns the path of its file, and the headers to ask with."""
    web = world.web(client)
    place = kicked_off(web, "?_type=ServiceRequest")
    order.owner[place.rpartition("/")[2]] = client
    return f"{urlparse(place).path}/ServiceRequest.ndjson", {"Authorization": f"Bearer {web.token}"}


def rows_in(url: str, file: tuple[str, dict[str, str]]) -> int:
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as web:
        return len(web.get(file[0], headers=file[1]).raise_for_status().text.splitlines())


@contextmanager
def reading(url: str, files: list[tuple[str, dict[str, str]]]) -> Iterator[None]:
    """Read files at the same time, again and again, until the block ends."""
    ended = threading.Event()

    def read(file: tuple[str, dict[str, str]]) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as web:
            while not ended.is_set():
                with web.stream("GET", file[0], headers=file[1]) as answer:
                    for _ in answer.iter_raw():
                        if ended.is_set():  # nobody waits for the rest
                            return

    threads = [threading.Thread(target=read, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def until(order: Order, parts: int) -> None:
    end = time.monotonic() + 60
    while len(order.made) < parts:
        assert time.monotonic() < end
        time.sleep(0.01)


def small_beside_many(world: World, order: Order) -> list[int]:
    """Return how many parts of a partner that reads many files stood before each of another's."""
    many = [file_of(world, order, "harbor-ehr") for _ in range(MANY)]
    small = file_of(world, order, "cove-ehr")
    with listening(world.app) as url, reading(url, many):
        until(order, MANY)
        assert rows_in(url, small) == FEW
    return order.between()


def test_a_partner_with_many_exports_holds_up_another_by_one_part_at_a_time(
    world: World, order: Order
) -> None:
    waited = small_beside_many(world, order)
    print(f"parts before each of another partner's: {waited}")  # noqa: T201 - the figures
    assert len(waited) >= FEW // PART
    assert median(waited) <= 2


def test_parts_that_are_made_as_they_are_asked_for_are_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ordered(lite, monkeypatch)
    monkeypatch.setattr(
        replies, "next_in_turn", lambda _, parts: run_in_threadpool(next, parts, None)
    )
    waited = small_beside_many(lite, order)
    print(f"without turns: {waited}")  # noqa: T201 - the figures
    assert median(waited) > 4


def test_partners_that_do_not_read_hold_up_nobody(
    world: World, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "BLOCK", SMALL)
    world.refer(referral(n) for n in range(ROWS, UNREAD))
    many = [file_of(world, order, "harbor-ehr") for _ in range(SLOW)]
    small = file_of(world, order, "cove-ehr")
    with listening(world.app, SMALL) as url, ExitStack() as stack:
        for path, headers in many:
            asking = stack.enter_context(socket.socket())
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            asking.connect(("127.0.0.1", urlparse(url).port or 0))
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            asking.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        until(order, SLOW)
        assert rows_in(url, small) == FEW
        assert median(order.between()) <= 2
        # They were made as far as somebody took them, and no further.
        assert order.made.count("harbor-ehr") < SLOW * UNREAD // PART
