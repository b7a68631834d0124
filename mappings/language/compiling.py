"""From a checked map to something that runs over files."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from documents import DocumentError
from mappings.language.binding import Places, bind_fields, bind_holds
from mappings.language.checking import check_map
from mappings.language.dictionary import MapKind
from mappings.language.document import MapDocument, SourceSpec, Word
from mappings.language.generating import generate
from mappings.language.headers import accepted_headings, bind_header, header_fit
from mappings.language.held_sheet import open_source
from mappings.language.joining import MAX_JOINED_ROWS, JoinedRow, JoinIndex
from mappings.language.outcome import Held, Mapped, RunReport
from mappings.language.past import once_past, refuse_unknown_export
from mappings.language.running import TableRun
from mappings.language.shares import Share, divided
from mappings.language.shipped import load_map
from mappings.language.typed import Setting
from mappings.language.value_tables import normal
from mappings.readers import START, SourceError, SourceFormat, Table, has_part, is_folder

Tables = Mapping[str, Callable[[], Table]]
"""For each role, how its table is opened (it may be opened twice)."""


class Run(Iterator[Mapped | Held]):
    """The rows of one run, in the order of the file; ``report`` is complete when they end."""

    def __init__(self, outcomes: Iterator[Mapped | Held], report: RunReport) -> None:
        self._outcomes = outcomes
        self.report = report

    def __next__(self) -> Mapped | Held:
        return next(self._outcomes)


@dataclass(frozen=True, slots=True)
class CompiledMap:
    """A map proved free of mistakes, with the maps its joined sources are read with.

    ``share`` says which rows it maps, where several processes divide a file (:meth:`divide`).
    """

    document: MapDocument
    parts: Mapping[str, "CompiledMap"] = field(default_factory=dict)
    share: Share | None = None

    def run(
        self, files: Mapping[str, Path] | Sequence[Path], exported: datetime | None = None
    ) -> Run:
        """Map files.

        Args:
            files: a path for each role, or paths whose role is told by their header.
            exported: aware instant at which the files were made, if known; no session that had
                not ended then is taken for attended or missed (``until-past``).

        Returns:
            an iterator of :class:`Mapped` and :class:`Held`; it has a ``report``.

        Raises:
            SourceError: a file cannot be used, a needed one is missing, too few rows match.
                Raised here, before any row is mapped (``stop-file`` included).
        """
        given = files if isinstance(files, Mapping) else self._roles(files)
        self._refuse_missing(given)
        names = {role: path.name for role, path in given.items()}
        return self.run_tables(self._openers(given), names, exported)

    def divide(self, files: Mapping[str, Path] | Sequence[Path], processes: int) -> Iterator[Share]:
        """Go through files once, and divide the rows among processes; see :func:`divided`.

        Raises:
            SourceError: as for :meth:`run`, but also when some shares have been yielded.
        """
        given = files if isinstance(files, Mapping) else self._roles(files)
        self._refuse_missing(given)
        tables = self._openers(given)
        self._prove(tables)
        main = self.document.main.role
        once = {main: _opener(given[main], replace(self.formats()[main], start=START))}
        run, table = self._prepared({**tables, **once}, RunReport(self.document.id, {}))
        return divided(run.keyed(table), table, given[main].stat().st_size, processes)

    def run_tables(
        self, tables: Tables, names: Mapping[str, str], exported: datetime | None = None
    ) -> Run:
        """Map tables that are already at hand; see :meth:`run`."""
        document = self.document
        refuse_unknown_export(document.until_past, exported, names.get(document.main.role, "?"))
        report = RunReport(document.id, dict(names))
        if self.share is None:  # what is divided has been proved
            self._prove(tables)
        run, table = self._prepared(tables, report)
        run.share = self.share
        if exported is not None and document.kind is MapKind.SESSION:
            zone = ZoneInfo(document.zone.text)
            run.build = once_past(run.build, document.until_past, exported, zone)
        return Run((outcome for _, outcome in run.outcomes(table)), report)

    def _prove(self, tables: Tables) -> None:
        """Look for what would stop the file before the first row is handed on."""
        stops = any(rule.otherwise == "stop-file" for rule in self.document.fields)
        if not stops and not any(join.floor for join in self.document.joins):
            return
        run, table = self._prepared(tables, RunReport(self.document.id, {}))
        for _ in run.outcomes(table):
            pass
        for join in self.document.joins:
            _refuse_low_rate(table.file, run, join.source.text, join.floor)

    def _prepared(self, tables: Tables, report: RunReport) -> tuple[TableRun, Table]:
        opened = {role: opener() for role, opener in tables.items() if not self._part(role)}
        places = {role: self._bound(role, table) for role, table in opened.items()}
        settings = {source.role: self._setting(source) for source in self.document.sources}
        joins = [
            self._index(join.source.text, tables, opened, places)
            for join in self.document.joins
            if join.source.text in tables
        ]
        bound = bind_fields(self.document, places, settings)
        main = self.document.main.role
        complete = all(source.role in tables for source in self.document.sources)
        run = TableRun(
            document=self.document,
            fields=bound,
            build=generate(self.document, bound, tuple(index.role for index in joins))
            if complete
            else _never,
            key_places=_placed(places[main], self.document.row_key),
            joins=joins,
            absent=frozenset(s.role for s in self.document.sources if s.role not in tables),
            report=report,
            again=tables[main],
            hold_when=bind_holds(self.document, places[main]),
        )
        return run, opened[main]

    def _part(self, role: str) -> "CompiledMap | None":
        source = self.document.source(role)
        return self.parts.get(source.reads_with) if source else None

    def _setting(self, source: SourceSpec) -> Setting:
        return Setting(ZoneInfo(self.document.zone.text), frozenset({"", *source.empty_words}))

    def _bound(self, role: str, table: Table) -> dict[str, int]:
        source = self.document.source(role)
        assert source is not None  # noqa: S101 - roles are checked in `run`
        if source.has_places:
            return {name: index for index, name in enumerate(table.header)}
        return bind_header(
            table.file, table.header, accepted_headings(source, self.document.fields)
        )

    def _index(
        self, role: str, tables: Tables, opened: dict[str, Table], places: Places
    ) -> JoinIndex:
        rule = next(join for join in self.document.joins if join.source.text == role)
        own = places[self.document.main.role]
        part = self._part(role)
        if part is not None:
            rows, theirs = part.rows_with_cells(tables[role])
        else:
            table = opened[role]
            theirs = places[role]
            rows = (
                (cells, JoinedRow(number, cells))
                for number, cells in enumerate(table.rows, table.first_row)
            )
        index = JoinIndex(
            rule,
            _placed(own, [pair.column for pair in rule.pairs]),
            _placed(theirs, [pair.matches for pair in rule.pairs]),
        )
        for count, (cells, row) in enumerate(rows):
            if count >= MAX_JOINED_ROWS:
                raise SourceError(
                    role, f"row {count}", f"more than {MAX_JOINED_ROWS:,} rows to join"
                )
            index.add(cells, row)
        return index

    def rows_with_cells(
        self, opener: Callable[[], Table]
    ) -> tuple[Iterator[tuple[list[str], JoinedRow]], dict[str, int]]:
        """Return the rows of the main source with their cells, and where its headings stand."""
        role = self.document.main.role
        run, table = self._prepared({role: opener}, RunReport(self.document.id, {}))
        rows = (
            (cells, JoinedRow(outcome.source_row, outcome.record))
            if isinstance(outcome, Mapped)
            else (cells, JoinedRow(outcome.origin.row, outcome))
            for cells, outcome in run.outcomes(table)
        )
        return rows, self._bound(role, table)

    def recorded(self, role: str) -> tuple[str, ...]:
        """Return the recorded headings of a source."""
        source = self.document.source(role)
        part = self._part(role)
        if part is not None:
            return part.recorded(part.document.main.role)
        return tuple(word.text for word in source.headings) if source else ()

    def formats(self) -> dict[str, SourceFormat]:
        """Return how the file of each role is read; places in messages included."""
        return {source.role: self._format(source) for source in self.document.sources}

    def _format(self, source: SourceSpec) -> SourceFormat:
        part = self.parts.get(source.reads_with)
        if part is not None:
            return part.formats()[part.document.main.role]
        if "ndjson" in source.how.formats:
            return replace(source.how, locations=tuple(word.text for word in source.headings))
        if not source.has_places:
            return source.how
        words = [*self.document.row_key]
        words += [word for rule in self.document.hold_when for word, _ in rule.when]
        mine = [rule for rule in self.document.fields if rule.source == source.role]
        words += [word for rule in mine for word in rule.columns]
        words += [pair.column for join in self.document.joins for pair in join.pairs]
        return replace(source.how, locations=tuple(dict.fromkeys(word.text for word in words)))

    def rows_at(
        self, files: Mapping[str, Path] | Sequence[Path], numbers: Collection[int]
    ) -> tuple[tuple[str, ...], dict[int, list[str]]]:
        """Return the headings of the main source, and its rows of these numbers as written.

        Raises:
            SourceError: the file cannot be read.
        """
        given = files if isinstance(files, Mapping) else self._roles(files)
        table = self._openers(given)[self.document.main.role]()
        rows = enumerate(table.rows, table.first_row)
        return table.header, {number: cells for number, cells in rows if number in numbers}

    def _openers(self, files: Mapping[str, Path]) -> dict[str, Callable[[], Table]]:
        formats, main = self.formats(), self.document.main.role
        if self.share is not None:
            formats[main] = replace(formats[main], start=self.share.start)
        return {role: _opener(path, formats[role]) for role, path in files.items()}

    def _refuse_missing(self, files: Mapping[str, Path]) -> None:
        roles = [source.role for source in self.document.sources]
        for role, path in files.items():
            if role not in roles:
                advice = f"the map has no source called {role}; it has {', '.join(roles)}"
                raise SourceError(path.name, "the whole file", advice)
        for source in self.document.sources:
            if source.role not in files and not source.optional:
                raise SourceError(f"({source.role})", "the whole file", "is needed by this map")

    def _roles(self, paths: Sequence[Path]) -> dict[str, Path]:
        """Tell each file's role by its header."""
        if len(self.document.sources) == 1 and len(paths) == 1:
            return {self.document.main.role: paths[0]}
        parts = all(source.how.part for source in self.document.sources)
        if parts and len(paths) == 1 and is_folder(paths[0]):
            return self._parts_of(paths[0])
        found: dict[str, Path] = {}
        for path in paths:
            role = self._best_role(path)
            if role in found:
                advice = f"and {found[role].name} both look like the {role} file; name the roles"
                raise SourceError(path.name, "row 1", advice)
            found[role] = path
        return found

    def _parts_of(self, path: Path) -> dict[str, Path]:
        """Take every source out of one folder or zip; an optional one may not be in it."""
        return {
            source.role: path
            for source in self.document.sources
            if not source.optional or has_part(path, self._format(source))
        }

    def _best_role(self, path: Path) -> str:
        fits: dict[str, float] = {}
        wrong: list[SourceError] = []
        for source in self.document.sources:
            spec, part = source, self.parts.get(source.reads_with)
            rules = self.document.fields
            if part is not None:
                spec, rules = part.document.main, part.document.fields
            try:
                header = open_source(path, self._format(source)).header
            except SourceError as error:
                wrong.append(error)
                continue
            fit = header_fit(header, accepted_headings(spec, rules))
            fits[source.role] = 1.0 if spec.has_places else fit
        if not fits:
            raise wrong[0]
        return max(fits, key=lambda role: fits[role])


