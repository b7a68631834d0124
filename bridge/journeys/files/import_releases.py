"""Signed forms from a CSV or Excel file in our own layout, one form a row.

The columns are data (``release-columns.csv``). Nothing is guessed: a row with a value that cannot
be read, or a student who is not on the roster, is held with its reasons; a form that reads but
lacks a part of the law's is filed, and sets no fact.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from bridge.errors import BridgeError
from bridge.journeys.families.register_release import Filed, file_release
from bridge.journeys.families.signing import NO_AUTHORITY
from bridge.parts import Parts
from consent.signed_release import SignedRelease
from mappings.readers.errors import SourceError
from mappings.readers.opening import SourceFormat, open_table
from mappings.readers.table import Cells, Table

_FORMATS = SourceFormat(("csv", "xlsx"))
Through = Callable[[Iterable[Cells]], Iterable[Cells]]
"""What rows go through on their way: it may show how many there were."""
_YES_NO = {"": False, "no": False, "yes": True}
_ANSWERS = ("signed", "refused", "pending")
# Whatever the row says, the register's own are used.
_UNKNOWN_YET = {"recorded_at": datetime.max.replace(tzinfo=UTC), "birth_date": date.max}


@dataclass(frozen=True, slots=True)
class HeldForm:
    """A row that waits for a person: where, and the headings with what to do; no value."""

    file: str
    row: int
    reasons: tuple[str, ...]


@dataclass
class ReleasesReport:
    """What became of the rows: ``read == filed + unchanged + held``.

    Attributes:
        incomplete: forms filed that meet the requirements of no law.
    """

    read: int = 0
    filed: int = 0
    unchanged: int = 0
    incomplete: int = 0
    held: list[HeldForm] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return the counts."""
        names = ("read", "filed", "unchanged", "incomplete")
        return {**{n: getattr(self, n) for n in names}, "held": len(self.held)}


@cache
def columns() -> dict[str, str]:
    """Return the headings of the layout and what each holds."""
    text = (
        files("bridge.journeys.files").joinpath("release-columns.csv").read_text(encoding="utf-8")
    )
    return {row["heading"]: row["field"] for row in csv.DictReader(io.StringIO(text))}


def import_releases(
    parts: Parts, parties: tuple[str, str], path: Path, through: Through = iter
) -> ReleasesReport:
    """File every form of one file; doing it again changes nothing.

    Args:
        parts: of the bridge.
        parties: the district and the provider.
        path: the file.
        through: what its rows go through.

    Raises:
        SourceError: the file cannot be read, or its headings are not the layout's.
    """
    table = open_table(path, _FORMATS)
    check_header(table, set(columns()))
    report = ReleasesReport()
    for number, cells in enumerate(through(table.rows), table.first_row):
        if any(cell.strip() for cell in cells):
            report.read += 1
            _file_row(parts, parties, (table, number, cells), report)
    return report


def check_header(table: Table, known: set[str]) -> None:
    """Check that a file has the headings of a layout of ours, each once.

    Raises:
        SourceError: one is missing, or there twice.
    """
    given = [heading.strip() for heading in table.header]
    if missing := sorted(known - set(given)):
        raise SourceError(table.file, "row 1", f"lacks the column {missing[0]}; use our layout")
    if len(set(given)) != len(given):
        raise SourceError(table.file, "row 1", "has one heading twice; keep one of them")


def _file_row(
    parts: Parts, parties: tuple[str, str], row: tuple[Table, int, Cells], report: ReleasesReport
) -> None:
    table, number, cells = row
    given = dict(zip((h.strip() for h in table.header), cells, strict=False))
    said = {field: given.get(heading, "").strip() for heading, field in columns().items()}
    reasons = list(_reasons(said))
    if not reasons:
        try:
            filed = file_release(parts, parties, said["student"], _form(said))
            reasons = [note for note in filed.notes if filed.new and note == NO_AUTHORITY]
            if not reasons:
                _count(report, filed)
        except BridgeError as error:
            reasons = [str(error)]
    if reasons:
        report.held.append(HeldForm(table.file, number, tuple(reasons)))


def _count(report: ReleasesReport, filed: Filed) -> None:
    if not filed.new:
        report.unchanged += 1
        return
    report.filed += 1
    report.incomplete += not filed.facts


def _reasons(said: dict[str, str]) -> Iterator[str]:
    headings = {field: heading for heading, field in columns().items()}
    if not said["student"]:
        yield f'column "{headings["student"]}": is empty'
    if said["answer"] not in _ANSWERS:
        yield f'column "{headings["answer"]}": write {", ".join(_ANSWERS)}'
    for name in ("signed_on", "expires_on"):
        if said[name] and day_of(said[name]) is None:
            yield f'column "{headings[name]}": write the day as YYYY-MM-DD'
    if said["minor_consented"].casefold() not in _YES_NO:
        yield f'column "{headings["minor_consented"]}": write yes or no'


def _form(said: dict[str, str]) -> SignedRelease:
    texts = (
        "signer",
        "signer_relationship",
        "cosigner_relationship",
        "recipient",
        "discloser",
        "referral",
    )
    lists = ("elements", "purposes", "statements")
    return SignedRelease(
        form=said["form"],
        answer=said["answer"],
        signed_on=day_of(said["signed_on"]),
        expires_on=day_of(said["expires_on"]),
        minor_consented=_YES_NO[said["minor_consented"].casefold()],
        **{name: said[name] or None for name in texts},  # type: ignore[arg-type] # parts by name
        **{name: tuple(sorted(said[name].split())) for name in lists},  # type: ignore[arg-type] # parts by name
        **_UNKNOWN_YET,  # type: ignore[arg-type] # parts by name
    )


def day_of(text: str) -> date | None:
    """Return a day, or None; a workbook's cell of a day reads as its midnight."""
    day, _, time = text.replace("T", " ").partition(" ")
    try:
        return date.fromisoformat(day) if time in ("", "00:00:00") and len(day) == 10 else None
    except ValueError:
        return None
