"""A mail server that lets each step take a little longer holds no thread beyond its time."""

import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from bridge.outbound import mail
from bridge.outbound.mail import MailRefusedError, send_mail
from bridge.settings import MailServer
from tests.support.certificates import Authority
from tests.support.hostile_server import hostile

SECONDS = 1.0
ANSWERS = {
    b"EHLO": b"250-localhost\r\n250 STARTTLS\r\n",
    b"STAR": b"220 go on\r\n",
    b"MAIL": b"250 OK\r\n",
    b"RCPT": b"250 OK\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}

HANDSHAKE = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
"""The beginning of a record that is as long as one may be."""


class Slow:
    """A server that answers every step but one, at which it drips for ever."""

    def __init__(self, at: bytes, tls: ssl.SSLContext) -> None:
        self.at, self.tls = at, tls

    def __call__(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            self._reply(connection, b"", b"220 here\r\n")
            while heard := connection.recv(4096):
                word = heard[:4].upper()
                if word == b"STAR":
                    connection.sendall(ANSWERS[word])
                    self._drip(connection, word, HANDSHAKE)
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    stack.enter_context(connection)
                elif heard.endswith(b"\r\n.\r\n"):
                    self._reply(connection, b".", b"250 taken\r\n")
                else:
                    self._reply(connection, word, ANSWERS[word])

    def _reply(self, connection: socket.socket, step: bytes, answer: bytes) -> None:
        self._drip(connection, step, b"250 ")
        connection.sendall(answer)

    def _drip(self, connection: socket.socket, step: bytes, head: bytes) -> None:
        while self.at == step:
            connection.sendall(head)
            time.sleep(0.05)
            head = b"0"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def sent(slow: Slow, authority: Authority, seconds: float = SECONDS) -> tuple[int, float]:
    """Send a mail; return the code with which it was refused (-1: it was not), and the time."""
    with hostile(slow) as server:
        own = MailServer("localhost", server.port, "bridge@millbrook.example")
        return refusal(own, authority, seconds)


def refusal(own: MailServer, authority: Authority, seconds: float) -> tuple[int, float]:
    """Send a mail by a server; as before."""
    began, code = time.monotonic(), -1
    try:
        send_mail(own, "max@family.example", ("a", "b"), authority.trusted(), seconds)
    except MailRefusedError as error:
        code = error.code
    return code, time.monotonic() - began


@pytest.mark.parametrize("at", [b"", b"EHLO", b"STAR", b"MAIL", b"RCPT", b"DATA", b"."])
def test_a_server_that_drips_is_left_when_the_time_is_over(authority: Authority, at: bytes) -> None:
    code, took = sent(Slow(at, authority.server("localhost")), authority)
    assert code == 0
    assert SECONDS * 0.9 < took < SECONDS + 2


def test_what_was_taken_was_sent_whatever_becomes_of_the_farewell(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it is sent again, and again."""
    code, took = sent(Slow(b"QUIT", authority.server("localhost")), authority)
    assert code == -1
    assert took < SECONDS + 2
    monkeypatch.setitem(ANSWERS, b"QUIT", b"421 too busy\r\n")
    assert sent(Slow(b"never", authority.server("localhost")), authority)[0] == -1


def test_so_it_is_where_tls_comes_first(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = authority.server("localhost")
    for at, expected in ((b"", 0), (b"RCPT", 0), (b"never", -1)):
        slow = Slow(at, server)
        with hostile(slow, server) as made:
            monkeypatch.setattr(mail, "_IMPLICIT", made.port)
            own = MailServer("localhost", made.port, "bridge@millbrook.example")
            code, took = refusal(own, authority, SECONDS)
            assert (code, took < SECONDS + 2) == (expected, True)


def test_a_name_that_is_looked_up_for_ever_is_left_too(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def for_ever(_host: str, _port: int) -> list[str]:
        time.sleep(5)
        return []

    monkeypatch.setattr(mail, "_LOOKUPS", mail.Lookups(for_ever))
    own, began = MailServer("slow.example", 25, "bridge@millbrook.example"), time.monotonic()
    with pytest.raises(MailRefusedError):
        send_mail(own, "max@family.example", ("a", "b"), authority.trusted(), 0.3)
    assert time.monotonic() - began < 2


def test_a_server_that_may_take_for_ever_is_noticed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the end a server that drips for 15 times its time is waited for."""
    monkeypatch.setattr(mail._Deadline, "_end", lambda _: None)
    ended = threading.Event()

    def send() -> None:
        sent(Slow(b"RCPT", authority.server("localhost")), authority, 0.2)
        ended.set()

    threading.Thread(target=send, daemon=True).start()
    assert not ended.wait(3)
