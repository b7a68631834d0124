"""Every table, whoever defines it: importing this module fills :data:`bridge.schema.metadata`."""

from bridge.identity import tables as identity_tables
from bridge.identity import version as identity_version  # triggers made with its tables
from bridge.ledger import halting as ledger_halting  # a trigger made with its tables
from bridge.ledger import tables as ledger_tables
from bridge.schema import metadata
from bridge.store import (
    agreement_changes,
    close_outs,
    drafts,
    emergencies,
    families,
    follow_owners,
    follow_tables,
    guardians,
    notes,
    notification_tables,
    owed_duties,
    page_looks,
    recalls,
    requests,
    roster_entries,
    signatures,
    state_versions,
    table_documents,
    tables,
    taken_answers,
)

__all__ = ["TABLE_MODULES", "metadata"]

TABLE_MODULES = (
    tables,
    agreement_changes,
    close_outs,
    drafts,
    emergencies,
    families,
    follow_owners,
    follow_tables,
    guardians,
    notes,
    notification_tables,
    owed_duties,
    page_looks,
    recalls,
    requests,
    roster_entries,
    signatures,
    state_versions,
    table_documents,
    taken_answers,
    ledger_tables,
    ledger_halting,
    identity_tables,
    identity_version,
)