def compile_map(document: MapDocument) -> CompiledMap:
    """Compile a map.

    Raises:
        DocumentError: the map has a mistake; all of them are named.
    """
    if problems := check_map(document):
        raise DocumentError(problems)
    needed = [source.reads_with for source in document.sources if source.reads_with]
    return CompiledMap(document, {name: compile_map(load_map(name)) for name in needed})


def _placed(places: Mapping[str, int], words: Sequence[Word]) -> tuple[int, ...]:
    """Return where columns stand; a map may write a heading with other spaces or case."""
    by_name = {normal(name): place for name, place in places.items()}
    return tuple(by_name[normal(word.text)] for word in words)


def _opener(path: Path, how: SourceFormat) -> Callable[[], Table]:
    """Return what opens a source; the first time, it is proved readable as a whole."""

    def opened() -> Table:
        nonlocal how
        table = open_source(path, how)
        how = replace(how, start=how.start or START)
        return table

    return opened


def _never(*_: object) -> object:
    raise RuntimeError("a map without all its sources builds nothing")


def _refuse_low_rate(file: str, run: TableRun, role: str, floor: float) -> None:
    for index in run.joins:
        if index.role == role and index.matched < floor * index.looked_up:
            rate = f"{index.matched} of {index.looked_up} rows match ({_percent(index)})"
            advice = f"{rate}; the map asks for at least {floor:.0%}, so nothing is loaded"
            raise SourceError(file, f"the join with {role}", advice)


def _percent(index: JoinIndex) -> str:
    return f"{index.matched / max(index.looked_up, 1):.0%}"
