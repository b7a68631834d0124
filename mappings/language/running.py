"""Running a compiled map over one table: each row becomes a record, is held, or is a duplicate."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from mappings.canonical import SourceRow
from mappings.language.binding import BoundField, BoundHold
from mappings.language.diagnosis import diagnose, not_on_form
from mappings.language.document import MapDocument, Otherwise
from mappings.language.drafts import maker
from mappings.language.generating import Build, Unmappable
from mappings.language.held_sheet import Returned
from mappings.language.joining import JoinIndex
from mappings.language.outcome import (
    Held,
    HoldCode,
    HoldReason,
    Mapped,
    RunReport,
    UnmappedValues,
    Unreadable,
)
from mappings.language.repeats import Passing, Repeat, Scan
from mappings.language.shares import Share
from mappings.language.value_tables import normal
from mappings.readers import SEVERAL, Cells, SourceError, Table

_BATCH = 128
_ORIGIN: Final = maker(SourceRow)
_MAPPED: Final = maker(Mapped)


@dataclass(slots=True)
class TableRun:
    """One pass over the main source.

    Attributes:
        key_places: positions of the row key's columns.
        absent: roles of optional sources that were not given.
        again: opens the main source once more, to go through it before it is mapped.
        share: the rows to map, if not all; the report counts no others.
        hold_when: rows that are held whatever else they say.
    """

    document: MapDocument
    fields: list[BoundField]
    build: Build
    key_places: tuple[int, ...]
    joins: list[JoinIndex]
    absent: frozenset[str]
    report: RunReport
    again: Callable[[], Table]
    share: Share | None = None
    hold_when: tuple[BoundHold, ...] = ()
    _passing: Passing = field(default_factory=Passing, repr=False)
    _known: Callable[[int], Repeat | None] | None = field(default=None, repr=False)

    def outcomes(self, table: Table) -> Iterator[tuple[Cells, Mapped | Held]]:
        """Yield every row that is no duplicate, with its cells.

        Raises:
            SourceError: a value holds the whole file (``otherwise: stop-file``).
        """
        width = len(table.header)
        number, rows = table.first_row, table.rows
        if (share := self.share) is not None:
            rows = islice(rows, share.first - number, share.end - number)
            number = share.first
            self._known = share.repeats.finder() if share.repeats else None
        filled = [0] * width
        while batch := list(islice(rows, _BATCH)):
            _count_filled(filled, [cells for cells in batch if len(cells) == width])
            for cells in batch:
                outcome = self._row(table, number, cells)
                number += 1
                if outcome is not None:
                    yield cells, outcome
        self.report.fill = dict(zip(table.header, filled, strict=True))
        self.report.match_rates = {
            index.role: (index.matched, index.looked_up) for index in self.joins
        }
        self.report.finish()

    def keyed(self, table: Table) -> Iterator[tuple[int, str, Cells]]:
        """Yield of each row of the main source its number, its key or "", and its cells."""
        width = len(table.header)
        for number, cells in enumerate(table.rows, table.first_row):
            yield number, self._key(cells) if len(cells) == width and any(cells) else "", cells

    def _row(self, table: Table, number: int, cells: Cells) -> Mapped | Held | None:
        if not any(cells):
            self.report.blank += 1
            return None
        self.report.read += 1
        if len(cells) != len(table.header):
            return self._ragged(table, number, cells)
        key = self._key(cells)
        repeat = self._repeat(number, key, cells) if key else None
        if repeat is not None and repeat.same:
            self.report.duplicates += 1
            return None
        origin = _ORIGIN(self.document.id, table.file, number, key)
        if type(cells) is Returned:
            origin = replace(origin, ticket=cells.ticket)
        if reasons := self._unfit(table, cells, repeat):
            return self._hold(_by_content(origin, cells) if repeat else origin, reasons)
        return self._outcome(origin, cells)

    def _repeat(self, number: int, key: str, cells: Cells) -> Repeat | None:
        """Return an earlier row of the same key."""
        if self._known is not None:
            return self._known(number)
        repeat = self._passing.repeat(number, key, cells)
        if self._passing.full:
            table = self.again()
            with Scan(table.first_row) as scan:
                scan.add(self.keyed(table))
                self._known = scan.repeats().between(number + 1, scan.end).finder()
            self._passing = Passing()
        return repeat

    def _unfit(self, table: Table, cells: Cells, repeat: Repeat | None) -> list[HoldReason]:
        """Return why a row is held before it is read; ``repeat`` is one that says otherwise."""
        if repeat is not None:
            return [_repeated(self.document, repeat.first)]
        for conditions, reason in self.hold_when:
            if all(normal(cells[place]) in texts for place, texts in conditions):
                return [reason]
        return _several(table.header, cells) if table.joined and SEVERAL in cells else []

    def _outcome(self, origin: SourceRow, cells: Cells) -> Mapped | Held:
        others: list[Any] = []
        reasons: list[HoldReason] = []
        for index in self.joins:
            found = index.join(cells)
            others.append(found)
            if isinstance(found, HoldReason):
                reasons.append(found)
        if not (reasons or self.absent or not origin.key):
            try:
                record = self.build(cells, others, origin)
            except Unmappable:
                pass
            except Unreadable as error:
                return self._diagnosed(origin, cells, others, error)
            else:
                self.report.mapped += 1
                return _MAPPED(record, origin.row, origin)  # type: ignore[no-any-return] # the generic class, without its type
        return self._diagnosed(origin, cells, others, None)

    def _diagnosed(
        self, origin: SourceRow, cells: Cells, others: list[Any], error: Unreadable | None
    ) -> Held:
        """Say why; ``error`` is what the record as a whole was refused for, if it got that far."""
        main = self.document.main.role
        rows = {main: cells}
        reasons = []
        for index, found in zip(self.joins, others, strict=True):
            if isinstance(found, HoldReason):
                reasons.append(found)
            elif isinstance(found, list):
                rows[index.role] = found
        reasons += diagnose(self.fields, rows)
        reasons += not_on_form(self.document, set(rows))
        self._count_unmapped(origin, rows, reasons)
        if not origin.key:
            reasons.append(_no_key(self.document))
            origin = _by_content(origin, cells)
        if not reasons and error is not None:
            reasons.append(HoldReason(error.code, "", error.text, error.what_to_do))
        if not reasons:
            raise RuntimeError(f"map {self.document.id}: row {origin.row} fails without a reason")
        return self._hold(origin, reasons)

    def _count_unmapped(
        self, origin: SourceRow, rows: dict[str, Cells], reasons: list[HoldReason]
    ) -> None:
        columns = {reason.column for reason in reasons if reason.code is HoldCode.UNMAPPED}
        for bound in self.fields:
            if bound.column not in columns or bound.rule.source not in rows:
                continue
            if bound.rule.otherwise is Otherwise.STOP:
                raise _stopped(origin, bound)
            counts = self.report.unmapped.setdefault(bound.column, UnmappedValues())
            counts.add(rows[bound.rule.source][bound.indices[0]].strip())

    def _key(self, cells: Cells) -> str:
        texts = [cells[place].strip() for place in self.key_places]
        if len(texts) == 1:
            return texts[0]
        if not all(texts):
            return ""
        # Several columns may hold a name: the key must not.
        return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:20]

    def _ragged(self, table: Table, number: int, cells: Cells) -> Held:
        text = f"the row has {len(cells)} cells, the header has {len(table.header)}"
        advice = "look for a missing or extra delimiter and export the file again"
        origin = _by_content(SourceRow(self.document.id, table.file, number, ""), cells)
        return self._hold(origin, [HoldReason(HoldCode.RAGGED, "", text, advice)])

    def _hold(self, origin: SourceRow, reasons: list[HoldReason]) -> Held:
        held = Held(origin, tuple(reasons))
        self.report.hold(held)
        return held


def _by_content(origin: SourceRow, cells: Cells) -> SourceRow:
    """Let a row whose key does not tell it from others be told by what it holds."""
    digest = hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:32]
    return replace(origin, content=digest)


def _count_filled(filled: list[int], rows: list[Cells]) -> None:
    for index, column in enumerate(zip(*rows, strict=True)):
        filled[index] += len(column) - column.count("")


def _repeated(document: MapDocument, first: int) -> HoldReason:
    text = f"has the same key as row {first} but says something else"
    advice = "keep the row that is right"
    return HoldReason(HoldCode.KEY_REPEATED, _key_columns(document), text, advice)


def _several(header: tuple[str, ...], cells: Cells) -> list[HoldReason]:
    text = "the source says several different things here; which one is meant is not known"
    advice = "correct it in the source, or name the one meant in the map (where ... is ...)"
    places = [name for name, cell in zip(header, cells, strict=True) if cell == SEVERAL]
    return [HoldReason(HoldCode.UNREADABLE, place, text, advice) for place in places]


def _no_key(document: MapDocument) -> HoldReason:
    text = "the key of the row is empty"
    return HoldReason(HoldCode.EMPTY, _key_columns(document), text, "fill it in the source")


def _key_columns(document: MapDocument) -> str:
    return " + ".join(word.text for word in document.row_key)


def _stopped(origin: SourceRow, bound: BoundField) -> SourceError:
    where = f'row {origin.row}, column "{bound.column}"'
    advice = "holds a text the value table does not know, and the map says stop-file"
    return SourceError(origin.file, where, advice)
