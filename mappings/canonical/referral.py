"""A school's referral of one student for mental-health support.

Names follow the Common Education Data Standards (CEDS) where CEDS has one. Every coded value keeps
the text it came from beside it; nothing here is ever guessed: ``None`` means *the source did not
say*.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where a record came from: a locator that holds no value of the record.

    Attributes:
        source: id of the map that read it.
        file: name of the file (never a path).
        row: row number as a spreadsheet shows it (the header is row 1).
        key: the source's own key of the record, unique within the source.
        content: a digest of the row, where the key does not tell it from others: it is empty, or
            belongs to another row.
        ticket: as what the queue of held rows knows it, if it comes back from there.
    """

    source: str
    file: str
    row: int
    key: str
    content: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of ours beside the words it was made from. ``text`` is what the source wrote."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Guardian:
    """A parent or guardian; ``relationship`` is a v3-RoleCode (MTH, FTH, GUARD, GRPRN, PRN)."""

    name: str
    relationship: Coded | None = None
    phone: str | None = None
    email: str | None = None
    contact_prohibited: bool | None = None


@dataclass(frozen=True, slots=True)
class Student:
    """The person referred, as the district's roster or form knows them.

    Attributes:
        local_id: the district's student identifier (CEDS 001075).
        state_id: the state's student identifier, if the source has one.
        sex: FHIR administrative-gender code (male | female | other | unknown) and source text.
        grade: grade level as CEDS codes it (``KG``, ``01`` ... ``12``, ``PK``).
        school: the district's code of the school attended.
        home_language: BCP 47 code and source text.
        address_line, city, state, postal_code: home address, as given.
        enrolled: whether the roster says the student is enrolled now; None if no roster was read.
        guardians: parents and guardians the roster names, in its order.
    """

    local_id: str
    family_name: str
    given_name: str
    birth_date: date
    state_id: str | None = None
    sex: Coded | None = None
    grade: Coded | None = None
    school: str | None = None
    home_language: Coded | None = None
    interpreter_needed: bool | None = None
    phone: str | None = None
    email: str | None = None
    address_line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    enrolled: bool | None = None
    guardians: tuple[Guardian, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    """One result of a screening instrument.

    Attributes:
        instrument: code of the instrument (``phq-9``, ``phq-a``, ``gad-7``, ``psc-17``, ``sdq``,
            ``bess``) and source text.
        score: total score in the instrument's own unit ({score}).
        screened_on: day it was taken.
    """

    instrument: Coded
    score: Decimal
    screened_on: date | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """What the release columns of a referral say about one signed form.

    ``answer`` is ``signed``, ``refused`` or ``pending`` (asked, not yet answered). The other fields
    are the parts found on the form; which laws the form meets is computed from them by
    :mod:`consent`, never typed in.

    Attributes:
        form: ``education`` (34 CFR 99.30) or ``health`` (45 CFR 164.508 and state law).
        elements: groups of elements the form names (``referral``, ``status``, ``visits``), sorted.
        purpose: local purpose id the form names (``refer``, ``follow``, ``attend``), or None.
        recipient: the party named as recipient: ``provider`` or ``lea``, or None.
        discloser: who may disclose, or None.
        statements: which statements the form prints: ``revoke``, ``condition``, ``redisclosure``.
    """

    form: str
    answer: str
    signer: str | None = None
    signer_relationship: Coded | None = None
    signed_on: date | None = None
    expires_on: date | None = None
    elements: tuple[str, ...] = ()
    purpose: str | None = None
    recipient: str | None = None
    discloser: str | None = None
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Referral:
    """One referral for one service (several services are several referrals).

    Attributes:
        number: the referral number, unique within the district (FHIR PLAC identifier).
        authored_on: when it was made: an aware instant, or a day when the source has no time.
        urgency: FHIR request-priority code (routine | urgent | asap | stat) and source text.
        reasons: reason categories, each with the option as ticked.
        description: free text; may speak of other people, so it is reviewed before it leaves.
        requested_service: code of the service asked for (``individual``, ``group``, ``family``,
            ``evaluation``, ``counselling``) and source text.
        referrer_name, referrer_role: who refers; role code and source text.
        attendance_percent: attendance at referral, 0 to 100.
        plan_504, iep: flags, None when the source does not say.
        discipline_count: number of incidents, or None.
    """

    number: str
    authored_on: datetime | date
    student: Student
    urgency: Coded
    reasons: tuple[Coded, ...]
    origin: SourceRow
    description: str | None = None
    requested_service: Coded | None = None
    referrer_name: str | None = None
    referrer_role: Coded | None = None
    interventions_tried: str | None = None
    guardian: Guardian | None = None
    screenings: tuple[Screening, ...] = ()
    releases: tuple[Release, ...] = ()
    parent_notified: bool | None = None
    attendance_percent: Decimal | None = None
    plan_504: bool | None = None
    iep: bool | None = None
    discipline_count: int | None = None
