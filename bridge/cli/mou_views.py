"""``mou show|diff|surface``: what a document releases, for people and for the build."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.mou_documents import (
    DistrictOption,
    Document,
    TemplateOption,
    agreement_of,
    bound_at,
)
from bridge.cli.mou_page import page_of
from bridge.cli.running import print_line

if TYPE_CHECKING:
    from consent.mou import Bound
    from consent.surface import Surface
    from consent.surface.matrix import Row, When

_HEADINGS = tuple((name, 1) for name in ("clause", "from -> to", "for", "what", "when", "duties"))
_STACKED = (("clause", 2), ("from -> to, for", 4), ("what, when, duties", 9))
_WIDE = 140
"""Columns of a terminal from which on all six stand side by side."""


def show(
    document: Document,
    template: TemplateOption = None,
    district: DistrictOption = None,
    html: Annotated[Path | None, typer.Option(help="Write a page instead.")] = None,
) -> None:
    """Show who may get what, for what, when, and under which clause."""
    from consent.surface import surfaces_of
    from consent.surface.matrix import matrix_of

    bound = bound_at(document, template)
    agreement = agreement_of(bound, district)
    surface = surfaces_of(bound)[bound.agreements.index(agreement)]
    rows = matrix_of(bound, agreement, surface)
    if html is None:
        _print_table(surface.name, rows)
        return
    html.write_text(page_of(bound, agreement, surface, rows), encoding="utf-8")
    print_line(f"{html.name}: {len(rows)} rows, {len(surface.openings)} open slices")


def _print_table(name: str, rows: "tuple[Row, ...]") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    wide = console.width >= _WIDE
    table = Table(title=f"What {name} releases", show_lines=True, expand=not wide)
    for heading, share in _HEADINGS if wide else _STACKED:
        table.add_column(heading, overflow="fold", ratio=share)
    for row in rows:
        cells = _cells(row)
        table.add_row(*(cells if wide else _stacked(*cells)))
    console.print(table)


def _cells(row: "Row") -> tuple[str, str, str, str, str, str]:
    return (
        f"{', '.join(row.clauses)} ({', '.join(row.flows)})",
        f"{row.sender} -> {row.recipient}: {', '.join(row.roles)}",
        row.purpose,
        ", ".join(row.elements),
        _said(row.when),
        ", ".join(row.duties) or "none",
    )


def _stacked(
    clause: str, parties: str, purpose: str, what: str, when: str, duties: str
) -> tuple[str, str, str]:
    """Return the same in three columns, for a terminal in which six would be slivers."""
    when = when.replace("\n", "\n  ")
    return clause, f"{parties}\nfor {purpose}", f"{what}\n  {when}\n  duties: {duties}"


def _said(when: "When") -> str:
    lines = [f"all of: {', '.join(when.always)}"] if when.always else []
    lines += [f"none of: {', '.join(when.never)}"] if when.never else []
    for ways in when.choices:
        lines.append("and: " + " or ".join(" + ".join(_words(way)) for way in ways))
    return "\n".join(lines)


def _words(way: tuple[str, ...]) -> list[str]:
    return [f"not {word[1:]}" if word.startswith("!") else word for word in way]


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A file, or a shipped id.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A file, or a shipped id.")],
    template: TemplateOption = None,
) -> None:
    """List the cells opened and closed from A to B; exit code 1 when something opened."""
    from consent.surface import compare, surfaces_of
    from consent.surface.telling import told

    bounds = bound_at(before, template), bound_at(after, template)
    opened = 0
    for old, new in _pairs(*(surfaces_of(bound) for bound in bounds)):
        difference = compare(old, new)
        opened += difference.opened
        print_line(f"{old.name} => {new.name}")
        for line in told(difference, *bounds):
            print_line(f"  {line}")
        print_line(f"  cells opened {difference.opened}, closed {difference.closed}")
    if opened:
        raise typer.Exit(1)


def _pairs(
    old: "tuple[Surface, ...]", new: "tuple[Surface, ...]"
) -> "list[tuple[Surface, Surface]]":
    """Pair the districts of two papers; a single one is compared with each of the other's."""
    if len(old) == len(new):
        return list(zip(old, new, strict=True))
    return [(one, other) for one in old for other in new]


def surface(
    document: Document,
    template: TemplateOption = None,
    lock: Annotated[bool, typer.Option("--lock", help="Write the lock file.")] = False,
) -> None:
    """Compare what a document releases with its lock file; exit code 1 on any difference."""
    from consent.surface import surfaces_of

    bound = bound_at(document, template)
    told = [_locked(bound, one, _place(document, one.name), lock) for one in surfaces_of(bound)]
    if not all(told):
        raise typer.Exit(1)


def _place(document: str, name: str) -> Path:
    """Return where the lock of a document lies: beside a file, with the shipped ones else."""
    from importlib.resources import files

    path = Path(document)
    folder = path.parent if path.is_file() else Path(str(files("consent.mou") / "surface"))
    return folder / f"{name}.lock.yaml"


def _locked(bound: "Bound", one: "Surface", place: Path, write: bool) -> bool:
    from consent.surface import compare, locked_text, read_lock
    from consent.surface.telling import told

    if write:
        place.write_text(locked_text(one), encoding="utf-8")
        print_line(f"{place.name}: {len(one.openings)} open slices, {one.digest}")
        return True
    if not place.is_file():
        print_line(f"{one.name}: has no lock file; write one with --lock")
        return False
    difference = compare(read_lock(place.read_bytes(), place.name), one)
    for line in told(difference, bound):
        print_line(line)
    answer = "differs from its lock" if difference else "as locked"
    print_line(f"{one.name}: {answer}, {len(one.openings)} open slices, {one.digest}")
    return not difference
