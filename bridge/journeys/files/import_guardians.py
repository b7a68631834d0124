"""Who may sign for which student, from a CSV or Excel file in our own layout, one authority a row.

The columns are data (``guardian-columns.csv``). A row with a value that cannot be read, or of a
student who is not on the roster, is held with its reasons.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from bridge.errors import BridgeError
from bridge.journeys.families.record_guardians import Guardian, add_guardian
from bridge.journeys.files.import_releases import HeldForm, Through, check_header, day_of
from bridge.parts import Parts
from mappings.readers.opening import SourceFormat, open_table

_FORMATS = SourceFormat(("csv", "xlsx"))


@dataclass
class GuardiansReport:
    """What became of the rows: ``read == entered + unchanged + held``."""

    read: int = 0
    entered: int = 0
    unchanged: int = 0
    held: list[HeldForm] = field(default_factory=list)


@cache
def guardian_columns() -> dict[str, str]:
    """Return the headings of the layout and what each holds."""
    text = (
        files("bridge.journeys.files").joinpath("guardian-columns.csv").read_text(encoding="utf-8")
    )
    return {row["heading"]: row["field"] for row in csv.DictReader(io.StringIO(text))}


def import_guardians(
    parts: Parts, lea: str, path: Path, through: Through = iter
) -> GuardiansReport:
    """Enter every authority of one file; doing it again changes nothing.

    Args:
        parts: of the bridge.
        lea: the district.
        path: the file.
        through: what its rows go through.

    Raises:
        SourceError: the file cannot be read, or its headings are not the layout's.
    """
    table = open_table(path, _FORMATS)
    check_header(table, set(guardian_columns()))
    headings = [heading.strip() for heading in table.header]
    report = GuardiansReport()
    for number, cells in enumerate(through(table.rows), table.first_row):
        if not any(cell.strip() for cell in cells):
            continue
        report.read += 1
        given = dict(zip(headings, cells, strict=False))
        said = {
            name: given.get(heading, "").strip() for heading, name in guardian_columns().items()
        }
        reasons = tuple(_reasons(said)) or _entered(parts, lea, said, report)
        if reasons:
            report.held.append(HeldForm(table.file, number, reasons))
    return report


def _entered(
    parts: Parts, lea: str, said: dict[str, str], report: GuardiansReport
) -> tuple[str, ...]:
    guardian = Guardian(
        name=said["name"],
        relationship=said["relationship"],
        may_sign=tuple(sorted(said["may_sign"].split())),
        first_day=day_of(said["first_day"]) or date.min,
        source=said["source"],
        last_day=day_of(said["last_day"]) or date.max,
    )
    try:
        _, new = add_guardian(parts, lea, said["student"], guardian)
    except BridgeError as error:
        return (str(error),)
    report.entered += new
    report.unchanged += not new
    return ()


def _reasons(said: dict[str, str]) -> Iterator[str]:
    headings = {name: heading for heading, name in guardian_columns().items()}
    for name in ("student", "name", "first_day", "source"):
        if not said[name]:
            yield f'column "{headings[name]}": is empty'
    for name in ("first_day", "last_day"):
        if said[name] and day_of(said[name]) is None:
            yield f'column "{headings[name]}": write the day as YYYY-MM-DD'
