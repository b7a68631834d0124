"""A map is tried out: files to FHIR resources in a folder, nothing stored."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, Final, Self

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from bridge.journeys.files.run_maps import compiled_map, named
from mappings.canonical import Referral, ServiceSession, StudentScreening
from mappings.fhir import (
    DistrictSystems,
    ReferralContext,
    SessionContext,
    screening_resources,
    session_resources,
)
from mappings.fhir.canonicals import BASE
from mappings.fhir.check import to_bytes
from mappings.fhir.elements import Json
from mappings.fhir.errors import FhirError
from mappings.fhir.shapes import ShapeChecker
from mappings.fhir.writing import InvalidResourceError, Line, ReferralWriter
from mappings.language import Held, Mapped, Record, Run, RunReport, Share
from mappings.readers import SourceError


@dataclass(frozen=True, slots=True)
class MapResult:
    """Resources written by type, and the rows held: file, row, reasons.

    ``mark`` stands in the names of the files where several processes wrote.
    """

    resources: dict[str, int]
    held: tuple[tuple[str, int, tuple[str, ...]], ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """What a run wrote, and its report."""

    result: MapResult
    report: RunReport


_ROWS: Final = 64  # their resources, about half a megabyte, stay in the cache


# A trial's identifiers are told to no one, so nothing needs to be kept secret from anyone.
_IDENTIFIERS = Identifiers("a trial run of a map, outside any deployment")


class _AnySchool(dict[str, str]):
    """Knows every school by its code: a trial has no directory yet."""

    def __missing__(self, code: str) -> str:
        self[code] = school_id = _IDENTIFIERS.issue("school", code)
        return school_id


def map_files(run: Run, out: Path) -> MapResult:
    """Write what a run maps as NDJSON, one file a resource type; each shape is checked in full.

    The folder must be new or empty; files appear under their names once they are whole.

    Raises:
        BridgeError: the folder holds something, the map is of a roster, or what is made of a row is
            not valid.
    """
    rows = iter(run)
    with _emptied_on_failure(out):
        # A file that cannot be read is refused before anything is written.
        first = next(rows, None)
        out.mkdir(parents=True, exist_ok=True)
        return _published(out, _write(_chained(first, rows), out, ""))


def map_files_together(map_id: str, files: Sequence[Path], out: Path, processes: int) -> Together:
    """Do :meth:`map_files` in several processes, each of which writes files of its own.

    Args:
        map_id: a shipped map's id, or a map's file.
        files: files, or ROLE=FILE.
        out: a new or empty folder; ``Patient.1.ndjson`` is of the first rows. Of a large file there
            is one more than processes: some rows are mapped while it is gone through.
        processes: how many.

    Raises:
        BridgeError: as for one process, or a process ended before its time.
        SourceError: a file cannot be used; nothing was written.
    """
    with _emptied_on_failure(out), _processes(processes) as pool:
        for _ in range(processes):
            pool.submit(_ready)  # they start while the file is gone through
        started: list[Future[Together]] = []
        work = (map_id, list(files), out)
        for number, share in enumerate(compiled_map(map_id).divide(named(files), processes), 1):
            out.mkdir(parents=True, exist_ok=True)
            started.append(pool.submit(_map_share, work, number, share))
        out.mkdir(parents=True, exist_ok=True)
        done = [future.result() for future in started]
    report = done[0].report
    for other in done[1:]:
        report.add(other.report)
    results = [_published(out, part.result) for part in done]
    resources: Counter[str] = Counter()
    for result in results:
        resources.update(result.resources)
    held = [row for result in results for row in result.held]
    return Together(MapResult(dict(resources), tuple(held)), report)


def _ready() -> None:
    """Do nothing: to find this, a process must have loaded what it needs."""


def _map_share(work: tuple[str, list[Path], Path], number: int, share: Share) -> Together:
    """Map one process's rows into files whose names tell its number.

    Raises:
        BridgeError: anything that went wrong; other errors cannot all be handed over.
    """
    map_id, files, out = work
    try:
        run = replace(compiled_map(map_id), share=share).run(named(files))
        result = _write(run, out, f".{number}")
    except SourceError as error:
        raise BridgeError(str(error)) from None
    return Together(result, run.report)


@contextmanager
def _emptied_on_failure(out: Path) -> Iterator[None]:
    """Let a run that fails leave the folder as it was: new or empty.

    Raises:
        BridgeError: the folder holds something.
    """
    new = not out.exists()
    if not new and any(out.iterdir()):
        raise BridgeError("the output folder is not empty; choose a new one")
    with ExitStack() as failing:
        failing.callback(_emptied, out, new)
        yield
        failing.pop_all()


def _emptied(out: Path, new: bool) -> None:
    for part in out.glob("*.part"):
        part.unlink()
    if new and out.exists():
        out.rmdir()


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes; where one of them fails, no further work is begun.

    Raises:
        BridgeError: a process ended before its time.
    """
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        try:
            yield pool
        except BrokenProcessPool:
            raise BridgeError("a process ended before its time; is there enough memory?") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _write(rows: Iterator[Mapped | Held], out: Path, mark: str) -> MapResult:
    """Write rows to ``TYPE<mark>.ndjson.part`` in a folder."""
    held: list[tuple[str, int, tuple[str, ...]]] = []
    trial = _Trial(_trial_context())
    with _LineFiles(out, mark) as files:
        while batch := list(islice(rows, _ROWS)):
            held += [_told(row) for row in batch if isinstance(row, Held)]
            for kind, line in trial.lines([row for row in batch if isinstance(row, Mapped)]):
                files.waiting[kind].append(line)
            files.write()
    return MapResult(files.lines, tuple(held), mark)


