"""Reading the tables of this folder strictly: a mistake stops the program, with file and line."""

import csv
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import TypeVar

Word = TypeVar("Word", bound=str)


class LoopTableError(ValueError):
    """A table of this folder is broken: where, and what is wrong."""

    def __init__(self, name: str, line: int, what: str) -> None:
        super().__init__(f"{name}.csv line {line}: {what}")


def rows_of(name: str, columns: Sequence[str], text: str | None = None) -> list[dict[str, str]]:
    """Return the rows of a table.

    Args:
        name: the file without its ending.
        columns: its heading, exactly.
        text: its content; that of the file of this folder where left out.

    Raises:
        LoopTableError: another heading, a row of another length, or spaces around a cell.
    """
    if text is None:
        text = (files(__package__) / f"{name}.csv").read_text(encoding="utf-8")
    heading, *lines = list(csv.reader(text.splitlines(), strict=True))
    if heading != list(columns):
        raise LoopTableError(name, 1, f"the heading must be {','.join(columns)}")
    rows = []
    for number, cells in enumerate(lines, 2):
        if len(cells) != len(columns):
            raise LoopTableError(name, number, f"{len(columns)} cells are needed")
        if any(cell != cell.strip() for cell in cells):
            raise LoopTableError(name, number, "no spaces around a cell")
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def one_of(known: Collection[Word], word: str, place: tuple[str, int]) -> Word:
    """Return a word that must be known, as what it is known as.

    Raises:
        LoopTableError: it is not.
    """
    for each in known:
        if each == word:
            return each
    raise LoopTableError(*place, f"unknown word {word!r}")


def unique(found: Mapping[object, int], key: object, place: tuple[str, int]) -> None:
    """Refuse a key that another line has.

    Raises:
        LoopTableError: it has.
    """
    if key in found:
        raise LoopTableError(*place, f"the same as line {found[key]}")
