"""Identity's tables. Secrets are never in them, only their SHA-256 digests."""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Table, Text
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class StandingColumns(SQLModel):
    """The columns of a :class:`bridge.identity.model.Standing`."""

    party: str
    organization: str
    agreement: str
    role: str
    purposes: str
    scopes: str = Field(sa_type=Text)


class ClientRow(StandingColumns, table=True):
    """A registered client.

    Of keys fetched from ``jwks_url``: ``jwks_until`` is when they are stale, ``jwks_retry_at`` when
    a fetch that failed may be tried again, ``jwks_reread_at`` when a kid they do not have may cause
    the next one.
    """

    __tablename__ = "identity_client"

    client_id: str = Field(primary_key=True)
    jwks: str | None = Field(default=None, sa_type=Text)
    jwks_url: str | None = None
    jwks_until: datetime | None = None
    jwks_retry_at: datetime | None = None
    jwks_reread_at: datetime | None = None
    status: str
    registered_at: datetime


class SeenAssertionRow(SQLModel, table=True):
    """An assertion that was used. INVARIANT: one row per issuer and jti, kept past its expiry."""

    __tablename__ = "identity_seen_assertion"

    issuer: str = Field(primary_key=True)
    jti_digest: str = Field(primary_key=True)
    expires_at: datetime = Field(index=True)


class AccessTokenRow(SQLModel, table=True):
    """An access token that was handed out."""

    __tablename__ = "identity_access_token"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="identity_client.client_id", index=True)
    scopes: str = Field(sa_type=Text)
    expires_at: datetime = Field(index=True)


class StaffCodeRow(StandingColumns, table=True):
    """A sign-in code. The handle finds it and is no secret; the rest of the code is."""

    __tablename__ = "identity_staff_code"

    handle: str = Field(primary_key=True)
    digest: str
    attempts: int = 0
    used_at: datetime | None = None
    expires_at: datetime = Field(index=True)


class StaffSessionRow(StandingColumns, table=True):
    """A session of the status board."""

    __tablename__ = "identity_staff_session"

    digest: str = Field(primary_key=True)
    handle: str
    seen_at: datetime
    expires_at: datetime = Field(index=True)


class VersionRow(SQLModel, table=True):
    """One row, whose number grows with every change of who may act (see ``version``)."""

    __tablename__ = "identity_version"

    id: int = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)


CLIENT: Final[Table] = table_of(ClientRow)
SEEN: Final[Table] = table_of(SeenAssertionRow)
TOKEN: Final[Table] = table_of(AccessTokenRow)
CODE: Final[Table] = table_of(StaffCodeRow)
SESSION: Final[Table] = table_of(StaffSessionRow)
VERSION: Final[Table] = table_of(VersionRow)
