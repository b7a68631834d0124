"""Know when a client's keys may be fetched again, and that who may act has changed.

Revision: r0003, after r0002.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"

_STANDING: Final = "status, party, organization, agreement, role, purposes, scopes"
_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION identity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1555158752);
  UPDATE identity_version SET version = version + 1 + floor(random() * 1000000);
  RETURN NULL;
END $$
"""
_CALL: Final = "FOR EACH STATEMENT EXECUTE FUNCTION identity_changed()"
_DO: Final = (
    "BEGIN UPDATE identity_version SET version = version + 1 + abs(random() / 9223372036855); END"
)
_TRIGGERS: Final = {
    "postgresql": (
        _FUNCTION,
        (
            f"CREATE TRIGGER identity_client_changed AFTER UPDATE OF {_STANDING} OR DELETE"
            f" ON identity_client {_CALL}"
        ),
        f"CREATE TRIGGER identity_token_changed AFTER UPDATE ON identity_access_token {_CALL}",
        (
            "CREATE TRIGGER identity_token_gone AFTER DELETE ON identity_access_token FOR EACH ROW"
            " WHEN (OLD.expires_at > now()) EXECUTE FUNCTION identity_changed()"
        ),
    ),
    "sqlite": (
        (
            f"CREATE TRIGGER identity_client_changed AFTER UPDATE OF {_STANDING}"
            f" ON identity_client {_DO}"
        ),
        f"CREATE TRIGGER identity_client_gone AFTER DELETE ON identity_client {_DO}",
        f"CREATE TRIGGER identity_token_changed AFTER UPDATE ON identity_access_token {_DO}",
        (
            "CREATE TRIGGER identity_token_gone AFTER DELETE ON identity_access_token"
            f" WHEN OLD.expires_at > datetime('now') {_DO}"
        ),
    ),
}


def upgrade() -> None:
    """Add the times of a client's keys, and the number with what counts it up."""
    with op.batch_alter_table("identity_client") as client:
        client.add_column(sa.Column("jwks_retry_at", sa.DateTime(timezone=True), nullable=True))
        client.add_column(sa.Column("jwks_reread_at", sa.DateTime(timezone=True), nullable=True))
    if sa.inspect(op.get_bind()).has_table("identity_version"):
        op.drop_table("identity_version")
    op.create_table(
        "identity_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_version"),
    )
    op.execute("INSERT INTO identity_version (id, version) VALUES (1, 1)")
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