def _told(row: Held) -> tuple[str, int, tuple[str, ...]]:
    return (row.origin.file, row.origin.row, tuple(str(reason) for reason in row.reasons))


class _LineFiles:
    """One file for each resource type; lines wait there until some rows' are written together."""

    def __init__(self, out: Path, mark: str) -> None:
        self._out, self._mark = out, mark
        self._files: dict[str, BinaryIO] = {}
        self._open = ExitStack()
        self.waiting: defaultdict[str, list[bytes]] = defaultdict(list)
        self.lines: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._open:
            self.write()

    def write(self) -> None:
        for kind, lines in self.waiting.items():
            if kind not in self._files:
                part = self._out / f"{kind}{self._mark}.ndjson.part"
                self._files[kind] = self._open.enter_context(part.open("wb"))
            self._files[kind].write(b"\n".join([*lines, b""]))
            self.lines[kind] = self.lines.get(kind, 0) + len(lines)
        self.waiting.clear()


def _published(out: Path, result: MapResult) -> MapResult:
    """Give files their names now that all are whole."""
    for kind in result.resources:
        (out / f"{kind}{result.mark}.ndjson.part").replace(out / f"{kind}{result.mark}.ndjson")
    return result


def _chained(first: Mapped | Held | None, rest: Iterator[Mapped | Held]) -> Iterator[Mapped | Held]:
    if first is not None:
        yield first
        yield from rest


class _Trial:
    """Makes the resources of rows; each shape is checked in full once."""

    def __init__(self, context: ReferralContext) -> None:
        self._context = context
        self._referrals = ReferralWriter(context)
        self._shapes = ShapeChecker()

    def lines(self, rows: Sequence[Mapped]) -> list[Line]:
        """Return the resources of rows as JSON, one row's behind the other's.

        Raises:
            BridgeError: the map is of another kind, or what was made is not valid.
        """
        try:
            return self._lines([row.record for row in rows])
        except FhirError as error:
            if len(rows) > 1:
                # One of them: which one is known when they are made one by one.
                return [line for row in rows for line in self.lines([row])]
            origin = rows[0].origin
            where = f"{origin.file} row {origin.row}" if origin else f"row {rows[0].source_row}"
            raise BridgeError(f"{where}: {error}") from None

    def _lines(self, records: list[Record]) -> list[Line]:
        referrals = [record for record in records if isinstance(record, Referral)]
        if len(referrals) == len(records):
            return self._referrals.lines_of(referrals)
        return [line for record in records for line in self._checked(record)]

    def _checked(self, record: Record) -> list[Line]:
        if not isinstance(record, StudentScreening | ServiceSession):
            raise BridgeError("a map of kind roster or answer makes no resources")
        built = self._built(record)
        for resource in built:
            for issue in self._shapes.check(resource):
                raise InvalidResourceError(issue.path, issue.text)
        return [(str(resource["resourceType"]), to_bytes(resource)) for resource in built]

    def _built(self, record: StudentScreening | ServiceSession) -> list[Json]:
        if isinstance(record, StudentScreening):
            return screening_resources(record, self._context)
        if record.patient_id is None:
            raise FhirError("Encounter.subject", "the row carries no student identifier")
        about = SessionContext(
            provider_id=self._context.provider_id,
            patient_id=record.patient_id,
            session_system=f"{BASE}/NamingSystem/session/trial",
            id_for=self._context.id_for,
            recorded_at=self._context.recorded_at,
        )
        return session_resources(record, about)


def _trial_context() -> ReferralContext:
    return ReferralContext(
        district_id=_IDENTIFIERS.issue("district"),
        provider_id=_IDENTIFIERS.issue("provider"),
        school_ids=_AnySchool(),
        id_for=_IDENTIFIERS.issuer(),
        recorded_at=datetime(2000, 1, 1, tzinfo=UTC),
        systems=DistrictSystems.of("trial", "state"),
    )
