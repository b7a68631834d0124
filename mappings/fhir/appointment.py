"""Appointment from a booked, missed or cancelled session (FHIR R4 Appointment)."""

from datetime import datetime
from typing import Any, Final

from mappings.canonical import Attendance, Place, ServiceSession
from mappings.fhir.context import SessionContext
from mappings.fhir.elements import (
    ABSENT_UNKNOWN,
    Json,
    instant,
    meta,
    reference,
    snomed,
)
from mappings.fhir.errors import MissingValueError
from mappings.fhir.terminology import table

META: Final = meta([], sensitive=True)

_STATUS: Final = {
    Attendance.BOOKED: ("booked", "accepted"),
    Attendance.NO_SHOW: ("noshow", "accepted"),
    Attendance.CANCELLED: ("cancelled", "declined"),
}
_MODALITIES: Final = table("modalities")


def build(session: ServiceSession, appointment_id: str, context: SessionContext) -> Json:
    """Build the Appointment of a session that has not taken place.

    R4 (app-2, app-3) wants ``start`` and ``end`` together; an end the source does not give is
    marked absent rather than made up.

    Raises:
        MissingValueError: the session was attended, or has no start (day and time) though it is
            not cancelled.
    """
    if session.attendance is Attendance.ATTENDED:
        raise MissingValueError("Appointment.status", "an attended session is an Encounter")
    status, answer = _STATUS[session.attendance]
    appointment: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": appointment_id,
        "meta": META,
        "identifier": [{"system": context.session_system, "value": session.key}],
        "status": status,
        "participant": _participants(session, context, answer),
    }
    if context.service_request_id is not None:
        appointment["basedOn"] = [reference("ServiceRequest", context.service_request_id)]
    if session.modality is not None:
        coding = snomed(_MODALITIES.rows[session.modality]["snomed"])
        ours = _MODALITIES.coding(session.modality, "Appointment.serviceType")
        appointment["serviceType"] = [{"coding": [coding, ours]}]
    _add_times(appointment, session)
    return appointment


def _participants(session: ServiceSession, context: SessionContext, answer: str) -> list[Json]:
    participants = [{"actor": reference("Patient", context.patient_id), "status": answer}]
    if session.place is Place.SCHOOL and context.school_location_id is not None:
        site = reference("Location", context.school_location_id)
        participants.append({"actor": site, "status": "accepted"})
    if session.clinician is not None:
        participants.append({"actor": {"display": session.clinician}, "status": "accepted"})
    return participants


def _add_times(appointment: dict[str, Any], session: ServiceSession) -> None:
    if not isinstance(session.starts, datetime):
        if session.attendance is not Attendance.CANCELLED:
            raise MissingValueError("Appointment.start", "give day and time of a booked session")
        return
    appointment["start"] = instant(session.starts)
    if isinstance(session.ends, datetime):
        appointment["end"] = instant(session.ends)
    else:
        appointment["_end"] = ABSENT_UNKNOWN
