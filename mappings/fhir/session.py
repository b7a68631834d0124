"""All resources of one session."""

from mappings.canonical import Attendance, ServiceSession
from mappings.fhir import appointment, encounter, provenance
from mappings.fhir.context import SessionContext
from mappings.fhir.elements import Json, reference


def session_resources(session: ServiceSession, context: SessionContext) -> list[Json]:
    """Build the Encounter of an attended session, else its Appointment; then the Provenance.

    Keys given to ``context.id_for``: the provider's own key of the session; for the Provenance the
    type stands before it.

    Raises:
        MissingValueError: a booked or missed session has no start.
    """
    if session.attendance is Attendance.ATTENDED:
        built = encounter.build(session, context.id_for("Encounter", session.key), context)
    else:
        built = appointment.build(session, context.id_for("Appointment", session.key), context)
    target = reference(built["resourceType"], built["id"])
    provider = reference("Organization", context.provider_id)
    # Booked first and attended later are two resources, each with its own Provenance.
    provenance_id = context.id_for("Provenance", f"{built['resourceType']}/{session.key}")
    origin, recorded_at = session.origin, context.recorded_at
    parties = (provider, provider)
    return [built, provenance.build(provenance_id, [target], parties, origin, recorded_at)]
