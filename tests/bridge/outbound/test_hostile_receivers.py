"""What the other side of a call can do to us: cost us a few seconds, and nothing else."""

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bridge.outbound import (
    OutboundBusyError,
    OutboundError,
    OutboundUnreachedError,
    Outgoing,
    addresses,
    calls,
)
from bridge.outbound.addresses import is_public
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Request
from bridge.outbound.client import FILE
from tests.support.certificates import Authority
from tests.support.hostile_server import ACTS, OK, Hostile, hostile, says, waits
from tests.support.inner_urls import RANGES_4, RANGES_6, inner_urls
from tests.support.name_server import NameServer, name_server

SHORT = Limits(seconds=0.3, patience=0.3)
"""The limits of a document, with a smaller deadline."""
LONG = replace(FILE, seconds=5.0, patience=0.3, max_bytes=3_000_000, max_unpacked=6_000_000)
"""The limits of a file, smaller."""
FLAT = 3_000_000
NAMES = {
    "clinic.example.org": [["93.184.216.34"], ["127.0.0.1"]],
    "two.example.org": [["93.184.216.34", "169.254.169.254"]],
    "six.example.org": [["64:ff9b::7f00:1"]],
    "nowhere.example.org": [[]],
    "localhost": [["127.0.0.1"], ["10.0.0.7"]],
}


@pytest.fixture
def names() -> Iterator[NameServer]:
    with name_server(NAMES) as made:
        yield made


def asked(outgoing: Outgoing, url: str, limits: Limits = SHORT, body: bytes = b"") -> int:
    """Make a call, read the answer as it comes, keep nothing; returns its size."""
    with outgoing.calling(Request("POST" if body else "GET", url, {}, body), limits) as answer:
        if answer.status != 200:
            raise OutboundError(f"refused: status {answer.status}")
        return sum(len(part) for part in answer.body)


def refused(outgoing: Outgoing, url: str, words: str = ".", limits: Limits = SHORT) -> None:
    with pytest.raises(OutboundError, match=words):
        asked(outgoing, url, limits)


def refuse_all(outgoing: Outgoing, urls: Sequence[str]) -> None:
    for url in urls:
        began = time.monotonic()
        refused(outgoing, url)
        assert time.monotonic() - began < 10, url


def here(server: Hostile) -> str:
    return f"http://127.0.0.1:{server.port}/notify"


@pytest.mark.parametrize("limits", [SHORT, LONG], ids=["document", "file"])
@pytest.mark.parametrize("name", ACTS)
def test_a_call_ends_in_its_time_and_memory_stays_flat(name: str, limits: Limits) -> None:
    with hostile(ACTS[name]) as server:
        tracemalloc.start()
        began = time.monotonic()
        with pytest.raises(OutboundError):
            asked(Outgoing(loopback=True), here(server), limits)
        took, peak = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert took < limits.seconds + 1
    assert peak < FLAT


def test_a_receiver_that_does_not_read_is_left_at_the_deadline() -> None:
    with hostile(waits) as server:
        began = time.monotonic()
        with pytest.raises(OutboundError):
            asked(Outgoing(loopback=True), here(server), SHORT, b"x" * 20_000_000)
        assert time.monotonic() - began < 2


def test_a_redirect_to_an_inner_address_is_not_followed() -> None:
    with hostile(says(OK)) as inner:
        moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\n\r\n" % here(inner).encode()
        with hostile(says(moved)) as server, pytest.raises(OutboundError, match="status 307"):
            asked(Outgoing(loopback=True), here(server))
        assert inner.connects == 0


def numeric_or(names: NameServer, host: str, port: int) -> Sequence[str]:
    """Read a number as the system reads it, ask the name server for the rest."""
    try:
        found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
    except OSError:
        return names.addresses(host, port)
    return [str(entry[4][0]) for entry in found]


def test_no_address_of_the_corpus_leads_inside(names: NameServer) -> None:
    with hostile(says(OK + b"\r\n{}")) as inner:
        urls = inner_urls(inner.port)
        outgoing = Outgoing(loopback=False, resolver=lambda *asked: numeric_or(names, *asked))
        refuse_all(outgoing, urls)
        assert inner.connects == 0
    assert len(set(urls)) > 500


def test_no_name_leads_inside(names: NameServer) -> None:
    outgoing = Outgoing(loopback=False, resolver=names.addresses)
    for host in ("two.example.org", "six.example.org", "nowhere.example.org", "localhost"):
        with pytest.raises(OutboundError, match="no connection: OSError"):
            asked(outgoing, f"https://{host}/")


def test_a_name_is_looked_up_once_a_call_and_what_was_looked_at_is_connected_to(
    names: NameServer,
) -> None:
    outgoing = Outgoing(loopback=False, resolver=names.addresses)
    with hostile(says(OK + b"\r\n{}")) as inner:
        url = f"https://clinic.example.org:{inner.port}/"
        # The tests' own wall against the internet says where the call wanted to connect to.
        with pytest.raises(UserWarning, match=r'host "93\.184\.216\.34"'):
            asked(outgoing, url)
        assert names.asked == ["clinic.example.org"]
        with pytest.raises(OutboundError, match="no connection: OSError"):
            asked(outgoing, url)
        assert (names.asked, inner.connects) == (["clinic.example.org"] * 2, 0)


def test_a_name_server_that_says_nothing_costs_no_more_than_the_deadline(
    names: NameServer,
) -> None:
    names.silent = True
    outgoing, began = Outgoing(loopback=False, resolver=names.addresses), time.monotonic()
    with pytest.raises(OutboundError, match="no connection: TimeoutError"):
        asked(outgoing, "https://clinic.example.org/")
    assert time.monotonic() - began < 1.5


