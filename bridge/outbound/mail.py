"""Mail through the operator's own server: TLS or nothing, a few words, nobody's name.

The server is named by the operator, so it may be inside the network; its certificate is checked and
mail is never given to it in the clear (RFC 3207; RFC 8314 for port 465).
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from bridge.outbound.errors import MessageRefusedError
from bridge.settings import MailServer

SECONDS: Final = 10.0
_IMPLICIT: Final = 465


class MailRefusedError(MessageRefusedError):
    """Mail that was not taken; the code is the server's reply code.

    It is final where the server says so (RFC 5321 4.2.1: 5yz).
    """

    def __init__(self, code: int, *, of_us: bool = False) -> None:
        super().__init__("mail", code, final=code >= 500)
        self.of_us = of_us


def send_mail(
    server: MailServer, to: str, words: tuple[str, str], tls: ssl.SSLContext | None = None
) -> None:
    """Give one message to the operator's server.

    Args:
        server: whose; its name is in its certificate.
        to: the address.
        words: subject and text.
        tls: whose certificates are trusted; the machine's store if none is given.

    Raises:
        MailRefusedError: it was not taken; the text holds neither address nor words.
    """
    message = _message(server, to, words)
    trusted = tls or ssl.create_default_context()
    try:
        with _connected(server, trusted) as connection:
            if server.username:
                connection.login(server.username, server.password)
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise MailRefusedError(max(codes, default=0)) from None
    except smtplib.SMTPDataError as error:
        raise MailRefusedError(error.smtp_code) from None
    except smtplib.SMTPResponseException as error:
        raise MailRefusedError(error.smtp_code, of_us=True) from None
    except (smtplib.SMTPException, OSError, ValueError):
        raise MailRefusedError(0) from None


def _connected(server: MailServer, tls: ssl.SSLContext) -> smtplib.SMTP:
    if server.port == _IMPLICIT:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=tls)
    connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
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
