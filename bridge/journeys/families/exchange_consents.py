"""Forms to and from other consent services as FHIR Consent, one resource a line (NDJSON).

A Consent names its student by the register's own id (``Patient/ID``), as the export writes it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from bridge.errors import BridgeError
from bridge.gate.accounts.consents import release_consents
from bridge.journeys.families.register_release import file_release
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import student_of_key, students_of
from consent.signed_release import SignedRelease
from mappings.fhir.consent_exchange import ExchangedForm, Lost, parse
from mappings.fhir.errors import ParseError

_MOST_BYTES = 20_000_000


@dataclass
class ConsentsReport:
    """What became of the forms: ``read == filed + unchanged`` plus the lines held."""

    read: int = 0
    filed: int = 0
    unchanged: int = 0
    held: list[tuple[int, str]] = field(default_factory=list)


def export_consents(
    parts: Parts, lea: str, local_id: str, out: Path
) -> tuple[int, tuple[Lost, ...]]:
    """Write a student's forms as NDJSON; returns how many, and what does not survive.

    Raises:
        BridgeError: the district has no such student.
    """
    with write(parts.engine) as connection:
        student = student_of_key(connection, lea, local_id)
        if student is None:
            raise BridgeError(f"{lea} has no student of that number; import the roster first")
        released, missing = release_consents(connection, parts, student)
    out.write_bytes(b"".join(one.body + b"\n" for one in released.matches))
    return len(released.matches), missing


def import_consents(
    parts: Parts,
    parties: tuple[str, str],
    path: Path,
    through: Callable[[Iterable[bytes]], Iterable[bytes]] = iter,
) -> ConsentsReport:
    """File every form of an NDJSON file of Consents; doing it again changes nothing.

    A line that is not understood is held with its reason. One that was revoked elsewhere is held
    too: R4 does not say when, so the office revokes it here.

    Args:
        parts: of the bridge.
        parties: the district and the provider.
        path: the file.
        through: what its lines go through: it may show how many there were.

    Raises:
        BridgeError: the file cannot be read.
    """
    report = ConsentsReport()
    with read(parts.engine) as connection:
        known = {entry.id: local for local, entry in students_of(connection, parties[0]).items()}
    for number, line in enumerate(through(_lines(path)), 1):
        try:
            local_id, forms = _read(line, known)
            for form in forms:
                filed = file_release(parts, parties, local_id, _signed(form))
                report.read += 1
                report.filed += filed.new
                report.unchanged += not filed.new
        except (ParseError, BridgeError) as error:
            report.held.append((number, str(error)))
    return report


def _lines(path: Path) -> Iterator[bytes]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BridgeError(f"{path.name}: is larger than {_MOST_BYTES:,} bytes")
        data = path.read_bytes()
    except OSError:
        raise BridgeError(f"{path.name}: cannot be opened") from None
    return (line for line in data.splitlines() if line.strip())


def _read(line: bytes, known: dict[str, str]) -> tuple[str, tuple[ExchangedForm, ...]]:
    try:
        consent: Any = orjson.loads(line)
        kind, link = consent["resourceType"], consent["patient"]["reference"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise BridgeError("is no Consent of one patient") from None
    if kind != "Consent":
        raise BridgeError("is no Consent of one patient")
    local_id = known.get(str(link).removeprefix("Patient/"))
    if local_id is None:
        raise BridgeError("Consent.patient: is nobody on the roster")
    forms = parse(consent)
    if any(form.revoked for form in forms):
        raise BridgeError("Consent.status: was revoked elsewhere; revoke it here by hand")
    return local_id, forms


def _signed(form: ExchangedForm) -> SignedRelease:
    first, second = (*form.signers, ("", ""), ("", ""))[:2]
    return SignedRelease(
        form=form.form,
        answer=form.answer,
        recorded_at=datetime.max.replace(tzinfo=UTC),  # the register's own is used
        birth_date=date.max,
        signer=first[1] or None,
        signer_relationship=first[0] or None,
        cosigner_relationship=second[0] or None,
        signed_on=form.signed_on,
        expires_on=form.expires_on,
        elements=form.elements,
        purposes=form.purposes,
        recipient=form.recipient,
        discloser=form.discloser,
        statements=form.statements,
    )
