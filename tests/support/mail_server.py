"""A mail server with TLS, logins and refusals: aiosmtpd on this machine."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

PASSWORD = "a-mail-password"


@dataclass
class Mailbox:
    """What came, and how the server answers a recipient (``250 OK`` takes it)."""

    port: int = 0
    reply: str = "250 OK"
    came: list[Message] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self,
        _server: object,
        session: Any,  # noqa: ANN401 - as the library calls it
        envelope: Any,  # noqa: ANN401 - as the library calls it
        address: str,
        _options: object,
    ) -> str:
        self.encrypted.append(session.ssl is not None)
        if self.reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.reply

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - as the library calls it
        self.came.append(message_from_bytes(envelope.content))
        return "250 OK"


def _authenticated(*given: Any) -> AuthResult:  # noqa: ANN401 - the library's signature
    good = given[-1].password == PASSWORD.encode()
    # A login that is not "handled" here hangs its client.
    return AuthResult(success=good, handled=good)


@contextmanager
def mail_server(tls: ssl.SSLContext | None) -> Iterator[Mailbox]:
    """Run a server that asks for TLS and a login where it has a certificate."""
    box = Mailbox(port=_free_port())
    secured = {"tls_context": tls, "require_starttls": True, "auth_required": True} if tls else {}
    how = {**secured, "authenticator": _authenticated} if tls else {}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **how)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
