"""Encounter from an attended session, and back (US Core 6.1.0 Encounter)."""

from typing import Any, Final

from mappings.canonical import Attendance, Modality, Place, ServiceSession
from mappings.fhir import practitioner_role
from mappings.fhir.canonicals import ACT_CODE, US_CORE
from mappings.fhir.context import SessionContext
from mappings.fhir.elements import (
    UNKNOWN_CODING,
    UNKNOWN_CONCEPT,
    Json,
    date_time,
    meta,
    reference,
    snomed,
)
from mappings.fhir.errors import MissingValueError
from mappings.fhir.fixed import fixed
from mappings.fhir.terminology import table

META: Final = meta([f"{US_CORE}encounter"], sensitive=True)

_MODALITIES: Final = table("modalities")
_PLACES: Final = table("places")
_CLASSES: Final = {
    Place(code): fixed({"system": ACT_CODE, "code": row["encounter_class"]})
    for code, row in _PLACES.rows.items()
}
_TYPES: Final = {
    Modality(code): fixed({"coding": [snomed(row["snomed"]), _MODALITIES.codings[code]]})
    for code, row in _MODALITIES.rows.items()
}


def build(session: ServiceSession, encounter_id: str, context: SessionContext) -> Json:
    """Build the Encounter of a session that took place.

    ``class`` and ``type`` are required; where the source does not say, they say ``unknown`` (US
    Core, Missing Data).

    Raises:
        MissingValueError: the session was not attended.
        UnknownCodeError: the clinician's licence is of no table.
    """
    if session.attendance is not Attendance.ATTENDED:
        raise MissingValueError("Encounter.status", "only an attended session is an Encounter")
    encounter: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": encounter_id,
        "meta": META,
        "identifier": [{"system": context.session_system, "value": session.key}],
        "status": "finished",
        "class": _CLASSES[session.place] if session.place else UNKNOWN_CODING,
        "type": [_TYPES[session.modality] if session.modality else UNKNOWN_CONCEPT],
        "subject": reference("Patient", context.patient_id),
        "serviceProvider": reference("Organization", context.provider_id),
    }
    if context.service_request_id is not None:
        encounter["basedOn"] = [reference("ServiceRequest", context.service_request_id)]
    if period := _period(session):
        encounter["period"] = period
    _add_clinician(encounter, session, context)
    if session.place is Place.SCHOOL and context.school_location_id is not None:
        site = reference("Location", context.school_location_id)
        encounter["location"] = [{"location": site}]
    return encounter


def _add_clinician(
    encounter: dict[str, Any], session: ServiceSession, context: SessionContext
) -> None:
    person: dict[str, Any] = {}
    if (role := practitioner_role.build(session, context.provider_id)) is not None:
        encounter["contained"] = [role]
        person["reference"] = f"#{practitioner_role.LOCAL_ID}"
    if session.clinician is not None:
        person["display"] = session.clinician
    if person:
        encounter["participant"] = [{"individual": person}]


def _period(session: ServiceSession) -> Json:
    period: dict[str, Any] = {}
    if session.starts is not None:
        period["start"] = date_time(session.starts)
    if session.ends is not None:
        period["end"] = date_time(session.ends)
    return period
