"""Rows of a provider's answer files that were carried out: each is, once, however often it comes.

A row is kept as two keyed hashes: what it is known by, and all it says.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class TakenAnswerRow(SQLModel, table=True):
    """One row that was carried out."""

    __tablename__ = "taken_answer"

    key: str = Field(primary_key=True)
    content: str
    student_id: str = Field(index=True)
    taken_at: datetime


TAKEN: Final[Table] = table_of(TakenAnswerRow)


def taken_content(connection: Connection, key: str) -> str | None:
    """Return the hash of what a row said when it was carried out; None if it never was."""
    return connection.scalar(select(TAKEN.c.content).where(TAKEN.c.key == key))


def note_taken(
    connection: Connection, said: tuple[str, str], student_id: str, at: datetime
) -> None:
    """Keep that a row, given as its two hashes, was carried out."""
    key, content = said
    row = {"key": key, "content": content, "student_id": student_id, "taken_at": at}
    connection.execute(insert(TAKEN), row)
