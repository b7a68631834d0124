"""Synthetic canonical records for tests of FHIR builders. Nobody in them exists."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

from mappings.canonical import (
    Attendance,
    Coded,
    Guardian,
    Modality,
    Place,
    Referral,
    Release,
    Screening,
    ServiceSession,
    SourceRow,
    Student,
)
from mappings.fhir import DistrictSystems, ReferralContext, SessionContext
from mappings.fhir.terminology import table

ORIGIN = SourceRow(source="maple-form", file="referrals.csv", row=2, key="R-1")
RECORDED_AT = datetime(2026, 9, 2, 14, 5, tzinfo=UTC)

BARE_STUDENT = Student("1001", "Testington", "Robin", date(2012, 3, 4))
FULL_STUDENT = Student(
    local_id="1002",
    family_name="Nuñez-Müller",
    given_name="Zoë",
    birth_date=date(2011, 12, 31),
    state_id="9900112233",
    sex=Coded("female", "F"),
    grade=Coded("08", "8th"),
    school="MHS",
    home_language=Coded("es", "Spanish"),
    interpreter_needed=True,
    phone="555-0100",
    email="family@example.org",
    address_line="1 Synthetic Way",
    city="Exampleville",
    state="CT",
    postal_code="06000",
    enrolled=True,
)
GUARDIAN = Guardian(
    name="Ana Nuñez",
    relationship=Coded("MTH", "mother"),
    phone="555-0101",
    email="ana@example.org",
    contact_prohibited=False,
)
SIGNED = Release(
    form="education",
    answer="signed",
    signer="Ana Nuñez",
    signer_relationship=Coded("MTH", "mother"),
    signed_on=date(2026, 8, 30),
    expires_on=date(2027, 6, 30),
    elements=("referral", "status"),
    purpose="refer",
    recipient="provider",
    discloser="lea",
    statements=("condition", "redisclosure", "revoke"),
)
BARE = Referral(
    number="R-2026-0001",
    authored_on=date(2026, 9, 1),
    student=BARE_STUDENT,
    urgency=Coded("routine", "Routine (10 days)"),
    reasons=(Coded("anxiety", "Worries a lot"),),
    origin=ORIGIN,
)
FULL = Referral(
    number="R-2026-0002",
    authored_on=datetime(2026, 9, 1, 9, 30, tzinfo=UTC),
    student=FULL_STUDENT,
    urgency=Coded("urgent", "Urgent (24 hours)"),
    reasons=(Coded("anxiety", "Worries a lot"), Coded("grief", "Pérdida reciente")),
    origin=ORIGIN,
    description='Synthetic text: often leaves class, says "I can\'t".\nSecond line.',
    requested_service=Coded("individual", "One to one"),
    referrer_name="Pat Teacher",
    referrer_role=Coded("counsellor", "School counselor"),
    interventions_tried="Check-in each morning",
    guardian=GUARDIAN,
    screenings=(
        Screening(Coded("phq-a", "PHQ-A"), Decimal(14), date(2026, 8, 28)),
        Screening(Coded("gad-7", "GAD7"), Decimal(11), date(2026, 8, 28)),
        Screening(Coded("bess", "BERI T"), Decimal("61.5")),
    ),
    releases=(SIGNED, replace(SIGNED, form="health", elements=("status",), purpose="follow")),
    parent_notified=True,
    attendance_percent=Decimal("87.5"),
    plan_504=True,
    iep=False,
    discipline_count=2,
)
ATTENDED = ServiceSession(
    key="S-1",
    attendance=Attendance.ATTENDED,
    origin=ORIGIN,
    starts=datetime(2026, 9, 9, 13, 0, tzinfo=UTC),
    ends=datetime(2026, 9, 9, 13, 45, tzinfo=UTC),
    modality=Modality.INDIVIDUAL,
    place=Place.SCHOOL,
    clinician="Dr Synthetic",
)


def id_for(resource_type: str, key: str) -> str:
    """Return a readable id; a deployment issues opaque ones."""
    return f"{resource_type}-{key}".lower().replace("/", "-")


CONTEXT = ReferralContext(
    district_id="maple",
    provider_id="harbor",
    school_ids={"MHS": "maple-mhs"},
    id_for=id_for,
    recorded_at=RECORDED_AT,
    systems=DistrictSystems.of("maple", "xx"),
)
SESSION_CONTEXT = SessionContext(
    provider_id="harbor",
    patient_id="patient-1002",
    session_system="https://schoolbridge.example/fhir/NamingSystem/session/harbor",
    id_for=id_for,
    recorded_at=RECORDED_AT,
    service_request_id="servicerequest-r-2026-0002",
    school_location_id="maple-mhs-site",
)


def referrals() -> Iterator[Referral]:
    """Yield the bare and the full referral, and each with one thing changed."""
    yield BARE
    yield FULL
    yield from _each_field_left_out()
    yield from _each_code()
    yield from _names()
    yield from _releases()


def _each_field_left_out() -> Iterator[Referral]:
    for name in (item.name for item in fields(Referral) if item.default is None):
        yield replace(FULL, **{name: None})
    for name in (item.name for item in fields(Student) if item.default is None):
        yield replace(FULL, student=replace(FULL_STUDENT, **{name: None}))
    for name in ("relationship", "phone", "email", "contact_prohibited"):
        yield replace(FULL, guardian=replace(GUARDIAN, **{name: None}))
    yield replace(FULL, guardian=replace(GUARDIAN, contact_prohibited=True))


def _each_code() -> Iterator[Referral]:
    for code in table("instruments").rows:
        score = Screening(Coded(code, code.upper()), Decimal(9), date(2026, 8, 28))
        yield replace(BARE, screenings=(score, score))
    for code in table("services").rows:
        yield replace(BARE, requested_service=Coded(code, code))
    for code in table("concerns").rows:
        yield replace(BARE, reasons=(Coded(code, f"ticked: {code}"),))
    for code in ("routine", "urgent", "asap", "stat"):
        yield replace(BARE, urgency=Coded(code, code.upper()))
    for code in ("male", "female", "other", "unknown"):
        yield replace(BARE, student=replace(BARE_STUDENT, sex=Coded(code, code[:1])))


def _names() -> Iterator[Referral]:
    for family, given in (
        ("O'Brien-Łukasz", "Siân"),
        ("山田", "花子"),
        ("حداد", "ليلى"),
        ("X", "Y"),
    ):
        yield replace(BARE, student=replace(BARE_STUDENT, family_name=family, given_name=given))


def _releases() -> Iterator[Referral]:
    for form, answer in product(("education", "health"), ("signed", "refused", "pending")):
        yield replace(FULL, releases=(replace(SIGNED, form=form, answer=answer),))
        yield replace(FULL, releases=(Release(form=form, answer=answer),))
    own = replace(SIGNED, signer_relationship=Coded("ONESELF", "self"))
    yield replace(FULL, releases=(own,))
    for recipient, purpose in (("lea", "follow"), (None, None), ("provider", "attend")):
        yield replace(FULL, releases=(replace(SIGNED, recipient=recipient, purpose=purpose),))


def sessions() -> Iterator[ServiceSession]:
    """Yield a session of every attendance, modality and place, with and without its times."""
    for attendance, modality, place in product(Attendance, (*Modality, None), (*Place, None)):
        yield replace(ATTENDED, attendance=attendance, modality=modality, place=place)
    for attendance in Attendance:
        yield replace(ATTENDED, attendance=attendance, ends=None, clinician=None)
    for attendance in (Attendance.ATTENDED, Attendance.CANCELLED):
        yield replace(ATTENDED, attendance=attendance, starts=None, ends=None)
    yield replace(ATTENDED, starts=date(2026, 9, 9), ends=None)
    for code in (*table("licences").rows, ""):
        yield replace(ATTENDED, licence=Coded(code, "as written"))
    yield replace(ATTENDED, licence=Coded("associate", "LMSW"), clinician=None)
