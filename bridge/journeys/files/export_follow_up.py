"""The operator writes a school's follow-up to a file."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

from bridge.gate import FollowUp, Gate, ReleasedFollowUps
from bridge.identity import Caller, Party, Standing
from bridge.journeys.files.write_columns import csv_text
from mappings.language.text_workbook import cell_fits, workbook_parts

COLUMNS = ("referral", "student", "school", "sent_on", "status", "status_on", "provider", "terms")
PURPOSES = ("follow",)


class HasGate(Protocol):
    """Anything that has a gate."""

    @property
    def gate(self) -> Gate:
        """The gate."""


def export_follow_up(whole: HasGate, school: tuple[str, str], out: Path) -> int:
    """Write the follow-up rows one staff role of a district may see; returns how many.

    The file appears whole or not at all.
    """
    lea, role = school
    standing = Standing(Party.LEA, lea, "", role, PURPOSES)
    released = whole.gate.follow_up(Caller(f"operator:{lea}", standing))
    partial = out.with_name(f"{out.name}.part")
    partial.write_text(follow_up_table(released), encoding="utf-8", newline="")
    partial.replace(out)
    return len(released.rows)


def follow_up_table(released: ReleasedFollowUps) -> str:
    """Return follow-up rows as CSV that no spreadsheet program reads as formulas."""
    return csv_text([COLUMNS, *(_cells(row) for row in released.rows)])


def _cells(row: FollowUp) -> Sequence[str]:
    return [getattr(row, column) for column in COLUMNS]


def follow_up_lines(parts: Iterable[ReleasedFollowUps]) -> Iterator[str]:
    """Do :func:`follow_up_table` part by part, as each is asked for."""
    head: Sequence[Sequence[str]] = [COLUMNS]
    for released in parts:
        yield csv_text([*head, *(_cells(row) for row in released.rows)])
        head = ()


def follow_up_workbook(parts: Iterable[ReleasedFollowUps]) -> Iterator[bytes]:
    """Yield, part by part, a workbook in which every cell is text, as it was written."""
    cells = ([list(map(_held, _cells(row))) for row in released.rows] for released in parts)
    return workbook_parts("Referrals", chain([[COLUMNS]], cells))


def _held(text: str) -> str:
    """Return a text as a cell of a workbook holds it: without what a cell cannot."""
    if cell_fits(text):
        return text
    kept = "".join(c if c.isprintable() else " " for c in text).replace("_x", "_ x")
    return kept[:30_000]
