"""The ledger's tables. Rows are added; only an erasure by law ever changes one.

``log``, ``position`` and the columns to search by repeat what the body says; the check compares.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Index, Table, text
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class LedgerEntryRow(SQLModel, table=True):
    """One entry. Body and salt are gone after an erasure; the leaf stays, so the tree holds.

    ``repeats_from``, ``repeats_to``: of an entry that repeats earlier ones, the first and the last
    of them; all between are among them.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index(
            "ix_ledger_entry_repeats",
            *("log", "repeats_from", "repeats_to"),
            # Few entries repeat others: the rest pay nothing for it.
            sqlite_where=text("repeats_from IS NOT NULL"),
            postgresql_where=text("repeats_from IS NOT NULL"),
        ),
        Index(
            "ix_ledger_entry_subject",
            "subject",
            # What repeats others is of nobody.
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
        Index(
            "ix_ledger_entry_listing",
            *("log", "position"),
            sqlite_where=text("kind = 'releases'"),
            postgresql_where=text("kind = 'releases'"),
        ),
    )

    log: str = Field(primary_key=True)
    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    recorded_at: datetime
    kind: str
    request: str = Field(index=True)
    subject: str | None = None
    body: bytes | None
    salt: bytes | None
    leaf: bytes
    repeats_from: int | None = Field(default=None, sa_type=BigInteger)
    repeats_to: int | None = Field(default=None, sa_type=BigInteger)


class LedgerHeadRow(SQLModel, table=True):
    """How far a log has grown. Locked by whoever appends.

    ``halted``: it is not what others know it to be, the longest of which is ``known_size`` entries
    with the root ``known_root`` (see :mod:`bridge.ledger.halting`). ``last_erasure``: the index of
    the last entry by which others were erased; None if none ever was.
    """

    __tablename__ = "ledger_head"

    log: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    peaks: bytes
    root: bytes
    recorded_at: datetime | None = None
    halted: bool = False
    known_size: int | None = Field(default=None, sa_type=BigInteger)
    known_root: bytes | None = None
    last_erasure: int | None = Field(default=None, sa_type=BigInteger)


class LedgerNodeRow(SQLModel, table=True):
    """A kept inner node (see :mod:`bridge.ledger.merkle`)."""

    __tablename__ = "ledger_node"

    log: str = Field(primary_key=True)
    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    hash: bytes


class LedgerBlockRow(SQLModel, table=True):
    """Some of the releases that an entry lists (see :mod:`bridge.ledger.blocks`).

    ``last`` is the greatest of the persons they are about, in UTF-8: each is in the first block of
    the entry that reaches it. Empty where all there were have been erased.
    """

    __tablename__ = "ledger_block"

    log: str = Field(primary_key=True)
    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    # Bytes: no language's rules of sorting, in which a dash may count for nothing.
    last: bytes = Field(primary_key=True)
    block: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    body: bytes


ENTRY: Final[Table] = table_of(LedgerEntryRow)
BLOCK: Final[Table] = table_of(LedgerBlockRow)
HEAD: Final[Table] = table_of(LedgerHeadRow)
NODE: Final[Table] = table_of(LedgerNodeRow)
