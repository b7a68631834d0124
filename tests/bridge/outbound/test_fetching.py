"""What a partner's server can do to us while we fetch a document from it: nothing."""

import ipaddress
import os
import threading
import time
from collections.abc import Iterator

import pytest

from bridge.outbound import Fetching, OutboundBusyError, OutboundError, Outgoing
from bridge.outbound.addresses import is_public
from bridge.outbound.bodies import Limits
from tests.support.documents_server import Documents, answer, serving


@pytest.fixture
def server() -> Iterator[Documents]:
    with serving() as made:
        yield made


def fetching(at_once: int = 4, **limits: float) -> Fetching:
    """Fetch within limits, from servers of this machine too."""
    return Fetching(Outgoing(loopback=True, at_once=at_once), Limits(**limits))  # type: ignore[arg-type] # limits by name


def refused(url: str, deadline: float = 5.0) -> str:
    with pytest.raises(OutboundError) as caught:
        fetching(seconds=deadline).get(url)
    return str(caught.value)


def test_a_document_is_fetched_with_its_headers(server: Documents) -> None:
    server.said = answer(b'{"keys": []}', "Cache-Control: max-age=60", "X-A: 1")
    fetched = fetching().get(server.url)
    assert fetched.body == b'{"keys": []}'
    assert fetched.headers["cache-control"] == "max-age=60"
    asked = server.asked[0].decode().lower()
    assert asked.startswith("get /jwks.json http/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in asked
    assert "accept-encoding: identity\r\n" in asked
    assert "authorization" not in asked


def test_a_form_is_sent(server: Documents) -> None:
    fetching().post_form(server.url, b"a=b", {"X-A": "1"})
    asked = server.asked[0].decode()
    assert asked.startswith("POST /jwks.json")
    assert "application/x-www-form-urlencoded" in asked
    assert "X-A: 1" in asked


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (answer(b"{}", status="404 Not Found"), "status 404"),
        (answer(b"{}", "Location: http://127.0.0.1:1/", status="302 Found"), "status 302"),
        (answer(b"{}", status="304 Not Modified"), "status 304"),
        (answer(b"{}", "Content-Encoding: gzip"), "compressed"),
        (answer(b"x" * 65_537), "too long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" * 20, "no answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "no answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000, "no answer"),
        (b"nonsense\r\n\r\n", "no answer"),
        (b"", "no answer"),
    ],
)
def test_an_answer_that_is_not_the_document_is_refused(
    server: Documents, said: bytes, word: str
) -> None:
    server.said = said
    assert word in refused(server.url)


@pytest.mark.parametrize("said", [answer(b"x" * 500), b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100])
def test_a_server_that_drips_is_left_at_the_deadline(server: Documents, said: bytes) -> None:
    server.said, server.step, server.pause = said, 1, 0.05
    began = time.monotonic()
    refused(server.url, deadline=0.5)
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_is_left_at_the_deadline(server: Documents) -> None:
    server.said, server.step, server.pause = b"H" * 10, 1, 1.0
    began = time.monotonic()
    refused(server.url, deadline=0.3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "url",
    [
        "http://clinic.example.org/jwks.json",
        "http://127.0.0.2/jwks.json",
        "http://127.1/",
        "http://localhost.example.org/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://user@127.0.0.1/",
        "https://127.0.0.1:99999/",
        "jwks.json",
        "",
    ],
)
def test_an_address_that_is_not_protected_is_not_called(url: str) -> None:
    assert "address" in refused(url)


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.1"),
        *("2130706433", "0x7f000001", "0", "127.1", "127.0.0.2", "168.63.129.16"),
        *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1]", "[fec0::1]", "[fd00::1]"),
    ],
)
def test_an_inner_address_is_not_called_however_it_is_written(host: str) -> None:
    began = time.monotonic()
    assert "no connection" in refused(f"https://{host}/jwks.json")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((a, True) for a in ("8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111")),
        *((a, False) for a in ("127.0.0.1", "10.1.1.1", "192.0.0.192", "224.0.0.1", "::1", "::")),
        *((a, False) for a in ("64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1", "2001::1")),
        *((a, False) for a in ("::ffff:10.0.0.1", "ff02::1", "2001:db8::1", "255.255.255.255")),
    ],
)
def test_our_own_table_tells_what_is_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_proxy_settings_of_the_machine_do_not_count(
    server: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")  # noqa: TID251 - a switch of the tests
    assert fetching().get(server.url).body == b"{}"


def test_a_few_slow_partners_do_not_hold_up_everybody(server: Documents) -> None:
    server.said, server.step, server.pause = answer(b"x" * 50), 1, 0.05
    few = fetching(2, seconds=1.0)

    def fetch() -> None:
        with pytest.raises(OutboundError):
            few.get(server.url)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(OutboundBusyError):
        few.get(server.url)
    assert time.monotonic() - began < 0.1
    for thread in threads:
        thread.join()


def test_an_error_names_no_address(server: Documents) -> None:
    server.said = answer(b"secret", status="500 Secret")
    assert refused(server.url + "?secret") == "refused: status 500"
