"""A mail now and then that says how many referrals wait. Fixed words, a number, nobody's name.

How many is counted by the gate when the mail is sent; where none wait, none is sent. A server that
cannot take it now is tried again; an address it refuses for good is not, until a person says so.
A server that does not take the bridge itself, or says nothing, has not refused anybody's address.
"""

import secrets
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import Gate, Match, Query
from bridge.identity import client_caller, client_of
from bridge.journeys.partners.reach_unregistered import MAIL, callers_of, enter_unregistered
from bridge.outbound.mail import MailRefusedError, send_mail
from bridge.parts import Parts
from bridge.settings import MailServer
from bridge.store.database.engine import write
from bridge.store.partners.digest_contacts import (
    DigestContact,
    put_contact,
    settle_contact,
    take_due,
)

LEASE: Final = timedelta(minutes=2)
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=4)
GIVES_UP_AFTER: Final = timedelta(days=3)
UNANSWERED: Final = 499
"""Stands for a server that put an address off for days, whatever it said."""
SUBJECT: Final = "Referrals are waiting"
TEXT: Final = "{count} referral(s) wait for an answer. Sign in to see them:\n{place}\n"
_WAITING: Final = Query("Task", matches=(Match("status", ((None, "requested"),)),))


@dataclass(frozen=True, slots=True)
class Digests:
    """Sends the mails that are due.

    Attributes:
        server: the operator's mail server.
        place: where whoever gets one signs in.
        tls: whose certificates are trusted; the machine's store if none is given.
    """

    parts: Parts
    gate: Gate
    server: MailServer
    place: str
    tls: ssl.SSLContext | None = None

    def send_due(self) -> int:
        """Send what is due; returns how many mails were taken."""
        sent = 0
        with write(self.parts.engine) as connection:
            enter_unregistered(connection, self.parts.clock.real_now())
        while True:
            lease, now = secrets.token_hex(8), self.parts.clock.real_now()
            with write(self.parts.engine) as connection:
                contact = take_due(connection, now, lease, now + LEASE)
                count = self._waiting(connection, contact) if contact else 0
            if contact is None:
                return sent
            values = self._sent(contact, count, now)
            sent += values.get("sent_at") is not None
            with write(self.parts.engine) as connection:
                settle_contact(connection, contact, lease, values)

    def _waiting(self, connection: Connection, contact: DigestContact) -> int:
        if callers := callers_of(connection, contact):  # each role sees as much, or less
            return max(self.gate.now_visible(connection, each, _WAITING) for each in callers)
        caller = client_caller(connection, contact.client_id, "system/Task.rs")
        if caller is None or not caller.limits("Task", "search-type"):
            return 0
        return self.gate.now_visible(connection, caller, _WAITING)

    def _sent(self, contact: DigestContact, count: int, now: datetime) -> dict[str, Any]:
        later = {"next_at": now + timedelta(hours=contact.hours), "attempts": 0}
        later |= {"failing_since": None}
        if not count:
            return later
        try:
            text = TEXT.format(count=count, place=self.place)
            send_mail(self.server, contact.address, (SUBJECT, text), self.tls)
        except MailRefusedError as error:
            return _failed(contact, error, now)
        return {**later, "sent_at": now}


def keep_contact(connection: Connection, contact: tuple[str, str, int], now: datetime) -> None:
    """Tell an address of a registered client from now on.

    Args:
        connection: a write transaction.
        contact: the client, the address, and the hours between two mails.
        now: real time.

    Raises:
        BridgeError: the address is none.
        RegistrationRefused: there is no such client.
    """
    client_id, address, hours = contact
    if not MAIL.fullmatch(address):
        raise BridgeError("that is no address for mail")
    client_of(connection, client_id)
    put_contact(connection, DigestContact(client_id, address, hours, now))


def _failed(contact: DigestContact, error: MailRefusedError, now: datetime) -> dict[str, Any]:
    since = contact.failing_since or now
    wait = min(FIRST_WAIT * 2 ** min(contact.attempts, 20), LONGEST_WAIT)
    values: dict[str, Any] = {
        "attempts": contact.attempts + 1,
        "failing_since": since,
        "next_at": now + wait,
    }
    if error.of_us or not error.code:  # nothing was said of this address
        return values
    if error.final:
        return {**values, "refused": error.code}
    return values | ({"refused": UNANSWERED} if now - since >= GIVES_UP_AFTER else {})
