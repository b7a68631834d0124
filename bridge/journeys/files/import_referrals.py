"""A district's referrals come in: canonical records to resources, releases to evidence."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreement_between, keep_views, seen_anew
from bridge.journeys.families.record_releases import record_releases, release_id_of
from bridge.journeys.files.held_rows import (
    HeldRow,
    by_reason,
    keep_held,
    let_go,
    of_mapping,
    told_apart,
)
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import StudentEntry, organizations, put_students
from bridge.store.facts.releases import releases
from bridge.store.intake import NewRecord, PutReport, put_records, replace, take_turn
from mappings.canonical import Referral, SourceRow
from mappings.fhir import DistrictSystems, ReferralContext, referral_resources
from mappings.fhir.errors import FhirError
from mappings.fhir.shapes import ShapeChecker
from mappings.language import Held, Mapped

BATCH = 200
_SHAPES = ShapeChecker()
# A student's own data may change between two referrals; the newest is kept.
_SHARED = ("Patient", "RelatedPerson")
# A form that was pending may be signed by the next time its row comes.
_RENEWED = (*_SHARED, "Consent")
# It tells of the first import; importing the same row again is no new origin.
_FIRST_STANDS = ("Provenance",)
_OBSERVED = {
    "attendance-percent": "attendance.summary",
    "discipline-count": "discipline.count",
    "plan-504": "plan504.flag",
}


@dataclass
class ImportReport:
    """What became of the rows: ``read == stored + unchanged + held + duplicates``."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    duplicates: int = 0
    held: list[HeldRow] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return counts and reasons; no value of a record."""
        counts = {name: getattr(self, name) for name in ("read", "stored", "unchanged")}
        more = {"duplicates": self.duplicates, "held": len(self.held)}
        return {**counts, **more, "held_by_reason": by_reason(self.held)}


class Watch(Protocol):
    """Somebody who looks at each row of an import, and may hold one.

    Attributes:
        rehearses: the transaction will be undone: what becomes of a row is known before the forms
            that came with it are recorded, which is most of the work.
    """

    @property
    def rehearses(self) -> bool:
        """Whether all of it will be undone."""

    def doubt(self, connection: Connection, referral: Referral, patient_id: str) -> HeldRow | None:
        """Return why a row is held although everything of it can be read; None to let it go on."""

    def taken(self, origin: SourceRow, *, new: bool, changes: bool) -> None:
        """Hear that a row was stored.

        Args:
            origin: where it stands.
            new: whether its referral was not there before.
            changes: whether it replaces what was on file of the student.
        """


@dataclass(frozen=True, slots=True)
class ReferralImport:
    """Imports for one district and one provider under the agreement between them.

    Attributes:
        undone: the transaction will be undone: neither how records looked to others before is kept,
            nor is it found out who comes to see more of them (:func:`bridge.gate.seen_anew`).
    """

    parts: Parts
    lea: str
    provider: str
    watch: Watch | None = None
    undone: bool = False

    def run(self, rows: Iterable[Mapped | Held]) -> ImportReport:
        """Store every row that maps and keep every other as held, in batches of one transaction.

        INVARIANT: a batch is stored whole or not at all, and doing it again changes nothing.

        Raises:
            BridgeError: there is no agreement between the two.
        """
        report = ImportReport()
        for batch in batches(rows):
            with write(self.parts.engine) as connection:
                self._store(connection, batch, report)
        return report

    def run_within(self, connection: Connection, rows: Iterable[Mapped | Held]) -> ImportReport:
        """Do :meth:`run` inside a write transaction that the caller commits."""
        report = ImportReport()
        self._store(connection, rows, report)
        return report

    def _store(
        self, connection: Connection, rows: Iterable[Mapped | Held], report: ImportReport
    ) -> None:
        take_turn(connection)
        _Batch(self, connection, report).store(rows)


def batches(rows: Iterable[Mapped | Held]) -> Iterator[list[Mapped | Held]]:
    """Yield rows in lists of :data:`BATCH`; one list is one transaction."""
    batch: list[Mapped | Held] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Batch:
    """One transaction's worth of rows."""

    def __init__(self, of: ReferralImport, connection: Connection, report: ImportReport) -> None:
        self._of = of
        self._connection = connection
        self._report = report
        self._now: datetime = of.parts.clock.now()
        found = agreement_between(connection, of.lea, of.provider)
        if found is None:
            raise BridgeError(f"there is no agreement between {of.lea} and {of.provider}")
        self._agreement: CompiledAgreement = found
        self._context = self._referral_context()

    def _referral_context(self) -> ReferralContext:
        known = organizations(self._connection)
        of = self._of
        sites = {o.key.partition("/")[2]: o.id for o in known.values() if o.parent == of.lea}
        return ReferralContext(
            district_id=known[of.lea].id,
            provider_id=known[of.provider].id,
            school_ids=sites,
            # Per pair of parties: two providers get two identifiers of one student.
            id_for=of.parts.identifiers.issuer(of.lea, of.provider),
            recorded_at=self._now,
            systems=DistrictSystems.of(of.lea, "state"),
        )

    def store(self, rows: Iterable[Mapped | Held]) -> None:
        held: list[HeldRow] = []
        for row in rows:
            self._report.read += 1
            problem = of_mapping(row) if isinstance(row, Held) else self._store_one(row)
            if problem is not None:
                held.append(problem)
        identifiers = self._of.parts.identifiers
        keep_held(self._connection, identifiers, self._of.lea, (held, self._now))
        self._report.held.extend(held)

    def _store_one(self, row: Mapped) -> HeldRow | None:
        referral = row.record
        if not isinstance(referral, Referral):
            raise BridgeError("this map makes no referrals; choose one of kind referral")
        request_id = self._context.id_for("ServiceRequest", referral.number)
        of = (self._connection, self._of.parts, request_id)
        forms = [release_id_of(*of, came) for came in referral.releases]
        refused = self._refused(referral, forms) or self._doubted(referral)
        built = refused or self._built(referral)
        if isinstance(built, HeldRow):
            return built
        student = self._student(referral)
        records = list(self._records(referral, built, student))
        put_students(self._connection, {student.id: student})
        renewable = (*_RENEWED, *_FIRST_STANDS)
        put = put_records(self._connection, records, self._now, renewable=renewable)
        changed = [record for record in records if record.id in put.different]
        if any(record.type not in renewable for record in changed):
            return HeldRow(
                told_apart(referral.origin, referral), ("differs-from-import",), (_DIFFERS,)
            )
        self._renew(records, put)
        self._count(put, referral)
        if self._of.watch is None or not self._of.watch.rehearses:
            about = (referral, student.id, [form for form in forms if form])
            known = () if self._of.undone else self._known(put, about)
            with seen_anew(self._connection, self._of.parts, known):
                record_releases(self._connection, self._of.parts, self._agreement, about)
        return None

    def _known(self, put: PutReport, about: tuple[Referral, str, Sequence[str]]) -> Collection[str]:
        """Return the student, where records are there from before and a form is not."""
        _, student_id, forms = about
        from_before = forms and (put.unchanged or put.different)
        filed = releases(self._connection, forms) if from_before else {}
        return [student_id] if from_before and len(filed) < len(forms) else ()

    def _refused(self, referral: Referral, forms: Sequence[str | None]) -> HeldRow | None:
        if len({release.form for release in referral.releases}) < len(referral.releases):
            return HeldRow(referral.origin, ("form-repeated",), (_FORM_TWICE,))
        if None in forms:
            return HeldRow(referral.origin, ("release-changed",), (_ANSWERED,))
        return None

    def _doubted(self, referral: Referral) -> HeldRow | None:
        if self._of.watch is None:
            return None
        patient = self._context.id_for("Patient", referral.student.local_id)
        return self._of.watch.doubt(self._connection, referral, patient)

    def _built(self, referral: Referral) -> list[dict[str, object]] | HeldRow:
        try:
            resources = referral_resources(referral, self._context)
        except FhirError as error:
            return HeldRow(referral.origin, ("cannot-build",), (str(error),))
        if issues := [issue for resource in resources for issue in _SHAPES.check(resource)]:
            texts = tuple(f"{issue.path}: {issue.text}" for issue in issues)
            return HeldRow(referral.origin, ("not-valid",), texts)
        return resources

    def _renew(self, records: list[NewRecord], put: PutReport) -> None:
        """Replace what may change between two imports, and a referral's list of its Consents."""
        consents = {r.id for r in records if r.type == "Consent"}
        lists = bool(consents.intersection((*put.new, *put.different)))
        for record in records:
            relisted = record.type == "ServiceRequest" and record.id in put.unchanged and lists
            if relisted or (record.type in _RENEWED and record.id in put.different):
                replace(self._connection, record, self._now)
                if not self._of.undone:
                    keep_views(self._connection, self._of.parts, [(record.type, record.id)])

    def _count(self, put: PutReport, referral: Referral) -> None:
        request = self._context.id_for("ServiceRequest", referral.number)
        new = request in put.new
        self._report.stored += new
        self._report.unchanged += not new
        if self._of.watch is not None:
            patient = self._context.id_for("Patient", referral.student.local_id)
            changes = patient in put.different
            self._of.watch.taken(referral.origin, new=new, changes=changes)
        if self._of.undone:
            return
        came = ((referral.origin,), self._now)
        let_go(self._connection, self._of.parts.identifiers, self._of.lea, came)

    def _student(self, referral: Referral) -> StudentEntry:
        local = referral.student.local_id
        student_id = self._of.parts.identifiers.issue("student", self._of.lea, local)
        return StudentEntry(student_id, self._of.lea, local, referral.student.birth_date)

    def _records(
        self, referral: Referral, resources: list[dict[str, object]], student: StudentEntry
    ) -> Iterator[NewRecord]:
        request_id = self._context.id_for("ServiceRequest", referral.number)
        for resource in resources:
            kind = str(resource["resourceType"])
            yield NewRecord(
                resource=resource,
                custodian=self._of.lea,
                sender_role="lea",
                audience=self._of.provider,
                agreement_id=self._agreement.id,
                source_key=str(resource["id"]),
                student_id=student.id,
                referral_id=None if kind in _SHARED else request_id,
                element=element_of(resource),
            )


_FORM_TWICE = (
    "two releases of one form came with this referral; keep the newest here, and file the other "
    "with: schoolbridge release record"
)
_ANSWERED = (
    "a release of this referral was answered otherwise before; file the new form with: "
    "schoolbridge release record"
)
_DIFFERS = (
    "a referral with this number was imported before with other content; give it a new number, "
    "or withdraw the earlier one"
)


def element_of(resource: Mapping[str, Any]) -> str:
    """Return the MOU element a record as a whole counts as, where its type alone does not say.

    What no element covers (an individualised education programme, say) gets none: it never leaves.
    """
    if resource["resourceType"] == "ServiceRequest":
        return "ref.row"
    if resource["resourceType"] != "Observation":
        return ""
    codes = {coding["code"] for coding in resource["code"]["coding"]}
    categories = {c["code"] for group in resource["category"] for c in group["coding"]}
    facts = [element for code, element in _OBSERVED.items() if code in codes]
    return facts[0] if facts else ("screen.score" if "survey" in categories else "")
