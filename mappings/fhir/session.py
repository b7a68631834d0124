"""All resources of one session."""

from mappings.canonical import Attendance, ServiceSession
from mappings.fhir import appointment, encounter, provenance
from mappings.fhir.check import check_resource
from mappings.fhir.context import SessionContext
from mappings.fhir.elements import Json, reference
from mappings.fhir.issues import Issue


class SessionChecker:
    """Full validation of what sessions become, once for each form a session can have.

    INVARIANT: two sessions of one form give resources of one shape, so both are valid or both not;
    a form is remembered only after a resource of it was checked in full.
    """

    __slots__ = ("_passed",)

    def __init__(self) -> None:
        self._passed: set[object] = set()

    def check(self, session: ServiceSession, resource: Json) -> list[Issue]:
        """Return what is wrong with the resource built of a session; empty when nothing is."""
        form = form_of(session)
        if form in self._passed:
            return []
        issues = check_resource(resource)
        if not issues:
            self._passed.add(form)
        return issues


def form_of(session: ServiceSession) -> tuple[object, ...]:
    """Return what of a session its resource's shape depends on, under one context."""
    licence = session.licence
    return (
        session.attendance,
        session.modality,
        session.place,
        type(session.starts),
        type(session.ends),
        session.clinician is None or bool(session.clinician.strip()),
        session.clinician is None,
        licence and (licence.code, bool(licence.text.strip())),
        bool(session.key.strip()),
    )


def session_resource(session: ServiceSession, context: SessionContext) -> Json:
    """Build the Encounter of an attended session, else its Appointment.

    Raises:
        MissingValueError: a booked or missed session has no start.
    """
    if session.attendance is Attendance.ATTENDED:
        return encounter.build(session, context.id_for("Encounter", session.key), context)
    return appointment.build(session, context.id_for("Appointment", session.key), context)


def session_resources(session: ServiceSession, context: SessionContext) -> list[Json]:
    """Build the Encounter of an attended session, else its Appointment; then the Provenance.

    Keys given to ``context.id_for``: the provider's own key of the session; for the Provenance the
    type stands before it.

    Raises:
        MissingValueError: a booked or missed session has no start.
    """
    built = session_resource(session, context)
    target = reference(built["resourceType"], built["id"])
    provider = reference("Organization", context.provider_id)
    # Booked first and attended later are two resources, each with its own Provenance.
    provenance_id = context.id_for("Provenance", f"{built['resourceType']}/{session.key}")
    origin, recorded_at = session.origin, context.recorded_at
    parties = (provider, provider)
    return [built, provenance.build(provenance_id, [target], parties, origin, recorded_at)]
