"""Every table, whoever defines it: importing this module fills :data:`bridge.schema.metadata`."""

from bridge.identity import tables as identity_tables
from bridge.identity import version as identity_version  # triggers made with its tables
from bridge.ledger import halting as ledger_halting  # a trigger made with its tables
from bridge.ledger import tables as ledger_tables
from bridge.schema import metadata
from bridge.store import state_versions, tables
from bridge.store.facts import (
    agreement_changes,
    emergencies,
    families,
    guardians,
    openings,
    signatures,
    table_documents,
)
from bridge.store.partners import notification_tables, recalls, requests
from bridge.store.people import (
    close_outs,
    drafts,
    follow_owners,
    follow_tables,
    notes,
    owed_duties,
    page_looks,
    roster_entries,
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
    openings,
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
