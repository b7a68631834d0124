"""A family that was asked to sign is reminded in its language, by its channel, and not for long.

A mail or a text message carries fixed words and the link; no name, school, provider or reason. To
whom the family chose ``none`` nothing is sent, also when it chose so after it was asked: the
channel is read when the message is sent. Nor is a guardian written to whom an order keeps out; once
it is lifted or has ended, what is left of the reminders goes out. A channel without a
:class:`Sender` is left to people.
"""

import csv
import io
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from bridge.errors import SettingsError
from bridge.journeys.families.ask_family import address_of, token_of
from bridge.journeys.families.request_standing import OPEN, PASSING, Barred, standing_of
from bridge.journeys.families.sign_release import agreement_by_id
from bridge.journeys.referrals.work_list import calendar_of
from bridge.outbound.errors import MessageRefusedError
from bridge.outbound.mail import send_mail
from bridge.outbound.texts import send_text
from bridge.parts import Parts
from bridge.settings import MailServer
from bridge.store.database.engine import read, write
from bridge.store.facts.families import (
    Contact,
    SigningRequest,
    contact_of,
    mark_refused,
    settle_taken,
    take_due_request,
)
from bridge.text_gateways import TextGateway
from mappings.loop.calendar import SchoolCalendar

LEASE: Final = timedelta(minutes=2)
"""Longer than any sender takes, so that nobody else sends what is being sent."""
RETRY: Final = timedelta(minutes=30)
STEPS: Final = (3, 7, 14)
"""School days after the first mail on which a family is reminded; after the last it is not."""
_HOUR: Final = time(9)


class Sender(Protocol):
    """What gives a few words to one address, by one channel."""

    def __call__(self, address: str, words: tuple[str, str]) -> None:
        """Send subject and text.

        Raises:
            MessageRefusedError: it was not taken.
        """


def mailing(server: MailServer, tls: ssl.SSLContext | None = None) -> Sender:
    """Return what sends by the operator's mail server."""

    def send(address: str, words: tuple[str, str]) -> None:
        send_mail(server, address, words, tls)

    return send


def texting(gateway: TextGateway) -> Sender:
    """Return what sends by the operator's gateway; a text message has no subject."""

    def send(address: str, words: tuple[str, str]) -> None:
        send_text(gateway, address, words[1])

    return send


def senders_of(server: MailServer | None, gateway: TextGateway | None) -> dict[str, Sender]:
    """Return what sends, by channel: what the operator has."""
    mail = {"mail": mailing(server)} if server is not None else {}
    return mail | ({"sms": texting(gateway)} if gateway is not None else {})


@cache
def reminder_words(lang: str) -> Mapping[str, str]:
    """Return the fixed words in one language; in English where it has none.

    ``subject`` and ``text`` are of a mail, ``sms`` of a text message: in the alphabet that every
    telephone has (GSM 03.38), without which it would take twice as many messages.
    """
    text = (
        files("bridge.journeys.families").joinpath("reminder-words.csv").read_text(encoding="utf-8")
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    known = lang if lang in rows[0] else "en"
    return {row["key"]: row[known] for row in rows}


@dataclass(frozen=True, slots=True)
class FamilyReminders:
    """Sends the mails and text messages that are due to families.

    Attributes:
        senders: by channel; a channel without one is left to people.
        place: where a link leads, without its token.
        calendars: folder of the districts' closures.
    """

    parts: Parts
    senders: Mapping[str, Sender]
    place: str
    calendars: Path

    def send_due(self) -> int:
        """Send what is due; returns how many were taken."""
        sent = 0
        while True:
            lease, now = secrets.token_hex(8), self.parts.clock.now()
            with write(self.parts.engine) as connection:
                request = take_due_request(connection, now, lease, now + LEASE)
            if request is None:
                return sent
            values = self._sent(request, now)
            sent += values.get("sent", 0) > request.sent
            with write(self.parts.engine) as connection:
                settle_taken(connection, request, lease, values)

    def _sent(self, request: SigningRequest, now: datetime) -> dict[str, Any]:
        with read(self.parts.engine) as connection:
            contact = contact_of(connection, request.contact_id)
            standing = standing_of(connection, self.parts, request)
        send = self._sender(contact)
        if contact is None or send is None or standing not in (OPEN, *PASSING):
            return {"next_at": None}
        if standing == Barred.UNSURE:
            return {"next_at": now + RETRY}
        if standing == Barred.KEPT_OUT:  # an order may be lifted, or end, while there is time
            return {"next_at": self._day_after(request, now, 1)}
        try:
            send(address_of(self.parts, contact), self._words(request, contact))
        except MessageRefusedError as error:
            return self._refused(contact, error, now)
        return self._gone_out(request, now)

    def _sender(self, contact: Contact | None) -> Sender | None:
        if contact is None or contact.refused or contact.channel == "none":
            return None
        return self.senders.get(contact.channel)

    def _words(self, request: SigningRequest, contact: Contact) -> tuple[str, str]:
        words = reminder_words(contact.lang)
        link = f"{self.place}/{token_of(self.parts.identifiers, request.handle)}"
        written = words["sms" if contact.channel == "sms" else "text"]
        return words["subject"], written.replace("{link}", link)

    def _refused(
        self, contact: Contact, error: MessageRefusedError, now: datetime
    ) -> dict[str, Any]:
        if error.of_us or not error.final:
            return {"next_at": now + RETRY}
        with write(self.parts.engine) as connection:
            mark_refused(connection, contact.id, error.code)
        return {"next_at": None}

    def _gone_out(self, request: SigningRequest, now: datetime) -> dict[str, Any]:
        """Return what is kept of one that went out; of those whose day went by meanwhile it is one.

        Otherwise a family would be reminded twice in a day once an order was lifted.
        """
        days = [self._day_after(request, request.made_at, step) for step in STEPS]
        ahead = [day for day in days[request.sent :] if day > now]
        return {"sent": len(STEPS) + 1 - len(ahead), "next_at": min(ahead, default=None)}

    def _day_after(self, request: SigningRequest, since: datetime, days: int) -> datetime:
        with read(self.parts.engine) as connection:
            agreement = agreement_by_id(connection, request.agreement_id)
        try:
            calendar = calendar_of(self.calendars, agreement)
        except SettingsError:  # it went out: of a closed day somebody is told all the same
            calendar = SchoolCalendar(agreement.agreement.effective.tz)
        day = calendar.after(calendar.today(since), days, "school")
        return datetime.combine(day, _HOUR, ZoneInfo(calendar.tz))
