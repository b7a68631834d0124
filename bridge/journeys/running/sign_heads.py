"""Signing what the ledger is now, and making what others check by it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bridge.ledger.append import head, logs
from bridge.ledger.countersigning import extension
from bridge.ledger.entry import RELEASING, Receipt
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, UnknownEntry
from bridge.ledger.halting import KnownHead, begins_with, halted_logs
from bridge.ledger.lookup import recorded
from bridge.ledger.notes import Signer, sign_head
from bridge.ledger.proofs import (
    consistency_proof,
    export_lines,
    receipt_document,
    sealed_document,
)
from bridge.ledger.verifier import Checkpoint, Refused, check_receipt, open_note
from bridge.ledger.witness import keep_longest


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps the ledger, and signs its heads.

    Attributes:
        connection: a reading transaction: a head and what is proved by it are of one state.
        signer: the deployment's.
        heads_file: the heads kept outside of the database.
    """

    connection: Connection
    signer: Signer
    heads_file: Path

    def logs(self) -> list[str]:
        """Return the names of all logs."""
        return logs(self.connection)

    def sign(self, log: str) -> tuple[str, Checkpoint]:
        """Return the head of a log as a signed note, and opened; the heads file has it first.

        Raises:
            UnknownEntry: there is no such log.
            LedgerHalted: it is not what others know it to be: two versions of it would be signed.
            LedgerDamaged: its hashes do not lead to its head.
        """
        if log not in logs(self.connection):
            raise UnknownEntry("there is no such log")
        if log in {each.log for each in halted_logs(self.connection)}:
            raise LedgerHalted(f"{log} is halted; no head of it is signed")
        stands = head(self.connection, log)
        known = KnownHead(stands.size, stands.root)
        if not begins_with(self.connection, log, known):
            raise LedgerDamaged(f"{log}: its hashes do not lead to its head")
        keep_longest(self.heads_file, {log: known})
        note = sign_head(stands, self.signer)
        return note, open_note(note, [self.signer.vkey])

    def extend(self, log: str, since: int) -> str:
        """Return a signed head with the proof that it extends an earlier one.

        Raises:
            UnknownEntry: the log never had that size.
            LedgerHalted, LedgerDamaged: as :meth:`sign` says.
        """
        note, signed = self.sign(log)
        return extension(note, since, consistency_proof(self.connection, log, since, signed.size))

    def receipt(self, receipt: Receipt, *, opened: bool) -> dict[str, Any]:
        """Return the receipt of what left: sealed, or opened for who may see all it says.

        Raises:
            UnknownEntry: nothing left by that entry, there is none, or it was erased.
            LedgerHalted, LedgerDamaged: as :meth:`sign` says; or the receipt would not hold.
        """
        if recorded(self.connection, receipt).entry.kind not in RELEASING:
            raise UnknownEntry(f"{receipt}: nothing left by it")
        made = receipt_document if opened else sealed_document
        document = made(self.connection, receipt, *self.sign(receipt.log))
        try:
            check_receipt(document, [self.signer.vkey])
        except Refused as reason:
            raise LedgerDamaged(f"{receipt}: {reason}") from None
        return document

    def export(self, log: str) -> tuple[str, Iterator[str]]:
        """Return the signed head of a log and every entry as a line, for an auditor.

        Raises:
            UnknownEntry, LedgerHalted, LedgerDamaged: as :meth:`sign` says.
        """
        note, _ = self.sign(log)
        return note, (json.dumps(line) for line in export_lines(self.connection, log))
