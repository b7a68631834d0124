"""A map is tried out: files to FHIR resources in a folder, nothing stored."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from mappings.canonical import Referral
from mappings.fhir import DistrictSystems, ReferralContext, referral_resources
from mappings.fhir.errors import FhirError
from mappings.language import Held, Mapped, Run


@dataclass(frozen=True, slots=True)
class MapResult:
    """Resources written by type, and the rows held: file, row, reasons."""

    resources: dict[str, int]
    held: tuple[tuple[str, int, tuple[str, ...]], ...]


# A trial's identifiers are told to no one, so nothing needs to be kept secret from anyone.
_IDENTIFIERS = Identifiers("a trial run of a map, outside any deployment")


def map_files(run: Run, out: Path) -> MapResult:
    """Write what a run maps as NDJSON, one file a resource type.

    The folder must be new or empty; files appear under their names once they are whole.

    Raises:
        BridgeError: the folder holds something, or the map makes no referrals.
    """
    if out.exists() and any(out.iterdir()):
        raise BridgeError("the output folder is not empty; choose a new one")
    rows = iter(run)
    first = next(rows, None)  # a file that cannot be read is refused before anything is written
    out.mkdir(parents=True, exist_ok=True)
    resources: dict[str, int] = {}
    held: list[tuple[str, int, tuple[str, ...]]] = []
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for row in _chained(first, rows):
            if isinstance(row, Held):
                reasons = tuple(str(reason) for reason in row.reasons)
                held.append((row.origin.file, row.origin.row, reasons))
                continue
            for resource in _built(row):
                kind = str(resource["resourceType"])
                if kind not in files:
                    files[kind] = stack.enter_context((out / f"{kind}.ndjson.part").open("wb"))
                files[kind].write(orjson.dumps(resource) + b"\n")
                resources[kind] = resources.get(kind, 0) + 1
    for kind in resources:
        (out / f"{kind}.ndjson.part").replace(out / f"{kind}.ndjson")
    return MapResult(resources, tuple(held))


def _chained(first: Mapped | Held | None, rest: Iterator[Mapped | Held]) -> Iterator[Mapped | Held]:
    if first is not None:
        yield first
        yield from rest


def _built(row: Mapped) -> list[dict[str, Any]]:
    if not isinstance(row.record, Referral):
        raise BridgeError("only a map of kind referral can be tried out into resources")
    try:
        return referral_resources(row.record, _context(row.record.student.school))
    except FhirError as error:
        origin = row.record.origin
        raise BridgeError(f"{origin.file} row {origin.row}: {error}") from None


@cache
def _context(school: str | None) -> ReferralContext:
    """Return a context in which the row's school is known: a trial has no directory yet."""
    return ReferralContext(
        district_id=_IDENTIFIERS.issue("district"),
        provider_id=_IDENTIFIERS.issue("provider"),
        school_ids={school: _IDENTIFIERS.issue("school", school)} if school else {},
        id_for=_IDENTIFIERS.issue,
        recorded_at=datetime(2000, 1, 1, tzinfo=UTC),
        systems=DistrictSystems.of("trial", "state"),
    )
