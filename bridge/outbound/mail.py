"""Mail through the operator's own server: TLS or nothing, a few words, nobody's name.

The server is named by the operator, so it may be inside the network; its certificate is checked and
mail is never given to it in the clear (RFC 3207; RFC 8314 for port 465).
"""

import smtplib
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
_BOTH_WAYS: Final = 2  # SHUT_RDWR (POSIX shutdown)
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
        self._watched: Any = None

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

    def watch(self, connection: Any) -> None:  # noqa: ANN401 - a socket, also once TLS has taken it over
        """End a connection when the time is over."""
        with self._lock:
            self._watched = connection.dup()

    def left(self) -> float:
        """Return for how many seconds the next step may wait.

        Raises:
            TimeoutError: the time is over.
        """
        left = min(self._until - time.monotonic(), SECONDS)
        if left <= 0:
            raise TimeoutError("the time is over")
        return left

    def _end(self) -> None:
        with self._lock, suppress(OSError):
            if self._watched is not None:
                self._watched.shutdown(_BOTH_WAYS)


class _Within(smtplib.SMTP):
    """Connects by a deadline; the library asks this for its connection, also where TLS is first."""

    def __init__(self, deadline: _Deadline, server: MailServer) -> None:
        self._deadline = deadline
        super().__init__(server.host, server.port, _named(server), timeout=SECONDS)

    def _get_socket(self, host: str, port: int, _timeout: float) -> Any:  # noqa: ANN401 - the library's
        for address in _LOOKUPS.addresses(host, port, self._deadline.left()):
            with suppress(OSError):
                left = self._deadline.left()
                made = super()._get_socket(address, port, left)  # type: ignore[misc] # not in its stubs
                made.settimeout(SECONDS)
                self._deadline.watch(made)
                return made
        raise OSError("no address of the server answers")


class _WithinTls(smtplib.SMTP_SSL, _Within):
    """The same where TLS comes first: it is put around the connection made above."""

    def __init__(self, deadline: _Deadline, server: MailServer, tls: ssl.SSLContext) -> None:
        self._deadline = deadline
        named = _named(server)
        smtplib.SMTP_SSL.__init__(
            self, server.host, server.port, named, timeout=SECONDS, context=tls
        )


def _named(server: MailServer) -> str:
    """Return what the bridge calls itself: the library would look this machine's name up."""
    return server.sender.rpartition("@")[2]


def _connected(server: MailServer, tls: ssl.SSLContext, deadline: _Deadline) -> smtplib.SMTP:
    if server.port == _IMPLICIT:
        return _WithinTls(deadline, server, tls)
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
