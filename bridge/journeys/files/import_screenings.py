"""A district's screenings come in: kept with the student, told with the referrals that are open.

What is kept of a screening is the district's own record: answers, results, where they came from. It
stands under no agreement, so nobody can be told of it. Its results are kept once more for each open
referral of the student, as ``screen.score`` of that referral, and leave where the agreement and the
forms of that referral let the element leave. No element covers single answers: they never leave.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import keep_views
from bridge.journeys.files.held_rows import (
    HeldRow,
    by_reason,
    keep_held,
    let_go,
    of_mapping,
    row_key,
    told_apart,
)
from bridge.journeys.files.import_referrals import batches
from bridge.parts import Parts
from bridge.store.corrections import correct, retract, still_standing
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.intake import (
    NewRecord,
    compared,
    put_records,
    take_turn,
    whose,
)
from bridge.store.referrals import StudentReferral, lea_of, referrals_by_student
from mappings.canonical import StudentScreening
from mappings.canonical.instruments import scales
from mappings.fhir import DistrictSystems, ReferralContext, screening_resources
from mappings.fhir.context import IdFor
from mappings.fhir.errors import FhirError
from mappings.fhir.shapes import ShapeChecker
from mappings.language import Held, Mapped

ELEMENT = "screen.score"
_SHAPES = ShapeChecker()
_ORIGIN = "Provenance"
# No agreement can be called so: what stands under it is released to nobody.
_NO_AGREEMENT = "!none"
# R4 ObservationStatus, QuestionnaireResponseStatus: other content took the place of what was there.
_CORRECTED = {"Observation": "corrected", "QuestionnaireResponse": "amended"}
_VALUES = ("valueQuantity", "valueCodeableConcept", "interpretation", "derivedFrom", "item")
_UNKNOWN_STUDENT = (
    "the district has no student with this identifier; bring in the roster first, or correct it"
)
_OTHER_STUDENT = (
    "a screening with this key was imported before for another student; give each screening a key "
    "of its own"
)
_DIFFERS = (
    "a screening with this key was imported before with other content; if this is the right one, "
    "bring it back as it is in the workbook of held rows, and it takes the place of the earlier one"
)


@dataclass
class ScreeningReport:
    """What became of the rows: ``read == stored + corrected + unchanged + held``.

    Attributes:
        told: rows that came through and are told with at least one open referral.
        alone: rows that came through of a student without an open referral: told to nobody.
    """

    read: int = 0
    stored: int = 0
    corrected: int = 0
    unchanged: int = 0
    told: int = 0
    alone: int = 0
    held: list[HeldRow] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return counts and reasons; no value of a record."""
        names = ("read", "stored", "corrected", "unchanged", "told", "alone")
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "held": len(self.held), "held_by_reason": by_reason(self.held)}


def import_screenings(parts: Parts, lea: str, rows: Iterable[Mapped | Held]) -> ScreeningReport:
    """Keep every screening of a known student and hold every other, in batches.

    INVARIANT: a batch is stored whole or not at all, and doing it again changes nothing. Bringing a
    file again after a referral was made tells its results with that referral.

    Raises:
        BridgeError: the map makes no screenings, or there is no such district.
    """
    report = ScreeningReport()
    for batch in batches(rows):
        with write(parts.engine) as connection:
            take_turn(connection)
            _Batch(parts, lea, connection, report).take(batch)
    return report


