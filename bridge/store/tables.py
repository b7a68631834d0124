"""Tables of the store.

Instants are UTC. Bodies are kept as the JSON text received or built, never as a model's rewriting
of it. Identifiers are opaque (see :mod:`bridge.identifiers`).
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bridge.store import state_versions as _versions  # noqa: F401 - its table and triggers


class OrganizationRow(SQLModel, table=True):
    """A party organisation or a school site. ``key`` is the operator's short name of it."""

    __tablename__ = "organization"

    key: str = Field(primary_key=True)
    id: str = Field(unique=True)
    role: str
    name: str
    parent: str | None = None


class AgreementRow(SQLModel, table=True):
    """A memorandum of understanding in use, with the documents it was compiled from."""

    __tablename__ = "agreement"

    id: str = Field(primary_key=True)
    template_text: str = Field(sa_column=Column(Text, nullable=False))
    agreement_text: str = Field(sa_column=Column(Text, nullable=False))
    jurisdiction: str
    lea: str = Field(foreign_key="organization.key")
    provider: str = Field(foreign_key="organization.key")
    hub: str | None = Field(default=None, foreign_key="organization.key")
    activated_at: datetime


class StudentRow(SQLModel, table=True):
    """One student of one district. Also the row that consent changes and releases lock.

    ``version`` counts what changed of the student that a decision may rest on; triggers move it
    (:mod:`bridge.store.state_versions`).
    """

    __tablename__ = "student"
    __table_args__ = (UniqueConstraint("lea", "local_key"),)

    id: str = Field(primary_key=True)
    lea: str = Field(foreign_key="organization.key")
    local_key: str
    birth_date: date
    version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class RecordRow(SQLModel, table=True):
    """One resource.

    Attributes:
        custodian, sender_role: the organisation whose record it is, and its party role.
        audience: the organisation on the other side of the agreement.
        referral_id: id of the ServiceRequest this belongs to.
        element: for a coded row to the hub, the element it counts as (``enc.row`` ...).
        third_party: whether the record speaks, by its kind, of another person.
        source_key: keyed hash of the source's own key: the same row imported twice is one record.
        content_digest: SHA-256 of the content as imported, to tell a repeat from a change.
        change: number of the last change, which no other record has: monotone, without gaps.
    """

    __tablename__ = "record"
    __table_args__ = (
        # Most keys are the id itself, which is another's of no custodian anyway.
        Index(
            "ix_record_source",
            *("custodian", "type", "source_key"),
            unique=True,
            sqlite_where=text("source_key <> id"),
            postgresql_where=text("source_key <> id"),
        ),
        Index("ix_record_audience", "audience", "type"),
        # A page of one agreement, or of all, in the order of change; and where a time begins.
        Index("ix_record_agreement", "agreement_id", "type", "change"),
        # Unique: a cursor goes from number to number, and of two with one it could pass one by.
        Index("ix_record_type", "type", "change", unique=True),
        Index("ix_record_moved", "last_updated", "change"),
        # A page asks for some types of some students: others are not even read.
        Index("ix_record_student", "student_id", "type"),
    )

    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    custodian: str
    sender_role: str
    audience: str
    agreement_id: str
    student_id: str | None = None
    referral_id: str | None = None
    element: str = ""
    third_party: bool = False
    source_key: str
    content_digest: str
    version: int = 1
    change: int
    last_updated: datetime
    body: str = Field(sa_column=Column(Text, nullable=False))


class VersionRow(SQLModel, table=True):
    """What a record said before a change: written with the change, in the same transaction.

    What a viewer is shown of it is decided when it is asked for, under today's consent.
    """

    __tablename__ = "record_version"

    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    element: str = ""
    third_party: bool = False
    change: int
    last_updated: datetime
    body: str = Field(sa_column=Column(Text, nullable=False))


class ViewChangeRow(SQLModel, table=True):
    """When what one standing sees of a record last changed, where the record has changed since.

    ``standing`` is a party's organisation, role and purposes. Without a row the record's own change
    and time hold.
    """

    __tablename__ = "view_change"
    __table_args__ = (Index("ix_view_change", "standing", "type", "change"),)

    standing: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    change: int
    since: datetime


