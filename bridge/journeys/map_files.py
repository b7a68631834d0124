"""A map is tried out: files to FHIR resources in a folder, nothing stored."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from mappings.canonical import Referral
from mappings.fhir import DistrictSystems, ReferralContext
from mappings.fhir.errors import FhirError
from mappings.fhir.writing import Line, ReferralWriter
from mappings.language import Held, Mapped, Run


@dataclass(frozen=True, slots=True)
class MapResult:
    """Resources written by type, and the rows held: file, row, reasons."""

    resources: dict[str, int]
    held: tuple[tuple[str, int, tuple[str, ...]], ...]


# A trial's identifiers are told to no one, so nothing needs to be kept secret from anyone.
_IDENTIFIERS = Identifiers("a trial run of a map, outside any deployment")


class _AnySchool(dict[str, str]):
    """Knows every school by its code: a trial has no directory yet."""

    def __missing__(self, code: str) -> str:
        self[code] = school_id = _IDENTIFIERS.issue("school", code)
        return school_id


def map_files(run: Run, out: Path) -> MapResult:
    """Write what a run maps as NDJSON, one file a resource type; each shape is checked in full.

    The folder must be new or empty; files appear under their names once they are whole.

    Raises:
        BridgeError: the folder holds something, the map makes no referrals, or what is made of a
            row is not valid.
    """
    if out.exists() and any(out.iterdir()):
        raise BridgeError("the output folder is not empty; choose a new one")
    rows = iter(run)
    first = next(rows, None)  # a file that cannot be read is refused before anything is written
    out.mkdir(parents=True, exist_ok=True)
    resources: dict[str, int] = {}
    held: list[tuple[str, int, tuple[str, ...]]] = []
    writer = ReferralWriter(_trial_context())
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for row in _chained(first, rows):
            if isinstance(row, Held):
                reasons = tuple(str(reason) for reason in row.reasons)
                held.append((row.origin.file, row.origin.row, reasons))
                continue
            for kind, line in _written(writer, row):
                if kind not in files:
                    files[kind] = stack.enter_context((out / f"{kind}.ndjson.part").open("wb"))
                files[kind].write(line + b"\n")
                resources[kind] = resources.get(kind, 0) + 1
    for kind in resources:
        (out / f"{kind}.ndjson.part").replace(out / f"{kind}.ndjson")
    return MapResult(resources, tuple(held))


def _chained(first: Mapped | Held | None, rest: Iterator[Mapped | Held]) -> Iterator[Mapped | Held]:
    if first is not None:
        yield first
        yield from rest


def _written(writer: ReferralWriter, row: Mapped) -> list[Line]:
    if not isinstance(row.record, Referral):
        raise BridgeError("only a map of kind referral can be tried out into resources")
    try:
        return writer.lines(row.record)
    except FhirError as error:
        origin = row.record.origin
        raise BridgeError(f"{origin.file} row {origin.row}: {error}") from None


def _trial_context() -> ReferralContext:
    return ReferralContext(
        district_id=_IDENTIFIERS.issue("district"),
        provider_id=_IDENTIFIERS.issue("provider"),
        school_ids=_AnySchool(),
        id_for=_IDENTIFIERS.issue,
        recorded_at=datetime(2000, 1, 1, tzinfo=UTC),
        systems=DistrictSystems.of("trial", "state"),
    )
