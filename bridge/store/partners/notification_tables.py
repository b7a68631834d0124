"""Tables of subscriptions, of the events that were numbered for them, and of mail digests.

INVARIANT: an event is a reference and a number, never content; what is sent is decided anew each
time. Instants are UTC, and real ones: a partner waits in real time.
"""

from datetime import datetime

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel


class SubscriptionRow(SQLModel, table=True):
    """One Subscription of one client.

    Attributes:
        scopes: those of the token it was last written with; never more than the client's own.
        topic: canonical of the SubscriptionTopic; ``kind`` is the type of resource it is about.
        criteria: its filters as they are searched with, JSON.
        body: the resource as it was sent, JSON, without what the server fills in.
        changed_through: the last change that was looked at for it.
        events: number of the last event; ``delivered`` of the last the receiver took.
        attempts: attempts that failed since the last that did not, the first at ``failing_since``.
        retry_at: not before this instant is it tried again.
        sent_at: when the receiver last took something.
        lease: who sends for it now, until ``leased_until``.
        problem: why the last attempt failed, of a closed list; never an address or an answer.
    """

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_status", "status", "retry_at"),)

    id: str = Field(primary_key=True)
    client_id: str = Field(index=True)
    organization: str
    scopes: str = Field(sa_column=Column(Text, nullable=False))
    status: str
    topic: str
    kind: str
    criteria: str = Field(sa_column=Column(Text, nullable=False))
    endpoint: str = Field(sa_column=Column(Text, nullable=False))
    host: str
    content: str
    heartbeat: int = 0
    timeout: int = 0
    most: int = 0
    ends_at: datetime | None = None
    body: str = Field(sa_column=Column(Text, nullable=False))
    version: int = 1
    created_at: datetime
    last_updated: datetime
    changed_through: int
    events: int = 0
    delivered: int = 0
    attempts: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    sent_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    problem: str = ""


class NotificationEventRow(SQLModel, table=True):
    """One numbered event: which record changed. Its type is the subscription's."""

    __tablename__ = "notification_event"

    subscription_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    record_id: str
    numbered_at: datetime


class DigestContactRow(SQLModel, table=True):
    """An address of a client's organisation that is told by mail that referrals wait.

    ``client_id`` is the registered client whose standing says what may be counted. ``refused`` is
    the reply code with which the address was refused for good: then nothing is sent any more.
    """

    __tablename__ = "digest_contact"

    client_id: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    hours: int
    next_at: datetime
    attempts: int = 0
    failing_since: datetime | None = None
    sent_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    refused: int = 0
