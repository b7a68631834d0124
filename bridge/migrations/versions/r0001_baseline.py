"""The tables as they were when revisions began, or any set of them made before that.

Revision: r0001, the first.

Until then each start created the tables that were missing and changed none. A database from that
time lacks some tables, and where it is older than that, ``table_documents`` has no ``law_bases``
and ``evidence`` says of every fact yes or no.
"""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from bridge.errors import SchemaError

revision = "r0001"
down_revision = None

BASELINE: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
INSTANT: Final = sa.DateTime(timezone=True)
DOUBT: Final = sa.text("value IS NOT TRUE")


def upgrade() -> None:
    """Create what is missing, and change what is older.

    Raises:
        SchemaError: a table is there that no version made like that.
    """
    before = sa.inspect(op.get_bind())
    known = {name: _columns(before, name) for name in before.get_table_names()}
    _recognise(known)
    BASELINE.create_all(op.get_bind())
    if "law_bases" not in known.get("table_documents", {"law_bases": False}):
        with op.batch_alter_table("table_documents") as documents:
            # Empty: the law that was in force then is not known any more.
            documents.add_column(sa.Column("law_bases", sa.Text, nullable=False, server_default=""))
        with op.batch_alter_table("table_documents") as documents:
            documents.alter_column("law_bases", existing_type=sa.Text, server_default=None)
    if known.get("evidence", {"value": True})["value"] is False:
        with op.batch_alter_table("evidence") as evidence:
            evidence.alter_column("value", existing_type=sa.Boolean, nullable=True)
        doubt = (i for i in BASELINE.tables["evidence"].indexes if i.name == "ix_evidence_doubt")
        next(doubt).create(op.get_bind())


def _columns(inspector: sa.Inspector, table: str) -> dict[str, bool]:
    """Return the columns of a table, and whether each may be null."""
    return {column["name"]: column["nullable"] for column in inspector.get_columns(table)}


def _recognise(known: dict[str, dict[str, bool]]) -> None:
    for table in BASELINE.sorted_tables:
        columns = {column.name for column in table.columns} - {"law_bases"}
        if set(known.get(table.name, columns)) - {"law_bases"} != columns:
            raise SchemaError(f"no version of schoolbridge made table {table.name} as it is here")


def needed(kind: Any, names: str) -> Iterator[sa.Column[Any]]:  # noqa: ANN401 - a type or its class
    """Yield columns that always say something."""
    yield from (
        sa.Column(name, kind, nullable=False, autoincrement=False) for name in names.split()
    )


def optional(kind: Any, names: str) -> Iterator[sa.Column[Any]]:  # noqa: ANN401 - as the function it stands for
    """Yield columns that may be empty."""
    yield from (sa.Column(name, kind, nullable=True) for name in names.split())


def table(name: str, key: str, *parts: sa.schema.SchemaItem) -> None:
    """Define a table and its primary key."""
    sa.Table(name, BASELINE, *parts, sa.PrimaryKeyConstraint(*key.split()))


