"""Two surfaces compared: the cells opened and closed, the duties and settings that changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from consent.model import Slice
from consent.surface.opening import Opening
from consent.surface.released import Surface
from consent.surface.universe import universe

_SHUT = Opening((), ())


@dataclass(frozen=True, slots=True)
class CellChange:
    """How many cells of a slice opened and closed, each with its smallest example."""

    asked: Slice
    opened: int
    closed: int
    opened_with: tuple[str, ...] = ()
    closed_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordChange:
    """Something written that reads otherwise: the duties of a slice, or a setting by its path."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one surface to another."""

    cells: tuple[CellChange, ...]
    duties: tuple[WordChange, ...]
    settings: tuple[WordChange, ...]

    @property
    def opened(self) -> int:
        """How many cells opened."""
        return sum(change.opened for change in self.cells)

    @property
    def closed(self) -> int:
        """How many cells closed."""
        return sum(change.closed for change in self.cells)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.cells or self.duties or self.settings)


def compare(before: Surface, after: Surface) -> Difference:
    """Compare two surfaces over every cell."""
    slices = sorted(before.openings.keys() | after.openings.keys())
    pairs = [(s, before.openings.get(s, _SHUT), after.openings.get(s, _SHUT)) for s in slices]
    return Difference(
        cells=tuple(_cells(s, old, new) for s, old, new in pairs if old.permits != new.permits),
        duties=tuple(
            WordChange(said(s), ", ".join(old.duties), ", ".join(new.duties))
            for s, old, new in pairs
            if old.duties != new.duties and old.permits and new.permits
        ),
        settings=tuple(_settings(before, after)),
    )


def said(asked: Slice) -> str:
    """Return a slice in words of one line."""
    return f"{asked.sender} -> {asked.recipient}.{asked.role} to {asked.purpose}: {asked.element}"


def _cells(asked: Slice, old: Opening, new: Opening) -> CellChange:
    all_cells = universe(old.facts() | new.facts())
    before, after = all_cells.of_terms(old.permits), all_cells.of_terms(new.permits)
    opened, closed = after & ~before, before & ~after
    return CellChange(
        asked,
        opened.bit_count(),
        closed.bit_count(),
        all_cells.smallest(opened) if opened else (),
        all_cells.smallest(closed) if closed else (),
    )


def _settings(before: Surface, after: Surface) -> Iterator[WordChange]:
    for path in sorted(before.rests_on.keys() | after.rests_on.keys()):
        old, new = before.rests_on.get(path, ""), after.rests_on.get(path, "")
        if old != new or (path in before.rests_on) != (path in after.rests_on):
            yield WordChange(path, old, new)