class _Batch:
    """One transaction's worth of rows."""

    def __init__(
        self, parts: Parts, lea: str, connection: Connection, report: ScreeningReport
    ) -> None:
        self._parts = parts
        self._lea = lea
        self._connection = connection
        self._report = report
        self._now = parts.clock.now()
        self._organizations = organizations(connection)
        if lea not in self._organizations:
            raise BridgeError(f"there is no district {lea}; put its agreement to use first")

    def take(self, rows: Iterable[Mapped | Held]) -> None:
        """Take rows; what is held waits in the queue."""
        held: list[HeldRow] = []
        for row in rows:
            self._report.read += 1
            problem = of_mapping(row) if isinstance(row, Held) else self._one(row)
            if problem is not None:
                held.append(problem)
        keep_held(self._connection, self._parts.identifiers, self._lea, (held, self._now))
        self._report.held.extend(held)

    def _one(self, row: Mapped) -> HeldRow | None:
        screening = row.record
        if not isinstance(screening, StudentScreening):
            raise BridgeError("this map makes no screenings; choose one of kind screening")
        student_id = self._parts.identifiers.issue("student", self._lea, screening.student_id)
        if lea_of(self._connection, student_id) != self._lea:
            return HeldRow(screening.origin, ("unknown-student",), (_UNKNOWN_STUDENT,))
        own = _Kept(screening, self._own(student_id))
        try:
            records = list(self._records(own, student_id, None))
        except FhirError as error:
            return HeldRow(screening.origin, ("cannot-build",), (str(error),))
        if (problem := self._problem(own, records)) is not None:
            return problem
        self._keep(own, records)
        self._tell(screening, student_id)
        came = ((screening.origin,), self._now)
        let_go(self._connection, self._parts.identifiers, self._lea, came)
        return None

    def _own(self, student_id: str) -> IdFor:
        """Return the ids of the district's own record; the student is known by the bridge's id."""

        def id_for(kind: str, key: str) -> str:
            issue = self._parts.identifiers.issue
            return student_id if kind == "Patient" else issue("screening", self._lea, kind, key)

        return id_for

    def _of(self, referral: StudentReferral) -> IdFor:
        """Return the ids of what is told with a referral: per pair of parties, and referral."""

        def id_for(kind: str, key: str) -> str:
            told = key if kind == "Patient" else f"{referral.request_id}/{key}"
            return self._parts.identifiers.issue(self._lea, referral.provider, kind, told)

        return id_for

    def _records(
        self, kept: "_Kept", student_id: str, referral: StudentReferral | None
    ) -> Iterator[NewRecord]:
        provider = referral.provider if referral else self._lea
        context = ReferralContext(
            district_id=self._organizations[self._lea].id,
            provider_id=self._organizations[provider].id,
            school_ids={},
            id_for=kept.id_for,
            recorded_at=self._now,
            systems=DistrictSystems.of(self._lea, "state"),
        )
        for resource in _built(kept.screening, context):
            if referral is not None and resource["resourceType"] == _ORIGIN:
                continue  # it tells of a file of the district's, not of the student
            yield NewRecord(
                resource=resource,
                custodian=self._lea,
                sender_role="lea",
                audience=referral.provider if referral else "",
                agreement_id=referral.agreement_id if referral else _NO_AGREEMENT,
                source_key=str(resource["id"]),
                student_id=student_id,
                referral_id=referral.request_id if referral else None,
                element=ELEMENT if resource["resourceType"] == "Observation" else "",
            )

    def _problem(self, own: "_Kept", records: Sequence[NewRecord]) -> HeldRow | None:
        """Hold what would overwrite another student's screening, or unasked this one's."""
        # INVARIANT: what is kept of one student is never replaced by something of another.
        origin = own.screening.origin
        owner = whose(self._connection, _ORIGIN, own.id_of(_ORIGIN))
        if owner is None:
            return None
        if owner[0] != records[0].student_id:
            told = told_apart(origin, own.screening)
            return HeldRow(told, ("other-student",), (_OTHER_STUDENT,))
        if not self._changes(own, records) or self._confirmed(own.screening):
            return None
        return HeldRow(told_apart(origin, own.screening), ("differs-from-import",), (_DIFFERS,))

    def _changes(self, kept: "_Kept", records: Sequence[NewRecord]) -> bool:
        found = compared(self._connection, [r for r in records if r.type != _ORIGIN])
        return bool(found.new or found.different or self._left_out(kept, records))

    def _confirmed(self, screening: StudentScreening) -> bool:
        """Whether a person was told that exactly this differs, and brought it back as it was."""
        told = told_apart(screening.origin, screening)
        return screening.origin.ticket == row_key(self._parts.identifiers, self._lea, told)

    def _left_out(self, kept: "_Kept", records: Iterable[NewRecord]) -> list[tuple[str, str]]:
        """Return what was kept of this screening before and is no part of it now."""
        now = {record.id for record in records}
        asked = {
            "Observation": {kept.id_of("Observation", f"/{scale}") for scale in scales()},
            "QuestionnaireResponse": {kept.id_of("QuestionnaireResponse")},
        }
        return [
            (kind, each)
            for kind, ids in asked.items()
            for each in sorted(still_standing(self._connection, kind, ids) - now)
        ]

    def _keep(self, own: "_Kept", records: Sequence[NewRecord]) -> None:
        known = whose(self._connection, _ORIGIN, own.id_of(_ORIGIN)) is not None
        if not known:
            put_records(self._connection, records, self._now)
            self._report.stored += 1
        elif self._changes(own, records):
            self._correct(own, records, add=True)
            self._report.corrected += 1
        else:
            self._report.unchanged += 1

    def _tell(self, screening: StudentScreening, student_id: str) -> None:
        """Keep the results with each open referral, and correct them wherever they are."""
        told = False
        for referral in referrals_by_student(self._connection, student_id):
            kept = _Kept(replace(screening, answers=()), self._of(referral))
            records = list(self._records(kept, student_id, referral))
            self._correct(kept, records, add=referral.open)
            told = told or (referral.open and bool(records))
        self._report.told += told
        self._report.alone += not told

    def _correct(self, kept: "_Kept", records: Sequence[NewRecord], *, add: bool) -> None:
        """Make what is kept say what the records say; what they no longer say was an error."""
        changed = self._left_out(kept, records)
        for gone in changed:
            retract(self._connection, gone, _VALUES, self._now)
        renewable = tuple(_CORRECTED)
        about = [record for record in records if record.type in renewable]
        found = compared(self._connection, about)
        for record in about:
            if record.id in found.different:
                correct(self._connection, record, _CORRECTED[record.type], self._now)
                changed.append((record.type, record.id))
        keep_views(self._connection, self._parts, changed)
        if add:
            new = [record for record in about if record.id in found.new]
            put_records(self._connection, new, self._now)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A screening and the ids one of its copies is kept under."""

    screening: StudentScreening
    id_for: IdFor

    def id_of(self, kind: str, part: str = "") -> str:
        """Return the id of one resource of the copy."""
        return self.id_for(kind, f"{self.screening.origin.source}/{self.screening.key}{part}")


def _built(screening: StudentScreening, context: ReferralContext) -> list[dict[str, Any]]:
    resources = screening_resources(screening, context)
    for resource in resources:
        for issue in _SHAPES.check(resource):
            raise FhirError(issue.path, issue.text)
    return resources
