"""A receiver can tell that a request is ours and as we sent it, with a library that is not."""

import base64
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from bridge.clock import Clock, SystemClock
from bridge.identity.signing import SigningKey
from bridge.outbound import Outgoing
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Request
from bridge.outbound.signatures import RequestSigner, signer_of
from tests.support.hostile_server import OK, hostile
from tests.support.worlds import FixedClock

KEY = SigningKey.generate()
JSON = {"Content-Type": "application/fhir+json"}
SENT = Request("POST", "https://Clinic.example.org/notify?a=b%20c", JSON, b'{"a": 1}')
COVERED = ("@method", "@authority", "@path", "@query", "content-digest", "content-type")


@dataclass
class Received:
    """A request as its receiver has it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"")


class Keys(HTTPSignatureKeyResolver):
    """The keys a receiver has of us."""

    def resolve_public_key(self, key_id: str) -> object:
        assert key_id == KEY.kid
        return load_pem_private_key(KEY.pem, None).public_key()

    def resolve_private_key(self, key_id: str) -> object:
        raise AssertionError("a receiver has no private key")


def received(request: Request, clock: Clock | None = None) -> Received:
    headers = {**request.headers, **RequestSigner(KEY, clock or SystemClock())(request)}
    return Received(request.method, request.url, headers, request.body)


def verified(message: Received, covered: tuple[str, ...] = COVERED) -> None:
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ECDSA_P384_SHA384, key_resolver=Keys()
    )
    verifier.verify(
        message, expect_tag="schoolbridge", require_components=covered, body=message.body
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://clinic.example.org/notify",
        "https://Clinic.example.org:443/notify?",
        "https://clinic.example.org:8443",
        "http://127.0.0.1:8080/a/b?c=d&e=%2F",
        "https://[2606:4700::1111]:8443/n",
    ],
)
def test_another_library_verifies_what_we_sign(url: str) -> None:
    verified(received(replace(SENT, url=url)))
    verified(received(Request("GET", url)), COVERED[:4])


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"url": "https://other.example.org/notify?a=b%20c"},
        {"url": "https://clinic.example.org/another?a=b%20c"},
        {"url": "https://clinic.example.org/notify?a=b"},
        {"body": b'{"a": 2}'},
    ],
)
def test_a_request_that_was_changed_is_found_out(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidSignature):
        verified(replace(received(SENT), **changed))  # type: ignore[arg-type] # fields as a case changes them


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature", "Signature-Input"])
def test_a_header_that_was_changed_is_found_out(name: str) -> None:
    message = received(SENT)
    digit = next(n for n, each in enumerate(message.headers[name]) if each.isdigit() or each == "f")
    spoilt = message.headers[name]
    spoilt = spoilt[:digit] + ("7" if spoilt[digit] != "7" else "8") + spoilt[digit + 1 :]
    with pytest.raises(InvalidSignature):
        verified(replace(message, headers={**message.headers, name: spoilt}))


def test_a_signature_is_good_for_five_minutes() -> None:
    verified(received(SENT, FixedClock(datetime.now(UTC) - timedelta(minutes=4))))  # noqa: TID251 - the time it is
    with pytest.raises(InvalidSignature):
        verified(received(SENT, FixedClock(datetime.now(UTC) - timedelta(minutes=6))))  # noqa: TID251 - the time it is


def test_two_requests_have_two_signatures_and_neither_shows_the_body() -> None:
    one, two = received(SENT), received(SENT)
    assert one.headers["Signature-Input"] != two.headers["Signature-Input"]
    assert '{"a"' not in repr(SENT)
    assert len(base64.b64decode(one.headers["Signature"][6:-1])) == 96


def test_an_rsa_key_signs_tokens_alone() -> None:
    assert signer_of(SigningKey.generate("RS384"), SystemClock()) is None


def test_what_is_sent_carries_the_signature() -> None:
    heard: list[bytes] = []

    def answers(connection: socket.socket) -> None:
        came = connection.recv(65_536)
        while not came.endswith(b"{}"):
            came += connection.recv(65_536)
        heard.append(came)
        connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with hostile(answers) as server:
        request = Request("POST", f"http://127.0.0.1:{server.port}/notify?a=b", JSON, b"{}")
        signer = signer_of(KEY, SystemClock())
        with Outgoing(loopback=True).calling(request, Limits(), signer) as answer:
            assert answer.status == 200
    head, _, body = heard[0].decode().partition("\r\n\r\n")
    method, path, _ = head.partition("\r\n")[0].split(" ")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    verified(Received(method, f"http://{headers['Host']}{path}", headers, body.encode()))
