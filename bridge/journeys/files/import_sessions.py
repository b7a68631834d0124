"""A provider's export of sessions comes in: matched to referrals, kept as its own records."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreements_of, keep_views
from bridge.journeys.answers.count_sessions import count_sessions
from bridge.journeys.answers.record_encounter import coded_element, speaks_of_others
from bridge.journeys.files.held_rows import HeldRow, by_reason, keep_held, let_go, of_mapping
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.intake import NewRecord, put_records, replace, take_turn, whose
from bridge.store.referrals import KnownReferral, referrals_of
from mappings.canonical import Attendance, ServiceSession
from mappings.fhir import SessionContext, session_resources
from mappings.fhir.errors import FhirError
from mappings.language import Held, Mapped

_NO_MATCH = (
    "no referral to this provider carries these identifiers; "
    "check the student's identifier and the referral number in the provider's system"
)
_AMBIGUOUS = "more than one referral fits; add the referral number in the provider's system"
_OTHER_STUDENT = (
    "this session's identifier belongs to a session of another student or referral; give each "
    "student of a group an identifier of their own, or correct it in the provider's system"
)
_WAS_ATTENDED = (
    "this session came as attended before and now does not; if it did not take place, correct it "
    "by hand"
)
_SESSION_SYSTEM = "https://schoolbridge.example/fhir/NamingSystem/session"


@dataclass
class SessionReport:
    """What became of the messages: ``read == stored + renewed + unchanged + held``."""

    read: int = 0
    stored: int = 0
    renewed: int = 0
    unchanged: int = 0
    by_attendance: dict[str, int] = field(default_factory=dict)
    held: list[HeldRow] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return counts and reasons."""
        names = ("read", "stored", "renewed", "unchanged", "by_attendance")
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "held": len(self.held), "held_by_reason": by_reason(self.held)}


def import_sessions(parts: Parts, provider: str, rows: Iterable[Mapped | Held]) -> SessionReport:
    """Keep every session whose referral is found, and hold every other, in one transaction.

    A session that comes again with other content (booked, then missed) replaces what was known of
    it; files that overlap change nothing.

    Raises:
        BridgeError: the map makes no sessions, or the provider has no agreement.
    """
    report = SessionReport()
    with write(parts.engine) as connection:
        take_turn(connection)
        importing = _Import(parts, provider, connection, report)
        held = [problem for row in rows if (problem := importing.take(row)) is not None]
        bound = agreements_of(connection, "provider", provider)
        for student_id in sorted(importing.students):
            count_sessions(connection, parts, bound, student_id)
        keep_held(connection, parts.identifiers, provider, (held, parts.clock.now()))
        report.held.extend(held)
    return report


class _Import:
    """One import under way."""

    def __init__(
        self, parts: Parts, provider: str, connection: Connection, report: SessionReport
    ) -> None:
        self._parts = parts
        self._provider = provider
        self._connection = connection
        self._report = report
        bound = agreements_of(connection, "provider", provider)
        if not bound:
            raise BridgeError(f"{provider} has no agreement")
        self._agreements: dict[str, CompiledAgreement] = {a.id: a for a in bound}
        self._organization = organizations(connection)[provider]
        self.students: set[str] = set()

    def take(self, row: Mapped | Held) -> HeldRow | None:
        self._report.read += 1
        if isinstance(row, Held):
            return of_mapping(row)
        session = row.record
        if not isinstance(session, ServiceSession):
            raise BridgeError("this map makes no sessions; choose one of kind session")
        found = referrals_of(
            self._connection, self._provider, session.patient_id, session.referral_number
        )
        if len(found) != 1:
            code, text = ("no-match", _NO_MATCH) if not found else ("ambiguous", _AMBIGUOUS)
            return HeldRow(session.origin, (code,), (text,))
        if (problem := self._clash(session, found[0])) is not None:
            return problem
        try:
            resources = session_resources(session, self._context(session, found[0]))
        except FhirError as error:
            return HeldRow(session.origin, ("cannot-build",), (str(error),))
        self._keep(session, [self._record(r, found[0]) for r in resources])
        self.students.add(found[0].student_id)
        came = ((session.origin,), self._parts.clock.now())
        let_go(self._connection, self._parts.identifiers, self._provider, came)
        return None

    def _clash(self, session: ServiceSession, referral: KnownReferral) -> HeldRow | None:
        """Hold what would overwrite another student's session, or contradict an Encounter."""
        # INVARIANT: what is kept of one student is never replaced by something of another.
        owners = {kind: self._owner(kind, session.key) for kind in ("Encounter", "Appointment")}
        own = (referral.student_id, referral.request_id)
        if any(owner not in (None, own) for owner in owners.values()):
            return HeldRow(session.origin, ("other-student",), (_OTHER_STUDENT,))
        if owners["Encounter"] and session.attendance is not Attendance.ATTENDED:
            return HeldRow(session.origin, ("was-attended",), (_WAS_ATTENDED,))
        return None

    def _owner(self, kind: str, key: str) -> tuple[str, str] | None:
        issued = self._parts.identifiers.issue("session", self._provider, kind, key)
        return whose(self._connection, kind, issued)

    def _context(self, session: ServiceSession, referral: KnownReferral) -> SessionContext:
        def id_for(kind: str, key: str) -> str:
            return self._parts.identifiers.issue("session", self._provider, kind, key)

        if session.patient_id is None:
            raise FhirError("Encounter.subject", "the message carries no student identifier")
        return SessionContext(
            provider_id=self._organization.id,
            patient_id=session.patient_id,
            session_system=f"{_SESSION_SYSTEM}/{self._provider}",
            id_for=id_for,
            recorded_at=self._parts.clock.now(),
            service_request_id=referral.request_id,
        )

    def _record(self, resource: dict[str, object], referral: KnownReferral) -> NewRecord:
        return NewRecord(
            resource=resource,
            custodian=self._provider,
            sender_role="provider",
            audience=referral.lea,
            agreement_id=referral.agreement_id,
            source_key=str(resource["id"]),
            student_id=referral.student_id,
            referral_id=referral.request_id,
            element=coded_element(resource, self._agreements[referral.agreement_id]),
            third_party=speaks_of_others(resource),
        )

    def _keep(self, session: ServiceSession, records: list[NewRecord]) -> None:
        now = self._parts.clock.now()
        renewable = ("Encounter", "Appointment", "Provenance")
        put = put_records(self._connection, records, now, renewable=renewable)
        main = records[0]
        if main.id in put.new:
            self._report.stored += 1
        elif main.id in put.different:
            replace(self._connection, main, now)
            keep_views(self._connection, self._parts, [(main.type, main.id)])
            self._report.renewed += 1
        else:
            self._report.unchanged += 1
        kind = session.attendance.value
        self._report.by_attendance[kind] = self._report.by_attendance.get(kind, 0) + 1
