"""Our own calls to another bridge."""

import json
import socket
import time

import pytest

from bridge.clock import SystemClock
from bridge.identity.signing import SigningKey
from bridge.outbound import BackendClient, Manifest, OutboundError, Partner
from bridge.outbound.client import LONGEST_LINE, lines_of
from tests.support.hostile_server import OK, Act, hostile, says

OPEN = (
    "http://bridge.example.org/fhir",
    "http://10.0.0.7/fhir",
    "ftp://bridge.example.org",
    "bridge.example.org/fhir",
    "",
)


@pytest.mark.parametrize("base", OPEN)
def test_a_partner_is_called_over_tls_alone(base: str) -> None:
    with pytest.raises(OutboundError):
        BackendClient(Partner(base, "a-hub", "system/*.rs"), SigningKey.generate(), SystemClock())


@pytest.mark.parametrize("base", ["https://bridge.example.org/fhir", "http://127.0.0.1:8000/fhir"])
def test_a_partner_over_tls_or_on_this_machine_is_called(base: str) -> None:
    partner = Partner(base, "a-hub", "system/*.rs")
    BackendClient(partner, SigningKey.generate(), SystemClock())


HUGE = "9" * 400
"""A number that JSON can hold and no clock and no counter can."""
FILE = '{"type": "Encounter", "url": "u", "extension": {"sent": {"count": %s, "sha256": "x"}}}'
MANIFEST = '{"transactionTime": %s, "output": %s}'
WRONG = (
    MANIFEST % ('"2026-11-27T10:00:00Z"', f"[{FILE % 'Infinity'}]"),
    MANIFEST % ('"2026-11-27T10:00:00Z"', f"[{FILE % '1e999'}]"),
    MANIFEST % ('"2026-11-27T10:00:00Z"', "null"),
    MANIFEST % ("5", "[]"),
)


@pytest.mark.parametrize("said", WRONG)
def test_a_manifest_that_cannot_be_is_refused(said: str) -> None:
    with pytest.raises(OutboundError):
        Manifest.of(json.loads(said))


def answers(documents: list[str]) -> Act:
    """Answer each request with the next document."""

    def act(connection: socket.socket) -> None:
        body = documents.pop(0).encode()
        says(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)(connection)

    return act


@pytest.mark.parametrize("seconds", [HUGE, '"soon"', "null", "[]"])
def test_a_token_that_lasts_for_no_time_there_is_is_refused(seconds: str) -> None:
    documents: list[str] = []
    with hostile(answers(documents)) as server:
        base = f"http://127.0.0.1:{server.port}"
        documents.append(f'{{"token_endpoint": "{base}/token"}}')
        documents.append(f'{{"access_token": "t", "expires_in": {seconds}}}')
        client = BackendClient(Partner(base, "hub", "s"), SigningKey.generate(), SystemClock())
        with pytest.raises(OutboundError, match="token"):
            client._bearer()
    assert not documents


def test_lines_are_the_same_however_a_text_is_cut() -> None:
    text = b"one\n\ntwo\n" + b"x" * 5000 + b"\nlast"
    expected = [b"one", b"two", b"x" * 5000, b"last"]
    for size in (1, 2, 3, 7, 4096, len(text)):
        cut = (text[n : n + size] for n in range(0, len(text), size))
        assert list(lines_of(cut)) == expected
    assert list(lines_of([b"one\n", b"", b"\n"])) == [b"one"]


def test_a_long_line_in_single_bytes_costs_no_more_than_its_bytes() -> None:
    began = time.thread_time()
    (line,) = lines_of(b"x" for _ in range(400_000))
    assert len(line) == 400_000
    assert time.thread_time() - began < 3  # put together at each byte: 80 GB are copied
    with pytest.raises(OutboundError, match="too long"):
        list(lines_of([b"x" * LONGEST_LINE, b"x"]))