class SearchRow(SQLModel, table=True):
    """One value a record can be found by; written with the record, in the same transaction.

    ``agreement_id`` and ``change`` are the record's own: the index answers in their order. A record
    is asked for its values by its ``change``, which no other has: in the order of changes new rows
    stand behind the others, while ids lie anywhere and each would write to a page of its own.
    ``starts`` is 1 where a search can start from the value, and none where it cannot.
    """

    __tablename__ = "search_value"
    __table_args__ = (
        Index(
            "ix_search_value",
            *("type", "param", "value", "agreement_id", "change"),
            # Spelled as searches ask for it: then SQLite looks for nothing of it in the table.
            sqlite_where=text("starts = 1"),
            postgresql_where=text("starts IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    change: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    param: str = Field(primary_key=True)
    system: str = Field(primary_key=True, default="")
    value: str = Field(primary_key=True)
    agreement_id: str
    starts: int | None = None


class SearchDateRow(SQLModel, table=True):
    """One range of time a record can be found by, in microseconds since 1970, half open."""

    __tablename__ = "search_date"
    __table_args__ = (
        Index("ix_search_date", "type", "param", "agreement_id", "low", "id"),
        {"sqlite_with_rowid": False},
    )

    change: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    param: str = Field(primary_key=True)
    low: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    high: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    agreement_id: str


class EvidenceRow(SQLModel, table=True):
    """One fact about a student (or an agreement), with two clocks and a source.

    Empty ``student_id``, ``referral_id``, ``record_id``, ``element``, ``purpose``, ``recipient``
    mean *any*. ``value`` false states that the fact is known not to hold; none, that whoever
    supplies it cannot say: then it counts as ``if_unknown`` of the facts table says.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        # A form states a fact once for each element: the one asked about is found at once. Of
        # each session a fact is stated too: which it is about is known without looking at it.
        Index("ix_evidence_fact", "student_id", "fact", "element", "record_id"),
        # Statements that take a permit away are few, and asked about for every fact of a filter.
        Index(
            "ix_evidence_doubt",
            *("student_id", "fact", "agreement_id"),
            sqlite_where=text("value IS NOT TRUE"),
            postgresql_where=text("value IS NOT TRUE"),
        ),
        # Of two numbers that may be one child: few, and asked about for a whole district.
        Index(
            "ix_evidence_same",
            "student_id",
            sqlite_where=text("source = 'same-student'"),
            postgresql_where=text("source = 'same-student'"),
        ),
    )

    id: str = Field(primary_key=True)
    agreement_id: str
    student_id: str = ""
    referral_id: str = ""
    record_id: str = ""
    fact: str
    value: bool | None = True
    element: str = ""
    purpose: str = ""
    recipient: str = ""
    valid_from: datetime
    valid_to: datetime
    recorded_at: datetime
    superseded_at: datetime | None = None
    source: str
    source_id: str = ""


class SignedReleaseRow(SQLModel, table=True):
    """A signed form as it was recorded; ``parts`` is its canonical JSON."""

    __tablename__ = "signed_release"

    id: str = Field(primary_key=True)
    student_id: str = Field(foreign_key="student.id", index=True)
    agreement_id: str
    parts: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime
    revoked_at: datetime | None = None


class HeldRow(SQLModel, table=True):
    """A row that waits for a person: where it stands and why, never what it says."""

    __tablename__ = "held_row"
    __table_args__ = (UniqueConstraint("custodian", "source", "source_key"),)

    id: str = Field(primary_key=True)
    custodian: str
    source: str
    file: str
    row: int
    source_key: str
    reasons: str = Field(sa_column=Column(Text, nullable=False))
    held_at: datetime
    released_at: datetime | None = None


class ChangeRow(SQLModel, table=True):
    """The one row that numbers and dates changes; locked by the transaction that takes a number."""

    __tablename__ = "change_counter"

    id: int = Field(primary_key=True, default=1)
    last: int = 0
    at: datetime | None = None


class ExportJobRow(SQLModel, table=True):
    """A Bulk Data export asked for: parameters and owner, never content."""

    __tablename__ = "export_job"

    id: str = Field(primary_key=True)
    client_id: str
    organization: str
    agreement_id: str
    types: str
    since: datetime | None = None
    until: datetime | None = None
    filters: str
    request_url: str
    created_at: datetime
    transaction_time: datetime
    upto_change: int
    expires_at: datetime


class ExportFileRow(SQLModel, table=True):
    """How far one file of an export has come: counts and a place, never content.

    Attributes:
        number: of several files of a type, which; 0 for all of the type in one.
        after_change, upto_change: which changes it is of; None for no end but the export's.
        state: ``waiting`` (named and not asked for), ``sending``, ``whole`` or ``broken``.
        rows, bytes: what was released into it since it was last begun.
        sha256: the digest of it, where it was sent whole; else "".
        reached: number of the change of its last row.
        begun_at, made_at: when its first and its last part were made.
    """

    __tablename__ = "export_file"

    job_id: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: int = Field(default=0, primary_key=True)
    after_change: int = 0
    upto_change: int | None = None
    state: str
    rows: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    sha256: str = ""
    reached: int = 0
    begun_at: datetime | None = None
    made_at: datetime | None = None
