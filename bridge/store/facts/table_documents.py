"""The documents behind every decision table that was ever in use, by the table's digest.

A ledger entry names the table it was decided by. An agreement may be amended the next day; what it
said before stays here, so that any decision can be taken again from the ledger alone.
"""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, Text, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of
from bridge.store.directory import AgreementEntry


class TableDocumentsRow(SQLModel, table=True):
    """The texts one decision table was compiled from. Never changed, never deleted."""

    __tablename__ = "table_documents"

    digest: str = Field(primary_key=True)
    agreement_id: str = Field(index=True)
    template_text: str = Field(sa_column=Column(Text, nullable=False))
    agreement_text: str = Field(sa_column=Column(Text, nullable=False))
    jurisdiction: str
    law_bases: str = Field(sa_column=Column(Text, nullable=False))
    lea: str
    provider: str
    hub: str | None = None
    kept_at: datetime


_DOCUMENTS: Table = table_of(TableDocumentsRow)
_SAME = ("template_text", "agreement_text", "jurisdiction", "lea", "provider", "hub")


def keep_documents(
    connection: Connection, digest: str, entry: AgreementEntry, law_bases: str
) -> None:
    """Keep the documents of a table, and the law's bases, under its digest.

    A digest already kept is left alone.
    """
    there = select(_DOCUMENTS.c.digest).where(_DOCUMENTS.c.digest == digest)
    if connection.execute(there).one_or_none() is None:
        texts = {name: getattr(entry, name) for name in _SAME}
        row = {"digest": digest, "agreement_id": entry.id, "kept_at": entry.activated_at}
        connection.execute(insert(_DOCUMENTS), {**row, **texts, "law_bases": law_bases})


def documents_of(connection: Connection, digest: str) -> tuple[AgreementEntry, str] | None:
    """Return the documents of a table and the law's bases, as they were; None if never kept."""
    query = select(_DOCUMENTS).where(_DOCUMENTS.c.digest == digest)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    texts = {name: row[name] for name in _SAME}
    entry = AgreementEntry(id=row["agreement_id"], activated_at=row["kept_at"], **texts)
    return entry, row["law_bases"]


def digest_of(connection: Connection, entry: AgreementEntry) -> str:
    """Return the digest of the table an agreement's documents are kept under; "" if never kept."""
    row = _DOCUMENTS.c
    same = [row[name] == getattr(entry, name) for name in ("template_text", "agreement_text")]
    kept = select(row.digest).where(row.agreement_id == entry.id, *same)
    return str(connection.execute(kept.order_by(row.kept_at.desc())).scalars().first() or "")