table(
    "agreement_change",
    "agreement_id effective_at",
    *needed(sa.String, "agreement_id"),
    *needed(INSTANT, "effective_at"),
    *needed(sa.String, "digest"),
    *needed(sa.Text, "template_text agreement_text"),
    *needed(sa.String, "jurisdiction"),
    *optional(INSTANT, "applied_at"),
)
table("change_counter", "id", *needed(sa.Integer, "id last"))
table(
    "evidence",
    "id",
    *needed(sa.String, "id agreement_id student_id referral_id record_id fact"),
    *optional(sa.Boolean, "value"),
    *needed(sa.String, "element purpose recipient"),
    *needed(INSTANT, "valid_from valid_to recorded_at"),
    *optional(INSTANT, "superseded_at"),
    *needed(sa.String, "source source_id"),
    sa.Index(
        "ix_evidence_doubt",
        "student_id",
        "fact",
        "agreement_id",
        sqlite_where=DOUBT,
        postgresql_where=DOUBT,
    ),
    sa.Index("ix_evidence_fact", "student_id", "fact"),
)
table(
    "export_job",
    "id",
    *needed(sa.String, "id client_id organization types"),
    *optional(INSTANT, "since"),
    *needed(sa.String, "request_url"),
    *needed(INSTANT, "created_at transaction_time"),
    *needed(sa.Integer, "upto_change"),
    *needed(INSTANT, "expires_at"),
)
table(
    "held_row",
    "id",
    *needed(sa.String, "id custodian source file"),
    *needed(sa.Integer, "row"),
    *needed(sa.String, "source_key"),
    *needed(sa.Text, "reasons"),
    *needed(INSTANT, "held_at"),
    *optional(INSTANT, "released_at"),
    sa.UniqueConstraint("custodian", "source", "source_key"),
)
table(
    "identity_client",
    "client_id",
    *needed(sa.String, "party organization agreement role purposes"),
    *needed(sa.Text, "scopes"),
    *needed(sa.String, "client_id"),
    *optional(sa.Text, "jwks"),
    *optional(sa.String, "jwks_url"),
    *optional(INSTANT, "jwks_until"),
    *needed(sa.String, "status"),
    *needed(INSTANT, "registered_at"),
)
table(
    "identity_seen_assertion",
    "issuer jti_digest",
    *needed(sa.String, "issuer jti_digest"),
    *needed(INSTANT, "expires_at"),
    sa.Index("ix_identity_seen_assertion_expires_at", "expires_at"),
)
table(
    "identity_staff_code",
    "handle",
    *needed(sa.String, "party organization agreement role purposes"),
    *needed(sa.Text, "scopes"),
    *needed(sa.String, "handle digest"),
    *needed(sa.Integer, "attempts"),
    *optional(INSTANT, "used_at"),
    *needed(INSTANT, "expires_at"),
    sa.Index("ix_identity_staff_code_expires_at", "expires_at"),
)
table(
    "identity_staff_session",
    "digest",
    *needed(sa.String, "party organization agreement role purposes"),
    *needed(sa.Text, "scopes"),
    *needed(sa.String, "digest handle"),
    *needed(INSTANT, "seen_at expires_at"),
    sa.Index("ix_identity_staff_session_expires_at", "expires_at"),
)
table(
    "ledger_entry",
    "log position",
    *needed(sa.String, "log"),
    *needed(sa.BigInteger, "position"),
    *needed(INSTANT, "recorded_at"),
    *needed(sa.String, "kind request"),
    *optional(sa.String, "subject"),
    *optional(sa.LargeBinary, "body salt"),
    *needed(sa.LargeBinary, "leaf"),
    sa.Index("ix_ledger_entry_request", "request"),
    sa.Index("ix_ledger_entry_subject", "subject"),
)
table(
    "ledger_head",
    "log",
    *needed(sa.String, "log"),
    *needed(sa.BigInteger, "size"),
    *needed(sa.LargeBinary, "peaks root"),
    *optional(INSTANT, "recorded_at"),
)
table(
    "ledger_node",
    "log level position",
    *needed(sa.String, "log"),
    *needed(sa.Integer, "level"),
    *needed(sa.BigInteger, "position"),
    *needed(sa.LargeBinary, "hash"),
)
table(
    "organization",
    "key",
    *needed(sa.String, "key id role name"),
    *optional(sa.String, "parent"),
    sa.UniqueConstraint("id"),
)
table(
    "record",
    "type id",
    *needed(sa.String, "type id custodian sender_role audience agreement_id"),
    *optional(sa.String, "student_id referral_id"),
    *needed(sa.String, "element"),
    *needed(sa.Boolean, "third_party"),
    *needed(sa.String, "source_key content_digest"),
    *needed(sa.Integer, "version change"),
    *needed(INSTANT, "last_updated"),
    *needed(sa.Text, "body"),
    sa.UniqueConstraint("custodian", "type", "source_key"),
    sa.Index("ix_record_audience", "audience", "type"),
    sa.Index("ix_record_change", "change"),
    sa.Index("ix_record_last_updated", "last_updated"),
    sa.Index("ix_record_referral", "referral_id", "type"),
    sa.Index("ix_record_student_id", "student_id"),
)
table(
    "search_value",
    "type id param system value",
    *needed(sa.String, "type id param system value"),
    sa.Index("ix_search_value", "param", "value", "type"),
)
table(
    "table_documents",
    "digest",
    *needed(sa.String, "digest agreement_id"),
    *needed(sa.Text, "template_text agreement_text"),
    *needed(sa.String, "jurisdiction"),
    *needed(sa.Text, "law_bases"),
    *needed(sa.String, "lea provider"),
    *optional(sa.String, "hub"),
    *needed(INSTANT, "kept_at"),
    sa.Index("ix_table_documents_agreement_id", "agreement_id"),
)
table(
    "unanswered_request",
    "organization role kind record_id day",
    *needed(sa.String, "organization role kind record_id day purposes request"),
    *needed(INSTANT, "asked_at"),
    *needed(sa.String, "subject"),
    sa.Index("ix_unanswered_request_subject", "subject"),
)
table(
    "agreement",
    "id",
    *needed(sa.String, "id"),
    *needed(sa.Text, "template_text agreement_text"),
    *needed(sa.String, "jurisdiction lea provider"),
    *optional(sa.String, "hub"),
    *needed(INSTANT, "activated_at"),
    sa.ForeignKeyConstraint(["hub"], ["organization.key"]),
    sa.ForeignKeyConstraint(["lea"], ["organization.key"]),
    sa.ForeignKeyConstraint(["provider"], ["organization.key"]),
)
table(
    "identity_access_token",
    "digest",
    *needed(sa.String, "digest client_id"),
    *needed(sa.Text, "scopes"),
    *needed(INSTANT, "expires_at"),
    sa.ForeignKeyConstraint(["client_id"], ["identity_client.client_id"]),
    sa.Index("ix_identity_access_token_client_id", "client_id"),
    sa.Index("ix_identity_access_token_expires_at", "expires_at"),
)
table(
    "student",
    "id",
    *needed(sa.String, "id lea local_key"),
    *needed(sa.Date, "birth_date"),
    sa.ForeignKeyConstraint(["lea"], ["organization.key"]),
    sa.UniqueConstraint("lea", "local_key"),
)
table(
    "emergency",
    "id",
    *needed(sa.String, "id agreement_id student_id"),
    *needed(sa.Text, "threat"),
    *needed(sa.String, "to_whom elements declared_by"),
    *needed(INSTANT, "declared_at recorded_at ends_at review_due"),
    *optional(INSTANT, "reviewed_at"),
    *optional(sa.Boolean, "upheld"),
    *optional(INSTANT, "guardian_told_at"),
    sa.ForeignKeyConstraint(["student_id"], ["student.id"]),
    sa.Index("ix_emergency_student_id", "student_id"),
)
table(
    "guardian",
    "id",
    *needed(sa.String, "id student_id who relationship may_sign"),
    *needed(sa.Date, "first_day last_day"),
    *needed(sa.String, "source"),
    *needed(INSTANT, "recorded_at"),
    *optional(INSTANT, "superseded_at"),
    sa.ForeignKeyConstraint(["student_id"], ["student.id"]),
    sa.Index("ix_guardian_student_id", "student_id"),
)
table(
    "owed_duty",
    "id",
    *needed(sa.String, "id code agreement_id student_id recipient"),
    *needed(sa.Text, "sources covers"),
    *needed(INSTANT, "opened_at due_at"),
    *optional(INSTANT, "closed_at"),
    *needed(sa.String, "closed_by"),
    *needed(sa.Text, "reason"),
    sa.ForeignKeyConstraint(["student_id"], ["student.id"]),
    sa.Index("ix_owed_duty_due_at", "due_at"),
    sa.Index("ix_owed_duty_student_id", "student_id"),
)
table(
    "recall",
    "id",
    *needed(sa.String, "id agreement_id recipient student_id reason source_id"),
    *needed(sa.Text, "lines"),
    *needed(INSTANT, "drafted_at"),
    *optional(INSTANT, "sent_at read_at acknowledged_at"),
    sa.ForeignKeyConstraint(["student_id"], ["student.id"]),
    sa.Index("ix_recall_recipient", "recipient"),
)
table(
    "signed_release",
    "id",
    *needed(sa.String, "id student_id agreement_id"),
    *needed(sa.Text, "parts"),
    *needed(INSTANT, "recorded_at"),
    *optional(INSTANT, "revoked_at"),
    sa.ForeignKeyConstraint(["student_id"], ["student.id"]),
    sa.Index("ix_signed_release_student_id", "student_id"),
)
