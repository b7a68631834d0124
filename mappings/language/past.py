"""A session that is still to come has not been attended, whatever its source says.

Some systems show an appointment as attended until somebody says otherwise, so a row of next week
reads like one of last week. Only the row's own time, held against the moment the file was made,
tells them apart. That moment comes from whoever runs the map: nothing here knows the time.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from mappings.canonical import Attendance, ServiceSession
from mappings.language.outcome import HoldCode, Unreadable
from mappings.readers import SourceError

_OVER = (Attendance.ATTENDED, Attendance.NO_SHOW)


class UntilPast(StrEnum):
    """What becomes of a session that is said to be over but had not ended when the file was made.

    ``BOOKED`` is for systems whose default says attended; it needs the moment of the export.
    """

    HOLD = "hold"
    BOOKED = "booked"


def exported_at(text: str, zone: tzinfo) -> datetime:
    """Read when a file was made: ``2026-09-14``, or ``2026-09-14T18:00`` with or without offset.

    A day alone means its first moment in ``zone``: what happened on that day is not known to be
    over.

    Raises:
        ValueError: the text is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write the export as 2026-09-14 or 2026-09-14T18:00") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def refuse_unknown_export(until_past: UntilPast, exported: datetime | None, file: str) -> None:
    """Refuse to guess when a file was made.

    Raises:
        SourceError: the map's system shows sessions to come as attended, and the moment is unknown.
    """
    if until_past is UntilPast.BOOKED and exported is None:
        advice = "comes from a system that shows sessions to come as attended; say when it was made"
        raise SourceError(file, "the whole file", f"{advice} (exported)")


def once_past(
    build: Callable[..., Any], until_past: UntilPast, exported: datetime, zone: ZoneInfo
) -> Callable[..., ServiceSession]:
    """Return ``build`` with every session it makes held against the moment of the export.

    What is returned raises :class:`Unreadable` for a session that is said to be over and is not,
    or has no time to tell by where its source shows sessions to come as attended.
    """

    def settled(*row: object) -> ServiceSession:
        session: ServiceSession = build(*row)
        if session.attendance not in _OVER:
            return session
        end = session.ends or session.starts
        if end is None and until_past is UntilPast.HOLD:
            return session
        if end is not None and _instant(end, zone) <= exported:
            return session
        if end is None:
            raise _unsettled("has no time, so whether it has taken place is not known")
        if until_past is UntilPast.HOLD:
            raise _unsettled("is said to be over, but had not ended when the file was made")
        return replace(session, attendance=Attendance.BOOKED)

    return settled


def _instant(end: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the last moment a session may have lasted to: of a day, its end."""
    return end if isinstance(end, datetime) else datetime.combine(end, time.max, zone)


def _unsettled(text: str) -> Unreadable:
    return Unreadable(HoldCode.NOT_YET, text, "correct the time or status, or export again later")
