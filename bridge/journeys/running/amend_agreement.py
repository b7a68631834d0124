"""Other documents take the place of an agreement's, on their day, with what they open in view.

The documents are the whole agreement as it will read. Until the first instant of their first day,
in the district's zone, the earlier ones decide; they are kept under their table's digest, so that
every decision they took can be taken again.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate.duties.carried import ABLE
from bridge.journeys.running.set_up import AgreementDocuments, entry_of
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind, Terms
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import AgreementEntry, agreements
from bridge.store.facts.agreement_changes import keep_change, take_effect
from bridge.store.facts.table_documents import keep_documents
from consent.calendar import start_of
from consent.joint import asks_all
from consent.law import load_law
from consent.mou import Agreement, Bound, Template, read_agreement, read_bound, read_template
from consent.surface import Difference, compare, surfaces_of
from consent.surface.telling import told
from consent.table import compile_table


@dataclass(frozen=True, slots=True)
class Amended:
    """What an amendment comes to.

    Attributes:
        digest: of the new table.
        effective_at: when it takes the earlier one's place.
        new: False where the same was amended before.
    """

    digest: str
    effective_at: datetime
    new: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an amendment would open and close: how many cells, and each change in one line."""

    opened: int
    closed: int
    lines: tuple[str, ...]


def amend_agreement(parts: Parts, documents: AgreementDocuments) -> Amended:
    """Put other documents in the place of an agreement in use, from their first day on.

    Amending to the same documents again changes nothing.

    Raises:
        DocumentError: the documents do not hold together, with line and column.
        BridgeError: no agreement of this id is in use, its parties are others, or it counts
            signatures or sessions otherwise.
    """
    template = read_template(documents.template, "template")
    agreement = read_agreement(documents.agreement, "agreement", template)
    law = load_law(documents.jurisdiction)
    table = compile_table(template, agreement, law, ABLE)
    with write(parts.engine) as connection:
        now = parts.clock.now()
        take_effect(connection, now)
        used = _used(connection, agreement.id)
        _check_parties(used, documents)
        _check_counted(used, template)
        row = replace(entry_of(parts, agreement.id, documents), activated_at=now)
        begins = start_of(agreement.effective.first, agreement.effective.tz)
        effective_at = max(now, begins)
        new = keep_change(connection, table.digest, row, effective_at)
        if new:
            keep_documents(connection, table.digest, row, law.bases_text)
            append(connection, [_entry(agreement, table.digest, effective_at)], parts.clock)
        take_effect(connection, now)
    return Amended(table.digest, effective_at, new)


def preview_amendment(parts: Parts, documents: AgreementDocuments) -> Preview:
    """Compare what an agreement in use releases with what it would release as amended.

    Raises:
        DocumentError: the documents do not hold together, with line and column.
        BridgeError: no agreement of this id is in use.
    """
    after = _bound(documents.agreement, documents.template)
    with read(parts.engine) as connection:
        used = _used(connection, after.id)
    before = _bound(used.agreement_text.encode(), used.template_text.encode())
    difference: Difference = compare(surfaces_of(before)[0], surfaces_of(after)[0])
    lines = tuple(told(difference, before, after))
    return Preview(difference.opened, difference.closed, lines)


def _bound(agreement: bytes, template: bytes) -> Bound:
    return read_bound(agreement, "agreement", lambda _: template)


def _used(connection: Connection, agreement_id: str) -> AgreementEntry:
    used = next((a for a in agreements(connection) if a.id == agreement_id), None)
    if used is None:
        raise BridgeError(f"no agreement {agreement_id} is in use; put it to use with party add")
    return used


def _check_parties(used: AgreementEntry, documents: AgreementDocuments) -> None:
    given = (documents.lea, documents.provider, documents.hub)
    if given != (used.lea, used.provider, used.hub):
        raise BridgeError("an amendment keeps the parties; new parties sign a new agreement")


def _check_counted(used: AgreementEntry, template: Template) -> None:
    """Refuse what would leave facts standing that were counted by other terms."""
    before = read_template(used.template_text.encode(), "template")
    if asks_all(before) != asks_all(template):
        raise BridgeError(
            "an amendment keeps who must sign (consent_conflict.guardians_disagree); "
            "sign a new agreement for it"
        )
    limits = {t.settings.minor_consent.session_limit for t in (before, template)}
    if len(limits) > 1 or before.jurisdiction != template.jurisdiction:
        raise BridgeError(
            "an amendment keeps the law and minor_consent.session_limit; "
            "sign a new agreement for another"
        )


def _entry(agreement: Agreement, digest: str, effective_at: datetime) -> Entry:
    """Return the ledger's line: from when on which table decides."""
    return Entry(
        log=agreement.id,
        kind=Kind.AGREEMENT,
        purpose="amended",
        terms=Terms(agreement.id, agreement.version, digest),
        asked_at=effective_at,
    )
