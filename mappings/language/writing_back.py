"""Writing records back into the columns of a district's own file: a map run the other way.

Every field that a column can say is written as the map reads it
(:mod:`mappings.language.inverting`). Then the map itself is run over what was written, and every
field that does not come back as it was is reported. INVARIANT: no value is lost unsaid; what is
not in the columns is in the report.

Columns the map does not send on stay empty: nobody here knows what they held. Where one of them is
part of the row key, the row cannot be brought in again as it is, and the report says so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from mappings.canonical import Coded, Referral, Student
from mappings.language.binding import BoundField, bind_fields
from mappings.language.compiling import CompiledMap
from mappings.language.dictionary import Kind, MapKind
from mappings.language.document import JoinRule, MapDocument
from mappings.language.inverting import Texts, reads_as, says_same, texts_of
from mappings.language.outcome import Held, Mapped
from mappings.language.record_values import Values, values_of
from mappings.language.typed import Setting
from mappings.language.value_tables import normal
from mappings.readers import SourceError, Table

FIRST_ROW: Final = 2


class NoColumnsError(Exception):
    """A map's source has no columns a row could be written into."""


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """The file of one source: its recorded headings, and rows as wide as they."""

    header: tuple[str, ...]
    rows: tuple[Texts, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What one row does not say as the record does.

    Attributes:
        row: row number in the main file, as a spreadsheet shows it.
        unsaid: canonical fields that do not come back.
        respelled: fields that come back with the same code in the map's own words.
        held: why the map would hold the row; nothing of it comes back as it stands.
    """

    row: int
    unsaid: tuple[str, ...] = ()
    respelled: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """The files of a map's sources by role, the main one first, and what they do not say.

    Attributes:
        shortfalls: rows that fall short, in order; none for a row that comes back as it was.
        keyless: columns of the row key that no field fills; rows are held without them.
    """

    tables: Mapping[str, WrittenTable]
    shortfalls: tuple[Shortfall, ...]
    keyless: tuple[str, ...]


def write_back(compiled: CompiledMap, records: Sequence[Referral]) -> WrittenBack:
    """Write referrals into the columns of a map's sources.

    Raises:
        NoColumnsError: the map is not of referrals, or a source has places instead of columns.
    """
    document = compiled.document
    if document.kind is not MapKind.REFERRAL:
        raise NoColumnsError("this map makes no referrals; choose one of kind referral")
    written = [_written(compiled, record) for record in records]
    headers = {source.role: compiled.recorded(source.role) for source in document.sources}
    tables = {
        role: WrittenTable(header, tuple(tuple(each[role]) for each in written))
        for role, header in headers.items()
    }
    main = document.main.role
    key = [headers[main].index(name) for name in _key_columns(document, headers[main])]
    empty = [n for n in key if any(not row[n] for row in tables[main].rows)]
    proof = {
        role: _standing_in(table, empty if role == main else []) for role, table in tables.items()
    }
    shortfalls = tuple(_compared(compiled, records, proof))
    unfilled = tuple(headers[main][n] for n in empty)
    return WrittenBack(_deduplicated(tables, main), shortfalls, unfilled)


def refuse_places(compiled: CompiledMap) -> None:
    """Refuse a map whose sources are messages or records.

    Raises:
        NoColumnsError: one of them is.
    """
    for part in (compiled, *compiled.parts.values()):
        if any(source.has_places for source in part.document.sources):
            advice = "a row is written into columns; this map reads messages or records"
            raise NoColumnsError(advice)


def _written(compiled: CompiledMap, record: Referral) -> dict[str, list[str]]:
    refuse_places(compiled)
    document = compiled.document
    cells = {s.role: [""] * len(compiled.recorded(s.role)) for s in document.sources}
    for source in document.sources:
        part = compiled.parts.get(source.reads_with)
        if part is not None:
            own = _Writer(part, {part.document.main.role: cells[source.role]})
            own.write(values_of(_of_roster(record)))
    values = values_of(record)
    writer = _Writer(compiled, cells)
    writer.write(values)
    for join in document.joins:
        writer.join(join)
    return cells


def _of_roster(record: Referral) -> Student:
    """Return the student with the guardians a roster names."""
    student, guardian = record.student, record.guardian
    if student.guardians or guardian is None:
        return student
    return replace(student, guardians=(guardian,))


@dataclass(slots=True)
class _Writer:
    """Fills the cells of one map's sources; a cell once filled is never written over."""

    compiled: CompiledMap
    cells: dict[str, list[str]]

    def write(self, values: Values) -> None:
        """Write every field that its columns can say, chosen codes last."""
        bound = _bound(self.compiled)
        zone = ZoneInfo(self.compiled.document.zone.text)
        values = _with_name(values)
        divided = {name: v for name, v in values.items() if _is_divided(v)}
        left = {name: _sayable(v, _of(bound, name), zone) for name, v in divided.items()}
        for each in sorted(bound, key=lambda each: bool(each.rule.choose)):
            name = each.entry.name
            if name in left and each.entry.kind is Kind.CODED_LIST:
                homeless = _homeless(values[name], _of(bound, name), zone)
                self._divided(each, left[name], homeless, zone)
            elif name in values and (texts := texts_of(each, values[name], zone)) is not None:
                self._put(each, texts)
        self._key(values)

    def _divided(
        self, bound: BoundField, left: list[Coded], homeless: frozenset[Coded], zone: ZoneInfo
    ) -> None:
        """Write as many of a list's parts, from the first on, as these columns can say.

        A part waits for a column that knows its own words, if there is one.
        """
        for count in range(len(left), 0, -1):
            parts = tuple(left[:count])
            texts = texts_of(bound, parts, zone)
            read = reads_as(bound, texts) if texts is not None else ()
            pairs = zip(parts, read if isinstance(read, tuple) else (), strict=False)
            own = all(part == again or part in homeless for part, again in pairs)
            if texts is not None and own and self._put(bound, texts):
                del left[:count]
                return

    def _put(self, bound: BoundField, texts: Texts) -> bool:
        row = self.cells[bound.rule.source]
        pairs = list(zip(bound.indices, texts, strict=True))
        if any(text and row[index] not in ("", text) for index, text in pairs):
            return False
        for index, text in pairs:
            row[index] = row[index] or text
        return True

    def _key(self, values: Values) -> None:
        """Write the key of one column that a field was made from."""
        document = self.compiled.document
        made = [rule for rule in document.fields if rule.made_from_key]
        if len(document.row_key) != 1 or not made:
            return
        header = self.compiled.recorded(document.main.role)
        (name,) = _key_columns(document, header)
        row, text = self.cells[document.main.role], str(values.get(made[0].goes_to.text, ""))
        if text.startswith(made[0].prefix) and not row[header.index(name)]:
            row[header.index(name)] = text.removeprefix(made[0].prefix)

    def join(self, join: JoinRule) -> None:
        """Let the columns that join two sources say the same where one of them is empty."""
        main = self.compiled.document.main.role
        for pair in join.pairs:
            own, own_index = self._place(main, pair.column.text)
            other, index = self._place(join.source.text, pair.matches.text)
            own[own_index] = own[own_index] or other[index]
            other[index] = other[index] or own[own_index]

    def _place(self, role: str, heading: str) -> tuple[list[str], int]:
        header = [normal(name) for name in self.compiled.recorded(role)]
        return self.cells[role], header.index(normal(heading))


def _is_divided(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(part, Coded) for part in value)


def _of(bound: Sequence[BoundField], name: str) -> list[BoundField]:
    return [each for each in bound if each.entry.name == name]


def _sayable(parts: Sequence[Coded], columns: Sequence[BoundField], zone: ZoneInfo) -> list[Coded]:
    """Return the parts some column can say; the others are missed when the row is read again."""
    return [p for p in parts if any(texts_of(each, (p,), zone) is not None for each in columns)]


def _homeless(
    parts: Sequence[Coded], columns: Sequence[BoundField], zone: ZoneInfo
) -> frozenset[Coded]:
    """Return the parts whose own words no column knows: they are said in a column's words."""

    def known(part: Coded) -> bool:
        written = ((each, texts_of(each, (part,), zone)) for each in columns)
        return any(texts and reads_as(each, texts) == (part,) for each, texts in written)

    return frozenset(part for part in parts if not known(part))


def _with_name(values: Values) -> Values:
    """Add both names in one, for maps that read them so."""
    names = [values.get("student.family_name"), values.get("student.given_name")]
    return values | ({"student.name": tuple(names)} if all(names) else {})


def _bound(compiled: CompiledMap) -> list[BoundField]:
    document = compiled.document
    places = {
        source.role: {name: n for n, name in enumerate(compiled.recorded(source.role))}
        for source in document.sources
        if not source.reads_with
    }
    zone = ZoneInfo(document.zone.text)
    settings = {s.role: Setting(zone, frozenset({"", *s.empty_words})) for s in document.sources}
    return bind_fields(document, places, settings)


def _key_columns(document: MapDocument, header: Sequence[str]) -> list[str]:
    by_name = {normal(name): name for name in header}
    return [by_name[normal(word.text)] for word in document.row_key]


def _standing_in(table: WrittenTable, empty: Sequence[int]) -> WrittenTable:
    """Fill key columns nothing is known of, so that the rest of the row can be proved."""
    rows = []
    for number, row in enumerate(table.rows):
        cells = list(row)
        for index in empty:
            cells[index] = cells[index] or f"row {number}"
        rows.append(tuple(cells))
    return replace(table, rows=tuple(rows))


def _deduplicated(tables: dict[str, WrittenTable], main: str) -> dict[str, WrittenTable]:
    """Leave out repeated and empty rows of the joined files."""
    return {
        role: table
        if role == main
        else replace(table, rows=tuple(r for r in dict.fromkeys(table.rows) if any(r)))
        for role, table in tables.items()
    }


def _compared(
    compiled: CompiledMap, records: Sequence[Referral], tables: Mapping[str, WrittenTable]
) -> Iterator[Shortfall]:
    main = compiled.document.main.role
    again = _read_again(compiled, _deduplicated(dict(tables), main))
    for row, record in enumerate(records, FIRST_ROW):
        outcome = again.get(row)
        if isinstance(outcome, Mapped) and isinstance(outcome.record, Referral):
            fall = _between(row, values_of(record), values_of(outcome.record))
        elif isinstance(outcome, Held):
            fall = Shortfall(row, held=tuple(str(reason) for reason in outcome.reasons))
        else:
            fall = Shortfall(row, held=("the rows cannot be joined again, or one stands twice",))
        if fall != Shortfall(row):
            yield fall


def _read_again(
    compiled: CompiledMap, tables: Mapping[str, WrittenTable]
) -> dict[int, Mapped | Held]:
    openers = {role: _opener(role, table) for role, table in tables.items()}
    names = {role: f"({role})" for role in tables}
    try:
        outcomes = list(compiled.run_tables(openers, names))
    except SourceError:
        return {}
    return {_row_of(outcome): outcome for outcome in outcomes}


def _row_of(outcome: Mapped | Held) -> int:
    return outcome.source_row if isinstance(outcome, Mapped) else outcome.origin.row


def _opener(role: str, table: WrittenTable) -> Callable[[], Table]:
    return lambda: Table(f"({role})", table.header, (list(row) for row in table.rows), FIRST_ROW)


def _between(row: int, before: Values, after: Values) -> Shortfall:
    names = tuple(dict.fromkeys((*before, *after)))
    differing = [name for name in names if before.get(name) != after.get(name)]
    unsaid = tuple(n for n in differing if not _says_same(before.get(n), after.get(n)))
    return Shortfall(row, unsaid, tuple(name for name in differing if name not in unsaid))


def _says_same(one: Any, other: Any) -> bool:  # noqa: ANN401 - values of one field
    return one is not None and other is not None and says_same(one, other)
