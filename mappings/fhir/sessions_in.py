"""ServiceSession from an Encounter or Appointment that a provider sent.

Read a resource only after :func:`mappings.fhir.check.check_resource` has passed it.
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Any, Final, TypeVar

from mappings.canonical import Attendance, Modality, Place, ServiceSession, SourceRow
from mappings.fhir import practitioner_role
from mappings.fhir.canonicals import SNOMED
from mappings.fhir.elements import Json
from mappings.fhir.errors import ParseError
from mappings.fhir.terminology import table

_T = TypeVar("_T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

_ENCOUNTER: Final = {
    "planned": Attendance.BOOKED,
    "arrived": Attendance.BOOKED,
    "triaged": Attendance.BOOKED,
    "in-progress": Attendance.BOOKED,
    "onleave": Attendance.BOOKED,
    "finished": Attendance.ATTENDED,
    "cancelled": Attendance.CANCELLED,
}
"""Only ``finished`` is attended: a visit under way has not yet taken place in full."""

_APPOINTMENT: Final = {
    "proposed": Attendance.BOOKED,
    "pending": Attendance.BOOKED,
    "booked": Attendance.BOOKED,
    "arrived": Attendance.BOOKED,
    "checked-in": Attendance.BOOKED,
    "waitlist": Attendance.BOOKED,
    "fulfilled": Attendance.ATTENDED,
    "noshow": Attendance.NO_SHOW,
    "cancelled": Attendance.CANCELLED,
}
_CLASSES: Final = {"VR": Place.TELEHEALTH, "HH": Place.HOME, "AMB": Place.CLINIC}
_MODALITIES: Final = table("modalities")
_BY_CODE: Final = {
    **{(SNOMED, row["snomed"]): Modality(code) for code, row in _MODALITIES.rows.items()},
    **{(_MODALITIES.system, code): Modality(code) for code in _MODALITIES.rows},
}


def parse_encounter(
    encounter: Json,
    origin: SourceRow,
    school_sites: AbstractSet[str] = frozenset(),
    base: str = "",
) -> ServiceSession:
    """Read an Encounter (US Core 6.1.0 Encounter).

    Args:
        encounter: the resource.
        origin: where it came from.
        school_sites: references of the Locations that are schools. Class ``FLD`` alone does not
            say *school*, and many systems send ``AMB`` for a visit at one.
        base: our own base URL. A reference to another server names nothing of ours.

    Raises:
        ParseError: its status is not that of a session, or a time cannot be read.
    """
    period = encounter.get("period", {})
    return ServiceSession(
        key=_key(encounter),
        attendance=_attendance(encounter, _ENCOUNTER),
        origin=origin,
        referral_number=_referral_number(encounter),
        patient_id=_id_of(encounter.get("subject", {}), "Patient", base),
        starts=_moment(period.get("start"), "Encounter.period.start"),
        ends=_moment(period.get("end"), "Encounter.period.end"),
        modality=modality_of(encounter),
        place=_place(encounter, school_sites),
        clinician=_clinician(encounter),
        licence=practitioner_role.parse(encounter.get("contained", [])),
    )


def parse_appointment(
    appointment: Json,
    origin: SourceRow,
    school_sites: AbstractSet[str] = frozenset(),
    base: str = "",
) -> ServiceSession:
    """Read an Appointment (FHIR R4; US Core 6.1.0 has no profile of it).

    An Appointment says no place but a school's Location, and takes its clinician from the one actor
    that is only named.

    Raises:
        ParseError: its status is not that of a session, or a time cannot be read.
    """
    actors = [item.get("actor", {}) for item in appointment.get("participant", ())]
    named = [actor["display"] for actor in actors if set(actor) == {"display"}]
    sites = {actor.get("reference") for actor in actors}
    patients = [found for actor in actors if (found := _id_of(actor, "Patient", base))]
    return ServiceSession(
        key=_key(appointment),
        attendance=_attendance(appointment, _APPOINTMENT),
        origin=origin,
        referral_number=_referral_number(appointment),
        patient_id=patients[0] if len(patients) == 1 else None,
        starts=_instant(appointment.get("start"), "Appointment.start"),
        ends=_instant(appointment.get("end"), "Appointment.end"),
        modality=modality_of(appointment),
        place=Place.SCHOOL if sites & school_sites else None,
        clinician=named[0] if len(named) == 1 else None,
    )


def service_request_id(resource: Mapping[str, Any], base: str = "") -> str | None:
    """Return the id of the ServiceRequest an Encounter or Appointment answers, if it says one.

    ``base`` is our own base URL: a ServiceRequest of another server is none of ours.
    """
    return _first(_id_of(item, "ServiceRequest", base) for item in resource.get("basedOn", ()))


def modality_of(resource: Json) -> Modality | None:
    """Return how treatment was given, from Encounter.type or Appointment.serviceType."""
    return _first(iter(modalities_of(resource)))


def modalities_of(resource: Mapping[str, Any]) -> list[Modality]:
    """Return every way of treatment a session is coded as; codes may not agree with each other."""
    concepts = resource.get("type") or resource.get("serviceType") or ()
    codings = (coding for concept in concepts for coding in concept.get("coding", ()))
    found = (_BY_CODE.get((item.get("system"), item.get("code"))) for item in codings)
    return [modality for modality in found if modality is not None]


def _key(resource: Json) -> str:
    values = (item.get("value") for item in resource.get("identifier", ()))
    key = _first(values) or resource.get("id")
    if not isinstance(key, str):
        raise ParseError(f"{resource.get('resourceType')}.identifier", "give an identifier or id")
    return key


def _attendance(resource: Json, known: dict[str, Attendance]) -> Attendance:
    found = known.get(resource.get("status", ""))
    if found is None:
        path = f"{resource.get('resourceType')}.status"
        raise ParseError(path, f"only these statuses are of a session: {', '.join(sorted(known))}")
    return found


def _referral_number(resource: Json) -> str | None:
    based_on = resource.get("basedOn", ())
    return _first(item.get("identifier", {}).get("value") for item in based_on)


def _place(encounter: Json, school_sites: AbstractSet[str]) -> Place | None:
    sites = {item.get("location", {}).get("reference") for item in encounter.get("location", ())}
    if sites & school_sites:
        return Place.SCHOOL
    return _CLASSES.get(encounter.get("class", {}).get("code", ""))


def _clinician(encounter: Json) -> str | None:
    people = (item.get("individual", {}) for item in encounter.get("participant", ()))
    return _first(person.get("display") for person in people)


def _id_of(link: Json, resource_type: str, base: str) -> str | None:
    text = str(link.get("reference", ""))
    if base:
        text = text.removeprefix(f"{base.rstrip('/')}/")
    kind, _, name = text.partition("/_history/")[0].partition("/")
    return name if kind == resource_type and name and "/" not in name else None


def _moment(text: str | None, path: str) -> datetime | date | None:
    """Return an aware instant, or the day where no time is said."""
    if not (isinstance(text, str) and _DAY.match(text)):
        return _instant(text, path)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParseError(path, "write a day that exists") from None


def _instant(text: str | None, path: str) -> datetime | None:
    """Return an aware instant; a time without a zone, or a bare day, is not one."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ParseError(path, "write an instant such as 2026-09-01T09:00:00-04:00") from None
    if when.tzinfo is None:
        raise ParseError(path, "write the time with its offset from UTC")
    return when


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value), None)
