"""Setting a deployment up: organisations, the agreement between them, what the state designated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import introduced
from bridge.gate.duties.carried import ABLE
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import (
    AgreementEntry,
    OrganizationEntry,
    agreements,
    organizations,
    put_agreement,
    put_organizations,
    written_alike,
)
from bridge.store.facts.agreement_changes import keep_first_day
from bridge.store.facts.evidence import NewEvidence, record_evidence
from bridge.store.facts.openings import look_at_agreements
from bridge.store.facts.table_documents import keep_documents
from bridge.store.intake import NewRecord, put_records, take_turn
from consent.calendar import start_of
from consent.law import load_law
from consent.mou import Agreement, read_agreement, read_template
from consent.table import compile_table
from mappings.fhir import location, organization

_KINDS = {
    "lea": organization.PartyKind.DISTRICT,
    "provider": organization.PartyKind.PROVIDER,
}
DESIGNATIONS = ("audit_eval_agreement", "state_mandate", "official_contract")


@dataclass(frozen=True, slots=True)
class AgreementDocuments:
    """The paper agreement as documents, and the short names of the parties that signed it."""

    template: bytes
    agreement: bytes
    jurisdiction: str
    lea: str
    provider: str
    hub: str | None


def activate_agreement(parts: Parts, documents: AgreementDocuments) -> str:
    """Read, check and compile an agreement and put it to use; returns its id.

    Organisations and sites named by the document become directory entries. Activating the same
    agreement again changes nothing.

    Raises:
        DocumentError: the documents do not hold together, with line and column.
        BridgeError: another agreement of the two parties is in use.
    """
    agreement, digest = _read(documents.template, documents.agreement, documents.jurisdiction)
    entries = []
    for role, key in (("lea", documents.lea), ("provider", documents.provider)):
        party = agreement.parties[role]
        entries.append(_entry(parts, role, key, party.name))
        for site in party.sites:
            site_key = f"{key}/{site}"
            name = site.replace("-", " ").title()
            entries.append(_entry(parts, role, site_key, name, parent=key))
    if documents.hub:
        entries.append(_entry(parts, "hub", documents.hub, agreement.parties["hub"].name))
    row = entry_of(parts, agreement.id, documents)
    with write(parts.engine) as connection:
        take_turn(connection)
        _only_one(connection, row)
        _own_name(connection, row, entries)
        with introduced(connection, parts):
            put_organizations(connection, entries)
            if put_agreement(connection, row):
                _keep_terms(connection, row, (agreement, digest))
            put_records(
                connection,
                directory_records(parts, entries),
                parts.clock.now(),
                renewable=("Organization", "Location"),
            )
    return agreement.id


def _keep_terms(connection: Connection, row: AgreementEntry, read: tuple[Agreement, str]) -> None:
    agreement, digest = read
    keep_documents(connection, digest, row, load_law(row.jurisdiction).bases_text)
    begins = start_of(agreement.effective.first, agreement.effective.tz)
    if begins > row.activated_at:
        keep_first_day(connection, digest, row, begins)


def _only_one(connection: Connection, row: AgreementEntry) -> None:
    """Refuse a second agreement of two parties: what comes in would go under either, unseen."""
    for used in agreements(connection):
        if (used.lea, used.provider) == (row.lea, row.provider) and used.id != row.id:
            raise BridgeError(
                f"these two have an agreement in use, {used.id}: amend it (party amend) to what "
                "the new one says, under its own id; open referrals then go on under it"
            )


def _own_name(
    connection: Connection, row: AgreementEntry, entries: Sequence[OrganizationEntry]
) -> None:
    """Refuse two providers of one name with one district: its people could not tell them apart."""
    name = next(each.name for each in entries if each.key == row.provider)
    known = organizations(connection)
    bound = {each.provider for each in agreements(connection) if each.lea == row.lea}
    name = known[row.provider].name if row.provider in known else name
    if any(written_alike(known[key].name, name) for key in bound - {row.provider}):
        raise BridgeError(
            "this district has an agreement with another provider of that name: write the names "
            "so that people can tell them apart"
        )


@lru_cache(maxsize=16)
def _read(template: bytes, agreement: bytes, jurisdiction: str) -> tuple[Agreement, str]:
    """Return an agreement as read, and the digest of its table; the same bytes are read once."""
    above = read_template(template, "template")
    read = read_agreement(agreement, "agreement", above)
    return read, compile_table(above, read, load_law(jurisdiction), ABLE).digest


def entry_of(parts: Parts, agreement_id: str, documents: AgreementDocuments) -> AgreementEntry:
    """Return an agreement as the directory keeps it, put to use now."""
    return AgreementEntry(
        id=agreement_id,
        template_text=documents.template.decode(),
        agreement_text=documents.agreement.decode(),
        jurisdiction=documents.jurisdiction,
        lea=documents.lea,
        provider=documents.provider,
        hub=documents.hub,
        activated_at=parts.clock.now(),
    )


def _entry(
    parts: Parts, role: str, key: str, name: str, parent: str | None = None
) -> OrganizationEntry:
    return OrganizationEntry(key, parts.identifiers.issue("organization", key), role, name, parent)


def directory_records(parts: Parts, entries: Sequence[OrganizationEntry]) -> list[NewRecord]:
    """Return a public Organization (and, for a school, a Location) for each entry."""
    by_key = {entry.key: entry for entry in entries}
    resources: list[tuple[OrganizationEntry, dict[str, object]]] = []
    for entry in entries:
        if entry.role not in _KINDS:
            continue  # the state hub receives coded rows and is referred to by none
        parent = by_key[entry.parent].id if entry.parent else None
        kind = _KINDS[entry.role] if entry.parent is None else organization.PartyKind.SCHOOL
        party = organization.Party(entry.id, kind, entry.name, part_of=parent)
        resources.append((entry, organization.build(party)))
        if parent and entry.role == "lea":
            place = parts.identifiers.issue("location", entry.key)
            resources.append((entry, location.build(place, entry.name, entry.id)))
    return [
        NewRecord(
            resource=resource,
            custodian=entry.parent or entry.key,
            sender_role=entry.role,
            audience="",
            agreement_id="",
            source_key=f"{entry.key}",
        )
        for entry, resource in resources
    ]


def designate(parts: Parts, agreement_id: str, fact: str) -> None:
    """Record that the state (or the agreement) designated something, from now on.

    ``audit_eval_agreement``: written designation for audit or evaluation (34 CFR 99.35);
    ``state_mandate``: a statute or rule requires the report; ``official_contract``: the provider is
    under a contract that meets the school-official test (34 CFR 99.31(a)(1)(i)(B)).

    Raises:
        BridgeError: that is not something to designate.
    """
    if fact not in DESIGNATIONS:
        raise BridgeError(f"{fact} is not one of: {', '.join(DESIGNATIONS)}")
    now = parts.clock.now()
    row = NewEvidence(
        id=parts.identifiers.issue("designation", agreement_id, fact),
        fact=fact,
        valid_from=now,
        recorded_at=now,
        source="designation",
        source_id=f"designation/{fact}",
        agreement_id=agreement_id,
    )
    with write(parts.engine) as connection:
        take_turn(connection)
        if record_evidence(connection, [row]):
            look_at_agreements(connection, [agreement_id], now)
