"""How a form was signed: the text that was approved, who was authenticated how, the paper itself.

A text is kept once, under its hash, and holds nothing about a person. What is kept of a signature
is sealed, so that a row changed by hand is noticed
(:mod:`bridge.journeys.families.check_signatures`).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, Text, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class FormTextRow(SQLModel, table=True):
    """One text of a form as it was issued; ``passings`` is what it asks leave for, as JSON."""

    __tablename__ = "form_text"

    digest: str = Field(primary_key=True)
    agreement_id: str
    kind: str
    lang: str
    version: str
    ends_on: date
    text: str = Field(sa_type=Text)
    passings: str = Field(sa_type=Text)
    issued_at: datetime


class SignatureRow(SQLModel, table=True):
    """How one form of the register was signed; ``body`` is canonical JSON, ``seal`` over all."""

    __tablename__ = "release_signature"

    release_id: str = Field(primary_key=True, foreign_key="signed_release.id")
    student_id: str = Field(index=True)
    method: str
    text_digest: str
    signed_at: datetime
    body: str = Field(sa_type=Text)
    seal: str


class UploadRow(SQLModel, table=True):
    """A paper as it was scanned; ``sealed`` opens under the deployment's secret alone."""

    __tablename__ = "form_upload"

    id: str = Field(primary_key=True)
    student_id: str = Field(index=True)
    media_type: str
    size: int
    sealed: str = Field(sa_type=Text)
    kept_at: datetime


class InvalidRow(SQLModel, table=True):
    """A form found not to be valid; one a person took back is not here (``revoked_at`` alone)."""

    __tablename__ = "invalid_release"

    release_id: str = Field(primary_key=True, foreign_key="signed_release.id")
    at: datetime
    by: str
    why: str


_TEXT: Final[Table] = table_of(FormTextRow)
_SIGNATURE: Final[Table] = table_of(SignatureRow)
_UPLOAD: Final[Table] = table_of(UploadRow)
_INVALID: Final[Table] = table_of(InvalidRow)
TABLES: Final = (_TEXT, _SIGNATURE, _UPLOAD, _INVALID)


@dataclass(frozen=True, slots=True)
class FormText:
    """One row of :class:`FormTextRow`."""

    digest: str
    agreement_id: str
    kind: str
    lang: str
    version: str
    ends_on: date
    text: str
    passings: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class KeptSignature:
    """One row of :class:`SignatureRow`."""

    release_id: str
    student_id: str
    method: str
    text_digest: str
    signed_at: datetime
    body: str = field(repr=False)
    seal: str


@dataclass(frozen=True, slots=True)
class Upload:
    """One row of :class:`UploadRow`."""

    id: str
    student_id: str
    media_type: str
    size: int
    sealed: str = field(repr=False)
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Invalid:
    """One row of :class:`InvalidRow`."""

    release_id: str
    at: datetime
    by: str
    why: str


def keep_text(connection: Connection, text: FormText) -> None:
    """Keep a text that is issued; the same text again changes nothing."""
    if text_of(connection, text.digest) is None:
        _insert(connection, _TEXT, text)


def text_of(connection: Connection, digest: str) -> FormText | None:
    """Return an issued text by its hash, or None."""
    found = connection.execute(select(_TEXT).where(_TEXT.c.digest == digest)).mappings()
    return next((FormText(**row) for row in found), None)


def keep_signature(connection: Connection, signature: KeptSignature) -> None:
    """Keep how a form was signed."""
    _insert(connection, _SIGNATURE, signature)


def signatures(
    connection: Connection, release_ids: Collection[str] | None = None
) -> dict[str, KeptSignature]:
    """Return how some forms were signed, or all; a form without a row came from elsewhere."""
    query = select(_SIGNATURE)
    if release_ids is not None:
        query = query.where(_SIGNATURE.c.release_id.in_(sorted(release_ids)))
    found = connection.execute(query.order_by(_SIGNATURE.c.release_id)).mappings()
    return {row["release_id"]: KeptSignature(**row) for row in found}


def keep_upload(connection: Connection, upload: Upload) -> None:
    """Keep a scanned paper; the same one again changes nothing."""
    if upload_of(connection, upload.id) is None:
        _insert(connection, _UPLOAD, upload)


def upload_of(connection: Connection, upload_id: str) -> Upload | None:
    """Return a scanned paper, or None."""
    found = connection.execute(select(_UPLOAD).where(_UPLOAD.c.id == upload_id)).mappings()
    return next((Upload(**row) for row in found), None)


def mark_invalid(connection: Connection, found: Invalid) -> None:
    """Keep that a form is not valid, once."""
    if not invalid(connection, [found.release_id]):
        _insert(connection, _INVALID, found)


def invalid(connection: Connection, release_ids: Collection[str]) -> dict[str, Invalid]:
    """Return those of some forms that were found not to be valid."""
    query = select(_INVALID).where(_INVALID.c.release_id.in_(sorted(release_ids)))
    return {row["release_id"]: Invalid(**row) for row in connection.execute(query).mappings()}


def _insert(connection: Connection, table: Table, row: Any) -> None:  # noqa: ANN401 - of ours
    connection.execute(insert(table), {name: getattr(row, name) for name in row.__slots__})
