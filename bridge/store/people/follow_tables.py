"""Tables of how referrals stand for a viewer: :mod:`bridge.store.people.follow_lines`."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, String, Text, text
from sqlmodel import Field, SQLModel

PAGED: Final = (
    *("signature", "unanswered", "unanswered_long", "no_show", "wait_list", "expiring"),
    "no_owner",
)
ORDER: Final = ("rest", "since", "number")
# Sorted by its bytes on either database, as Python sorts.
_BYTES: Final = String().with_variant(String(collation="C"), "postgresql")


class FollowHeadRow(SQLModel, table=True):
    """What holds for all lines of one viewer.

    Attributes:
        whose: party, organisation, role and purposes of the viewer.
        basis: digest of what holds for every line alike; another digest, and all are made anew.
        seen: number of the last change that was looked at.
        at, until: when they were last brought up to date; when something about anybody changes.
        counts: how many lines are in each choice of rows, as JSON; "" where a student was erased
            since, and they are to be counted.
    """

    __tablename__ = "follow_head"

    whose: str = Field(primary_key=True)
    basis: str
    seen: int = 0
    at: datetime
    until: datetime
    counts: str = Field(sa_type=Text)


class FollowLineRow(SQLModel, table=True):
    """Where one referral stands for one viewer.

    Attributes:
        key: what stands for it in addresses.
        until: when something about it changes by itself.
        rest: 0 where somebody has something to do, 1 where not.
        since: the day from which it is sorted by.
        number: the school's number of the referral, and the provider it went to.
        sent_on, status_on: days as they are told.
        stage: how it is open (:data:`bridge.gate.people.places.STAGES`); "" where it is not.
        owner: handle of who of the school follows up; "" for nobody, or where it is over.
    """

    __tablename__ = "follow_line"
    __table_args__ = (
        Index("ix_follow_line_all", "whose", *ORDER),
        *(
            Index(f"ix_follow_line_{name}", "whose", *ORDER, sqlite_where=text(name),
                  postgresql_where=text(name))
            for name in PAGED
        ),
        Index("ix_follow_line_stage", "whose", "stage", *ORDER),
        Index("ix_follow_line_owner", "whose", "owner", *ORDER),
        Index("ix_follow_line_key", "whose", "key"),
        Index("ix_follow_line_until", "whose", "until"),
        Index("ix_follow_line_sent_on", "whose", "sent_on"),
        # With what a meeting asks and its order: in a busy week a third of a district is told of.
        Index("ix_follow_line_status_on", "whose", "status_on", "sent_on", *ORDER),
        # With the viewer: by one alone a database without statistics reads all of the other.
        Index("ix_follow_line_student", "student_id", "whose"),
    )  # fmt: skip

    whose: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    student_id: str
    key: str
    until: datetime
    rest: int
    since: str
    number: str = Field(sa_type=_BYTES)
    status: str
    sent_on: str
    status_on: str
    stage: str
    signature: bool = False
    unanswered: bool = False
    unanswered_long: bool = False
    no_show: bool = False
    wait_list: bool = False
    expiring: bool = False
    owner: str = Field(default="", sa_column_kwargs={"server_default": ""})
    no_owner: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})


class FollowDueRow(SQLModel, table=True):
    """A student whose lines are to be made anew."""

    __tablename__ = "follow_due"

    whose: str = Field(primary_key=True, foreign_key="follow_head.whose")
    student_id: str = Field(primary_key=True)
