"""``mou cases``: written cases decided and compared."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.mou_documents import (
    DistrictOption,
    Document,
    JurisdictionOption,
    TemplateOption,
    bound_at,
    table_of,
)
from bridge.cli.running import print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consent.table import DecisionTable

    Row = tuple[int, dict[str, str]]

_COLUMNS = ("case", "from", "to", "role", "purpose", "element", "true_facts", "expect",
            "reason_starts")  # fmt: skip


def cases(
    document: Document,
    file: Annotated[Path, typer.Argument(metavar="CASES.csv")],
    template: TemplateOption = None,
    jurisdiction: JurisdictionOption = None,
    district: DistrictOption = None,
) -> None:
    """Decide written cases and compare; last line passed/total, exit code 1 on a difference."""
    table = table_of(bound_at(document, template), district, jurisdiction)
    rows = _rows_of(file)
    differing = 0
    for line, row in rows:
        if difference := _difference(table, row):
            differing += 1
            print_line(f"{file.name}:{line}: {row['case']}: {difference}")
    print_line(f"{len(rows) - differing}/{len(rows)}")
    if differing:
        raise typer.Exit(1)


def _difference(table: "DecisionTable", row: dict[str, str]) -> str:
    """Return how a decision differs from what the row expects, or ""."""
    from consent.model import Slice

    asked = Slice(row["from"], row["to"], row["role"], row["purpose"], row["element"])
    decision = table.decide(asked, set(row["true_facts"].split()))
    expected, reason = row["expect"], row["reason_starts"]
    if decision.outcome == expected and decision.reasons[0].startswith(reason):
        return ""
    because = f" because {reason}" if reason else ""
    return f"expected {expected}{because}; decided {decision.outcome} because {decision.reasons[0]}"


def _rows_of(file: Path) -> "list[Row]":
    """Read the cases, each with its line in the file.

    Raises:
        BridgeError: the file cannot be read, lacks a column, or a row is not a case.
    """
    from bridge.errors import BridgeError

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restval="", restkey="more")
            lacking = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise BridgeError(f"{file.name}:1: lacks the column {', '.join(lacking)}")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise BridgeError(f"{file.name}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise BridgeError(f"{file.name}: is not CSV in UTF-8; save it as that") from None
    problem = next((f"{file.name}:{line}: {p}" for line, row in rows for p in _problems(row)), "")
    if problem or not rows:
        raise BridgeError(problem or f"{file.name}: holds no case")
    return rows


def _problems(row: dict[str, str]) -> "Iterator[str]":
    """Yield why a row is no case: a misspelt fact must not pass for one that is false."""
    from consent.facts import load_facts
    from documents import did_you_mean

    if "more" in row:
        yield "has more cells than there are columns; put commas in quotes"
    if row["expect"] not in ("permit", "deny"):
        yield f'expect: "{row["expect"]}" is neither permit nor deny'
    for fact in row["true_facts"].split():
        if fact not in load_facts():
            yield f'true_facts: "{fact}" is not a known fact{did_you_mean(fact, load_facts())}'
