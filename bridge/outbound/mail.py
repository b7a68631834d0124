"""Mail through the operator's own server: TLS or nothing, a few words, nobody's name.

The server is named by the operator, so it may be inside the network; its certificate is checked and
mail is never given to it in the clear (RFC 3207; RFC 8314 for port 465).
"""

import smtplib
import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Final, Self

from bridge.outbound.errors import MessageRefusedError, OutboundError
from bridge.outbound.resolving import Lookups, system_addresses
from bridge.settings import MailServer

SECONDS: Final = 10.0
"""How long one step may take."""
ALL_SECONDS: Final = 60.0
"""How long the whole exchange may; shorter than the leases of those who send."""
_IMPLICIT: Final = 465
_LOOKUPS: Final = Lookups(system_addresses)


class MailRefusedError(MessageRefusedError):
    """Mail that was not taken; the code is the server's reply code.

    It is final where the server says so (RFC 5321 4.2.1: 5yz).
    """

    def __init__(self, code: int, *, of_us: bool = False) -> None:
        super().__init__("mail", code, final=code >= 500)
        self.of_us = of_us


def send_mail(
    server: MailServer,
    to: str,
    words: tuple[str, str],
    tls: ssl.SSLContext | None = None,
    seconds: float = ALL_SECONDS,
) -> None:
    """Give one message to the operator's server.

    Args:
        server: whose; its name is in its certificate.
        to: the address.
        words: subject and text.
        tls: whose certificates are trusted; the machine's store if none is given.
        seconds: how long all of it may take, the look-up of the name included.

    Raises:
        MailRefusedError: it was not taken; the text holds neither address nor words.
    """
    message = _message(server, to, words)
    trusted = tls or ssl.create_default_context()
    with _Deadline(seconds) as deadline:
        try:
            _exchange(server, message, trusted, deadline)
        except (smtplib.SMTPException, OutboundError, OSError, ValueError) as error:
            raise MailRefusedError(0) if deadline.is_over else _refusal(error) from None


def _exchange(
    server: MailServer, message: EmailMessage, tls: ssl.SSLContext, deadline: "_Deadline"
) -> None:
    with closing(_connected(server, tls, deadline)) as connection:
        if server.username:
            connection.login(server.username, server.password)
        connection.send_message(message)
        if deadline.is_over:  # what was read last is the beginning of an answer, not one
            raise TimeoutError("the time is over")
        with suppress(smtplib.SMTPException, OSError):
            connection.quit()  # it was taken, whatever the server says to this


def _refusal(error: Exception) -> MailRefusedError:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return MailRefusedError(max((code for code, _ in error.recipients.values()), default=0))
        case smtplib.SMTPDataError():
            return MailRefusedError(error.smtp_code)
        case smtplib.SMTPResponseException():
            return MailRefusedError(error.smtp_code, of_us=True)
    return MailRefusedError(0)


class _Deadline:
    """The end of one exchange. What hangs at it finds the connection ended and gives up.

    A timeout for each read would let a server that sends a byte every few seconds hold a thread for
    ever.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._watched is not None:
                self._watched.close()
                self._watched = None

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._until

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a host within the time left, and watch the connection.

        Raises:
            OSError: it has no address, or none of them answers in time.
            OutboundBusyError: too many names are being looked up.
        """
        for address in _LOOKUPS.addresses(host, port, self._left()):
            with suppress(OSError):
                made = socket.create_connection((address, port), timeout=self._left())
                made.settimeout(SECONDS)
                with self._lock:
                    self._watched = made.dup()  # TLS takes the first one over
                return made
        raise OSError("no address of the server answers")

    def _left(self) -> float:
        left = min(self._until - time.monotonic(), SECONDS)
        if left <= 0:
            raise TimeoutError("the time is over")
        return left

    def _end(self) -> None:
        with self._lock, suppress(OSError):
            if self._watched is not None:
                self._watched.shutdown(socket.SHUT_RDWR)


class _Within(smtplib.SMTP):
    """Connects by a deadline; the library asks this for its connection, also where TLS is first.

    It calls itself by the sender's domain: the library would look this machine's name up.
    """

    def __init__(self, deadline: _Deadline, server: MailServer, **more: Any) -> None:  # noqa: ANN401 - the library's
        self._deadline = deadline
        own = server.sender.rpartition("@")[2]
        super().__init__(server.host, server.port, own, timeout=SECONDS, **more)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        return self._deadline.connect(host, port)


class _WithinTls(_Within, smtplib.SMTP_SSL):
    """The same where TLS comes first."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def _connected(server: MailServer, tls: ssl.SSLContext, deadline: _Deadline) -> smtplib.SMTP:
    if server.port == _IMPLICIT:
        return _WithinTls(deadline, server, context=tls)
    connection = _Within(deadline, server)
    try:
        connection.starttls(context=tls)  # raises where the server offers none
    except (smtplib.SMTPException, OSError, ValueError):
        connection.close()
        raise
    return connection


def _message(server: MailServer, to: str, words: tuple[str, str]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = server.sender, to
    message["Subject"], text = words
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note in answer
    message.set_content(text)
    return message
