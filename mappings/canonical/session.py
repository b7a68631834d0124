"""A provider's session (or missed session) with one student."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from mappings.canonical.referral import Coded, SourceRow


class Modality(StrEnum):
    """How treatment was given."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    FAMILY = "family"
    INTAKE = "intake"


class Attendance(StrEnum):
    """What became of a session. ``BOOKED`` never reads as attended, whatever a source's default."""

    BOOKED = "booked"
    ATTENDED = "attended"
    NO_SHOW = "no-show"
    CANCELLED = "cancelled"


class Place(StrEnum):
    """Where it took place."""

    SCHOOL = "school"
    CLINIC = "clinic"
    TELEHEALTH = "telehealth"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class ServiceSession:
    """One session or appointment.

    Attributes:
        key: the provider system's own identifier of the session, unique within it.
        referral_number: the school's referral number (PLAC), the loop key, if carried.
        patient_id: the identifier of the student the bridge issued, if the source carries it.
        starts, ends: aware instants, or the day alone where the source has no time.
        modality, place: None when the source does not say.
        attendance: what became of it.
        clinician: name of the clinician; ``licence`` their licence type code, if known.
    """

    key: str
    attendance: Attendance
    origin: SourceRow
    referral_number: str | None = None
    patient_id: str | None = None
    starts: datetime | date | None = None
    ends: datetime | date | None = None
    modality: Modality | None = None
    place: Place | None = None
    clinician: str | None = None
    licence: Coded | None = None