def test_names_of_silent_servers_do_not_pile_up() -> None:
    release = threading.Event()

    def stuck(host: str, port: int) -> Sequence[str]:
        release.wait(10)
        return ["10.0.0.1"]

    outgoing, before = Outgoing(loopback=False, resolver=stuck), threading.active_count()
    quick = Limits(seconds=0.02)
    for n in range(40):
        with pytest.raises(OutboundError):
            asked(outgoing, f"https://p{n}.example.org/", quick)
        with pytest.raises(OutboundError):
            asked(outgoing, "https://p0.example.org/", quick)
    assert threading.active_count() - before <= 16
    with pytest.raises(OutboundBusyError, match="looked up"):
        asked(outgoing, "https://another.example.org/", quick)
    release.set()


def test_names_of_one_partner_that_do_not_resolve_leave_those_of_another_alone() -> None:
    release = threading.Event()

    def stuck(host: str, port: int) -> Sequence[str]:
        if host.endswith(".slow.example.org"):
            release.wait(10)
        return ["10.0.0.1"]

    outgoing, quick = Outgoing(loopback=False, resolver=stuck), Limits(seconds=0.02)
    for n in range(40):
        url = f"https://p{n % 8}.slow.example.org:{n + 1}/"
        with pytest.raises(OutboundUnreachedError), outgoing.calling(of("slow", url), quick):
            pass
    with (
        pytest.raises(OutboundUnreachedError, match="no connection: OSError"),  # an inner address
        outgoing.calling(of("quick", "https://quick.example.org/"), Limits(seconds=2)),
    ):
        pass
    release.set()


def of(whose: str, url: str) -> Request:
    return Request("POST", url, body=b"x", whose=whose)


def test_the_certificate_and_the_host_are_those_of_the_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    heard: list[bytes] = []

    def answers(connection: socket.socket) -> None:
        heard.append(connection.recv(65_536))
        connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    outgoing = Outgoing(loopback=True, tls=authority.trusted())
    with hostile(answers, authority.server("localhost")) as server:
        assert asked(outgoing, f"https://localhost:{server.port}/a") == 2
        assert f"\r\nHost: localhost:{server.port}\r\n".encode() in heard[0]
    others = (
        (outgoing, authority.server("another.example.org")),
        (outgoing, authority.server("localhost", timedelta(days=-2))),
        (Outgoing(loopback=True), authority.server("localhost")),
    )
    for caller, certificate in others:
        with hostile(answers, certificate) as server:
            refused(caller, f"https://localhost:{server.port}/a", "no answer: ConnectError")
    assert len(heard) == 1


def test_a_server_that_does_not_begin_tls_is_left_at_the_deadline() -> None:
    with hostile(waits) as server:
        began = time.monotonic()
        with pytest.raises(OutboundError):
            asked(Outgoing(loopback=True), f"https://localhost:{server.port}/")
        assert time.monotonic() - began < 1.5


def test_a_slow_partner_takes_its_own_few_calls_and_none_of_another() -> None:
    outgoing = Outgoing(loopback=True, at_once=2)
    with hostile(waits) as slow, hostile(says(OK + b"\r\n{}")) as quick:
        url = f"http://localhost:{slow.port}/"
        asking = (outgoing, url, "no answer", Limits(seconds=1.5))
        threads = [threading.Thread(target=refused, args=asking) for _ in range(2)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 1.0
        while slow.connects < 2 and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(OutboundBusyError):
            asked(outgoing, url)
        assert asked(outgoing, here(quick)) == 2
        for thread in threads:
            thread.join()
        assert asked(outgoing, here(quick)) == 2


@pytest.mark.parametrize("text", [*RANGES_4, *RANGES_6])
def test_no_address_of_a_special_range_is_public(text: str) -> None:
    network = ip_network(text)
    last = network.num_addresses - 1
    for place in {0, 1 % (last + 1), last // 3, last // 2, last}:
        assert not is_public(network[place])


@pytest.mark.parametrize(
    "text",
    [
        *("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1"),
        *("128.0.0.0", "169.253.0.1", "169.255.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.0"),
        *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2001:200::1", "2001:db7::1", "2003::1", "2606:4700::1111", "2a00:1450::1", "3ffe::1"),
    ],
)
def test_the_neighbours_of_a_special_range_are_public(text: str) -> None:
    assert is_public(ip_network(text)[0])


def test_what_the_reader_of_an_answer_raises_is_its_own() -> None:
    outgoing = Outgoing(loopback=True)
    with (
        hostile(says(OK + b"\r\n{}")) as server,
        pytest.raises(OSError, match="the disk is full"),
        outgoing.calling(Request("GET", here(server)), SHORT),
    ):
        raise OSError("the disk is full")


def test_a_packed_file_is_unpacked() -> None:
    body = gzip.compress(b'{"a":1}\n' * 1000)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with hostile(says(head + body)) as server:
        assert asked(Outgoing(loopback=True), here(server), LONG) == 8000


def test_a_table_that_goes_by_the_library_is_noticed(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: address.is_global)
    outgoing = Outgoing(loopback=False, resolver=lambda *asked: numeric_or(names, *asked))
    with pytest.raises(UserWarning, match=r"socket\.connect"):  # the tests' wall again
        refuse_all(outgoing, inner_urls(9))


def test_a_name_that_is_looked_up_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpinned(host: str, found: Sequence[str], *, loopback: bool) -> tuple[str, ...]:
        assert is_public(ip_address(found[0]))
        return (host,)

    monkeypatch.setattr(calls, "checked", unpinned)
    outgoing = Outgoing(loopback=False, resolver=lambda *_: ["93.184.216.34"])
    with hostile(says(b"")) as inner:
        refused(outgoing, f"https://localhost:{inner.port}/")
        assert inner.connects == 1
