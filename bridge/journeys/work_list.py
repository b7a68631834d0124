"""What is due today: for a district about its referrals, for a provider about those sent to it.

INVARIANT: it is worked out from what the gate releases to who asks, and from a district's own
forms; from nothing else. Where a status is withheld the row stands as if nobody had answered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.errors import BridgeError, SettingsError
from bridge.gate import (
    CompiledAgreement,
    FollowUp,
    Gate,
    Query,
    ReleasedFollowUps,
    agreements_of,
)
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.sending_forms import SendingForms, last_day
from bridge.parts import HasParts
from bridge.store.directory import organizations
from bridge.store.engine import read
from consent.signed_release import SignedRelease
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.task_states import follow_up_code
from mappings.loop import STATES
from mappings.loop.calendar import SchoolCalendar, read_calendar
from mappings.loop.clocks import AWAITING_SIGNATURE, Due, Position, due
from mappings.loop.tables import LoopTableError

_PROVIDER_READS = "system/Task.rs system/Encounter.rs system/Appointment.rs"
_ALL = 1_000_000
ENDED: Final = frozenset({row.follow_up for row in STATES.values() if row.end})
# Ends after which the family may still want help, and another provider may give it.
UNSERVED: Final = frozenset({"declined-by-provider", "unable-to-contact"})


class HasGate(HasParts, Protocol):
    """A whole bridge: its parts and its gate."""

    @property
    def gate(self) -> Gate:
        """The gate."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing that is due, by the number of the referral; no name of a student.

    Attributes:
        school, provider: names of the organisations; "" where the other side is who asks.
        status: the follow-up code it rests on.
        what: the rule, since when, how late and whose turn it is.
    """

    referral: str
    school: str
    provider: str
    status: str
    what: Due


def school_work(
    whole: HasGate, calendars: Path, asker: tuple[str, str], school: str = ""
) -> list[WorkItem]:
    """Return what is due for the referrals of a district, the longest due first.

    Args:
        whole: the bridge.
        calendars: folder of the districts' closures, ``KEY.csv`` each.
        asker: the district's key and the role that asks.
        school: name of the one school asked for; "" for all.

    Raises:
        BridgeError: the district has no agreement.
        SettingsError: its calendar cannot be read.
    """
    lea, role = asker
    standing = Standing(Party.LEA, lea, "", role, ("follow",))
    released = whole.gate.follow_up(Caller(f"operator:{lea}", standing))
    items = [
        WorkItem(one.row.referral, one.row.school, one.row.provider, one.status, each)
        for one in placed(whole, calendars, lea, released)
        if school in ("", one.row.school)
        for each in one.due
    ]
    return sorted(items, key=_longest)


@dataclass(frozen=True, slots=True)
class Placed:
    """One referral as its district may see it, and what is due for it, the longest due first.

    Attributes:
        status: the follow-up code, or :data:`mappings.loop.clocks.AWAITING_SIGNATURE`.
        unserved: it ended without care at this provider, and the student has no later referral
            that is open: somebody thinks of another provider.
        of_age: the student is 18 or older: the right to sign has passed (34 CFR 99.5).
        kept_until: the day until which the school decided to keep it open; None if it did not.
        closing: the school decided to close it; where care has begun the provider is asked to stop.
    """

    row: FollowUp
    status: str
    due: tuple[Due, ...]
    unserved: bool = False
    of_age: bool = False
    kept_until: date | None = None
    closing: bool = False


def placed(whole: HasParts, calendars: Path, lea: str, released: ReleasedFollowUps) -> list[Placed]:
    """Return each referral that was released to its district, with what is due for it.

    Raises:
        BridgeError: the district has no agreement.
        SettingsError: its calendar cannot be read.
    """
    with read(whole.engine) as connection:
        calendar = _calendars(connection, Party.LEA, lea, calendars)[lea]
        forms = SendingForms.of(connection, lea)
    today = calendar.today(whole.clock.now())
    positions = [(row, _position(row, forms, today)) for row in released.rows]
    cared_for = {
        forms.student(row.referral, row.provider)
        for row, position in positions
        if position.status not in ENDED
    }
    return [
        Placed(
            row,
            position.status,
            tuple(due(position, calendar, today)),
            position.status in UNSERVED
            and forms.student(row.referral, row.provider) not in cared_for,
            forms.of_age(row.referral, row.provider, today),
            position.follow_up_on,
            forms.closed(row.referral, row.provider),
        )
        for row, position in positions
    ]


def provider_work(whole: HasGate, calendars: Path, asker: tuple[str, str]) -> list[WorkItem]:
    """Return what is due for the referrals sent to a provider, the longest due first.

    Raises:
        BridgeError: the provider has no agreement.
        SettingsError: a district's calendar cannot be read.
    """
    provider, role = asker
    standing = Standing(
        Party.PROVIDER, provider, "", role, ("refer",), read_scopes(_PROVIDER_READS)
    )
    caller = Caller(f"operator:{provider}", standing)
    with read(whole.engine) as connection:
        known = _calendars(connection, Party.PROVIDER, provider, calendars)
        names = {f"Organization/{o.id}": o for o in organizations(connection).values()}
    visits: dict[str, list[dict[str, Any]]] = {}
    for kind in ("Encounter", "Appointment"):
        for visit in _released(whole.gate, caller, kind):
            for link in visit.get("basedOn", ()):
                visits.setdefault(str(link.get("reference")), []).append(visit)
    items: list[WorkItem] = []
    tasks = (t for t in _released(whole.gate, caller, "Task") if not is_cancellation(t))
    for task in tasks:
        district = names[str(task["requester"]["reference"])]
        about = (district.name, visits.get(str(task["focus"]["reference"]), []))
        items += _of_task(task, about, known[district.key], whole.clock)
    return sorted(items, key=_longest)


def _of_task(
    task: Mapping[str, Any],
    about: tuple[str, Sequence[dict[str, Any]]],
    calendar: SchoolCalendar,
    clock: Clock,
) -> Iterator[WorkItem]:
    school, visits = about
    status = follow_up_code(dict(task), visits)
    since = str(task.get("lastModified") or task["authoredOn"])
    position = Position(status, _local(since, calendar))
    for each in due(position, calendar, calendar.today(clock.now())):
        if each.turn == "provider":
            yield WorkItem(str(task["identifier"][0]["value"]), school, "", status, each)


def _released(gate: Gate, caller: Caller, kind: str) -> Iterator[dict[str, Any]]:
    for match in gate.search(caller, Query(kind, limit=_ALL)).matches:
        yield orjson.loads(match.body)


def _local(written: str, calendar: SchoolCalendar) -> date:
    """Return the day of an instant in the district; a day that has no time is that day."""
    if len(written) <= len("2026-11-26"):
        return date.fromisoformat(written)
    return calendar.today(datetime.fromisoformat(written))


def _longest(item: WorkItem) -> tuple[date, str, str]:
    return item.what.due_on, item.referral, item.what.rule


def _position(row: FollowUp, forms: SendingForms, today: date) -> Position:
    since = date.fromisoformat(row.status_on or row.sent_on)
    found = forms.in_force(row.referral, row.provider, today)
    plan = forms.kept_until(row.referral, row.provider)
    if row.status == "sent" and not found:
        said_on = forms.said_on(row.referral, row.provider)
        came_of_age = forms.came_of_age(row.referral, row.provider, today)
        waits = max(since, said_on or since, came_of_age or since)
        return Position(AWAITING_SIGNATURE, waits, follow_up_on=plan)
    ends = [last_day(form) for form in found]
    last = None if None in ends else max((day for day in ends if day), default=None)
    return Position(row.status, since, last, plan)


def district_calendar(whole: HasParts, lea: str, folder: Path) -> SchoolCalendar:
    """Return a district's calendar.

    Raises:
        BridgeError: the district has no agreement.
        SettingsError: its calendar cannot be read.
    """
    with read(whole.engine) as connection:
        return _calendars(connection, Party.LEA, lea, folder)[lea]


def sending_forms(whole: HasParts, lea: str, row: FollowUp) -> list[SignedRelease]:
    """Return a guardian's forms for sending one referral, in force or not, the oldest first."""
    with read(whole.engine) as connection:
        found = SendingForms.of(connection, lea).about(row.referral, row.provider)
    return sorted(found, key=lambda form: form.signed_on or date.min)


def _calendars(
    connection: Connection, party: Party, key: str, folder: Path
) -> dict[str, SchoolCalendar]:
    """Return the calendar of each district an organisation works with.

    Raises:
        BridgeError: it has no agreement.
        SettingsError: a file cannot be read.
    """
    agreements = agreements_of(connection, party, key)
    if not agreements:
        raise BridgeError("no agreement binds this organisation; see: schoolbridge party list")
    zones = {a.entry.lea: a.agreement.effective.tz for a in agreements}
    return {lea: _calendar(folder / f"{lea}.csv", tz) for lea, tz in zones.items()}


def calendar_of(folder: Path, agreement: CompiledAgreement) -> SchoolCalendar:
    """Return the calendar of an agreement's district.

    Raises:
        SettingsError: its file cannot be read.
    """
    return _calendar(folder / f"{agreement.entry.lea}.csv", agreement.agreement.effective.tz)


def _calendar(path: Path, tz: str) -> SchoolCalendar:
    try:
        return read_calendar(tz, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SchoolCalendar(tz)
    except (LoopTableError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: {error}") from None
