"""What is due today: for a district about its referrals, for a provider about those sent to it.

INVARIANT: it is worked out from what the gate releases to who asks, and from a district's own
forms; from nothing else. Where a status is withheld the row stands as if nobody had answered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.errors import BridgeError, SettingsError
from bridge.gate import (
    CompiledAgreement,
    FollowUp,
    Gate,
    Placed,
    Query,
    ReleasedFollowUps,
    ReleasedPage,
    Wanted,
    agreements_of,
)
from bridge.gate.people.places import ENDED, UNSERVED, Forms, Whose, places_of
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.parts import HasParts
from bridge.store.database.engine import read
from bridge.store.directory import organizations
from bridge.store.referrals import numbered_referrals, student_of_number
from consent.signed_release import SignedRelease
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.task_states import follow_up_code
from mappings.loop.calendar import SchoolCalendar, read_calendar
from mappings.loop.clocks import Due, Position, due
from mappings.loop.tables import LoopTableError

_PROVIDER_READS = "system/Task.rs system/Encounter.rs system/Appointment.rs"
_ALL = 1_000_000
__all__ = [
    "ENDED",
    "UNSERVED",
    "HasGate",
    "Placed",
    "WorkItem",
    "calendar_of",
    "district_calendar",
    "page_of",
    "parts_of_all",
    "placed",
    "provider_work",
    "school_work",
    "sending_forms",
]


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


def placed(whole: HasParts, calendars: Path, lea: str, released: ReleasedFollowUps) -> list[Placed]:
    """Return each referral that was released to its district, with what is due for it.

    Raises:
        BridgeError: the district has no agreement.
        SettingsError: its calendar cannot be read.
    """
    with read(whole.engine) as connection:
        calendar = _calendars(connection, Party.LEA, lea, calendars)[lea]
        forms, whose = _forms(connection, lea)
    rows = [(row, whose(row)) for row in released.rows]
    return places_of(rows, forms, calendar, calendar.today(whole.clock.now()))


def page_of(
    whole: HasGate, calendars: Path, caller: Caller, wanted: Wanted, request: str = ""
) -> ReleasedPage:
    """Return some of the referrals of a caller's district, with what is due for each.

    Raises:
        SettingsError: its calendar cannot be read.
    """
    reading = partial(calendar_of, calendars)
    return whole.gate.follow_up_page(caller, reading, wanted, request)


def parts_of_all(whole: HasGate, calendars: Path, caller: Caller) -> Iterator[ReleasedFollowUps]:
    """Return all referrals of a caller's district, part by part, each as it is asked for.

    Raises:
        SettingsError: its calendar cannot be read.
    """
    return whole.gate.follow_up_parts(caller, partial(calendar_of, calendars))


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


def _forms(connection: Connection, lea: str) -> tuple[Forms, Callable[[FollowUp], Whose]]:
    """Return the forms of a district, and what finds whose a referral is by its row."""
    agreements = agreements_of(connection, Party.LEA, lea)
    names = _provider_keys(connection, lea)
    students = numbered_referrals(connection, {a.id for a in agreements})

    def whose(row: FollowUp) -> Whose:
        own = [key for key in names.get(row.provider, ()) if (row.referral, key) in students]
        return (students[row.referral, own[0]], own[0]) if len(own) == 1 else ("", "")

    return Forms.of(connection, agreements, students.values(), every=True), whose


def finding_provider(connection: Connection, lea: str) -> Callable[[FollowUp], str]:
    """Return what finds the short name of the provider a district's referral went to.

    Nobody else's: a site, a school or a partner of another district may be called the same. Where
    two of its providers are (older versions let them), the referral's number tells which it was;
    "" where it does not: nothing is guessed, and ``doctor`` names the two.
    """
    named, bound = _provider_keys(connection, lea), agreements_of(connection, Party.LEA, lea)

    def found(row: FollowUp) -> str:
        keys = named.get(row.provider, [])
        if len(keys) > 1:
            under = {key: {a.id for a in bound if a.entry.provider == key} for key in keys}
            keys = [k for k in keys if student_of_number(connection, under[k], row.referral)]
        return keys[0] if len(keys) == 1 else ""

    return found


def _provider_keys(connection: Connection, lea: str) -> dict[str, list[str]]:
    """Return the short names of the providers a district has an agreement with, by their name."""
    known = organizations(connection)
    found: dict[str, list[str]] = {}
    for key in sorted({each.entry.provider for each in agreements_of(connection, Party.LEA, lea)}):
        found.setdefault(known[key].name, []).append(key)
    return found


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
        agreements = agreements_of(connection, Party.LEA, lea)
        provider = finding_provider(connection, lea)(row)
        ids = {a.id for a in agreements if a.entry.provider == provider}
        student = student_of_number(connection, ids, row.referral)
        found = Forms.of(connection, agreements, [student]).about((student, provider), row.referral)
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
