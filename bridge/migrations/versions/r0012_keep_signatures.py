"""How forms were signed, how families are reached, and what they were asked and said.

Revision: r0012, after r0011.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"


def upgrade() -> None:
    """Make the tables; forms on file have no signature record."""
    _texts_and_papers()
    _signatures()
    _contacts_and_words()
    _requests()
    of_student = (
        *("family_contact", "form_upload", "release_signature"),
        *("signing_request", "verbal_permission"),
    )
    for table in of_student:
        op.create_index(f"ix_{table}_student_id", table, ["student_id"])


def _texts_and_papers() -> None:
    op.create_table(
        "form_text",
        _word("digest"),
        *(_word(name) for name in ("agreement_id", "kind", "lang", "version")),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("passings", sa.Text(), nullable=False),
        _instant("issued_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_form_text"),
    )
    op.create_table(
        "form_upload",
        *(_word(name) for name in ("id", "student_id", "media_type")),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        _instant("kept_at"),
        sa.PrimaryKeyConstraint("id", name="pk_form_upload"),
    )


def _signatures() -> None:
    op.create_table(
        "release_signature",
        *(_word(name) for name in ("release_id", "student_id", "method", "text_digest")),
        _instant("signed_at"),
        sa.Column("body", sa.Text(), nullable=False),
        _word("seal"),
        _of_a_form("release_signature"),
        sa.PrimaryKeyConstraint("release_id", name="pk_release_signature"),
    )
    op.create_table(
        "invalid_release",
        _word("release_id"),
        _instant("at"),
        _word("by"),
        _word("why"),
        _of_a_form("invalid_release"),
        sa.PrimaryKeyConstraint("release_id", name="pk_invalid_release"),
    )


def _contacts_and_words() -> None:
    op.create_table(
        "family_contact",
        *(_word(name) for name in ("id", "student_id", "channel")),
        sa.Column("sealed", sa.Text(), nullable=False),
        _word("lang"),
        _instant("recorded_at"),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_family_contact"),
    )
    op.create_table(
        "verbal_permission",
        *(_word(name) for name in ("id", "student_id", "agreement_id")),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        _instant("recorded_at"),
        sa.PrimaryKeyConstraint("id", name="pk_verbal_permission"),
    )


def _requests() -> None:
    named = ("handle", "factor", "contact_id", "student_id", "agreement_id", "text_digest")
    op.create_table(
        "signing_request",
        *(_word(name) for name in named),
        sa.Column("sealed", sa.Text(), nullable=False),
        _instant("made_at"),
        _instant("expires_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        _instant("next_at", nullable=True),
        _word("lease"),
        _instant("leased_until", nullable=True),
        _instant("ended_at", nullable=True),
        _word("ended"),
        sa.PrimaryKeyConstraint("handle", name="pk_signing_request"),
    )


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_a_form(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["release_id"], ["signed_release.id"], name=f"fk_{table}_release_id_signed_release"
    )
