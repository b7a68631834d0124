"""The hub collects coded rows from bridges and counts them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final

from bridge.errors import BridgeError
from bridge.gate import ReleasedCounts, release_counts
from bridge.hub.collection import KINDS, Collection, Fetched, UnderWay, name_of
from bridge.hub.counts import COLLECTED, count_rows
from bridge.hub.published import Register
from bridge.hub.rows import RowRefused, deleted_in
from bridge.hub.suppression import COLUMNS, Suppression, notes
from bridge.outbound import BackendClient, File, Manifest, OutboundError

AT_ONCE: Final = 32
"""So many bridges are collected from at the same time: one that is slow holds nobody up."""
FILES_AT_ONCE: Final = 4
"""So many files of one bridge are fetched at the same time."""
TRIES: Final = 3
"""How often one file is asked for that breaks off."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to collect.

    Attributes:
        group: id of a Group of the bridge; "" for all it may give.
        since_last: only what changed since the last complete run, added to what is there. What was
            withheld since stays until the next whole run, which puts everything anew.
    """

    group: str = ""
    since_last: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one bridge: rows by type, or why not."""

    name: str
    rows: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything came and is as it should be."""
        return not self.problem


ALL: Final = Wanted()
_TOLD_EVERY: Final = 1000
Asked = tuple[str, Callable[[], BackendClient], Wanted]
"""A bridge: its name, what makes the client that asks it, and what to collect."""


Came = Callable[[str, int], None]
"""Is told a type of rows, and how many of it have come."""


def _unwatched(*_: object) -> None:
    """Leave how far it has come to itself."""


def collect_all(
    clients: Sequence[Asked], folder: Path, came: Callable[[str, str, int], None] = _unwatched
) -> list[Outcome]:
    """Collect from several bridges at once, each into a folder of its own name.

    What goes wrong with one is told of that one and changes nothing for the others. How far each
    has come is told to ``came``: the name of the bridge, a type of rows, and how many there are.
    """
    with ThreadPoolExecutor(max(1, min(AT_ONCE, len(clients)))) as pool:
        done = [pool.submit(_outcome, each, folder, partial(came, each[0])) for each in clients]
        return [_of(asked, each) for asked, each in zip(clients, done, strict=True)]


def _of(asked: Asked, done: Future[Outcome]) -> Outcome:
    """Return what came of one bridge, also where it sent what nobody thought of."""
    error = done.exception()
    if isinstance(error, Exception):
        problem = f"what it sent could not be taken: {type(error).__name__}"
        return Outcome(asked[0], problem=problem)
    return done.result()


def _outcome(asked: Asked, folder: Path, came: Came) -> Outcome:
    name, client, wanted = asked
    try:
        return Outcome(name, collect(client(), folder / name, wanted, came))
    except (BridgeError, OutboundError) as error:
        return Outcome(name, problem=str(error))
    except OSError as error:
        return Outcome(name, problem=f"the folder cannot be written: {type(error).__name__}")


def collect(
    client: BackendClient, folder: Path, wanted: Wanted = ALL, came: Came = _unwatched
) -> dict[str, int]:
    """Collect every type the hub counts into one NDJSON file each; returns rows by type.

    The notices that ride with them are kept beside them, as OperationOutcome. The files appear
    whole, for their owner alone, after everything has arrived and was looked at. Where a collector
    was killed, the next one goes on with the files it had.

    Raises:
        OutboundError: the bridge refused, did not answer, or sent what was not asked for; what was
            collected before stays.
        RowRefused: a row is not as it should be; what was collected before stays.
        AlreadyCollecting: another collector is at work.
    """
    kept = Collection(folder)
    with kept.leased():
        under_way, manifest = _begun(client, kept, wanted)
        fetching = _Fetching(client, kept, under_way, came)
        fetching.fetch_all(manifest.files)
        fetching.check_sent()
        whole = "&_since=" not in under_way.asked
        lines = (line for file in manifest.deleted for line in client.lines(file.url))
        deleted = [each for line in lines for each in deleted_in(line)]
        counts = kept.complete(under_way, deleted, whole=whole)
        client.drop(under_way.place)
    return counts


def _begun(client: BackendClient, kept: Collection, wanted: Wanted) -> tuple[UnderWay, Manifest]:
    """Go on with the export that is under way for the same question, or begin one."""
    since = kept.last_time if wanted.since_last else ""
    asked = f"group={wanted.group}" + (f"&_since={since}" if since else "")
    under_way = kept.under_way(asked)
    manifest = client.manifest(under_way.place) if under_way else None
    if under_way and manifest and manifest.transaction_time == under_way.transaction_time:
        return under_way, _asked_for(manifest)
    kept.give_up()
    place = client.kick_off(COLLECTED, since, wanted.group)
    manifest = client.manifest(place)
    if manifest is None:
        raise OutboundError("the export was there and is gone")
    under_way = UnderWay(place, asked, manifest.transaction_time)
    kept.note(under_way)
    return under_way, _asked_for(manifest)


def _asked_for(manifest: Manifest) -> Manifest:
    if any(file.type not in KINDS for file in manifest.files):
        raise OutboundError("the partner sent a type that was not asked for")
    if len({file.url for file in manifest.files}) < len(manifest.files):
        raise OutboundError("the partner's manifest names a file twice")
    return manifest


@dataclass(frozen=True, slots=True)
class _Fetching:
    """The files of one export being fetched, a few at once; one that breaks off costs itself."""

    client: BackendClient
    kept: Collection
    under_way: UnderWay
    came: Came
    rows: Counter[str] = field(default_factory=Counter)
    noting: Lock = field(default_factory=Lock)

    def fetch_all(self, files: Sequence[File]) -> None:
        """Fetch what is not there yet; afterwards what was fetched stands in the order given."""
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            begun = [pool.submit(self._fetch, each) for each in files]
            try:
                for each in as_completed(begun):
                    each.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        fetched = self.under_way.fetched
        self.under_way.fetched = {name_of(each.url): fetched[name_of(each.url)] for each in files}

    def check_sent(self) -> None:
        """Ask the bridge what it sent, where it says so, and compare.

        Raises:
            RowRefused: a file is not what was sent; the next run fetches it anew.
        """
        manifest = self.client.manifest(self.under_way.place)
        for file in manifest.files if manifest else ():
            name = name_of(file.url)
            there = self.under_way.fetched.get(name)
            if there and file.sent and file.sent != (there.rows, there.sha256):
                del self.under_way.fetched[name]
                self.kept.note(self.under_way)
                raise RowRefused(f"{file.type}: what came is not what the partner says it sent")

    def _fetch(self, file: File) -> None:
        """Fetch a file, unless it is there already as it was fetched."""
        name = name_of(file.url)
        before = self.under_way.fetched.get(name)
        if before and before.kind == file.type and self.kept.has(name, before):
            return
        fetched = self._whole(name, file)
        if file.count is not None and fetched.rows != file.count:
            text = f"{file.type}: {fetched.rows} rows came, the manifest says {file.count}"
            raise RowRefused(text)
        with self.noting:
            self.under_way.fetched[name] = fetched
            self.kept.note(self.under_way)

    def _whole(self, name: str, file: File) -> Fetched:
        """Fetch a file from its beginning, and again where it breaks off."""
        for left in reversed(range(TRIES)):
            lines = self._told(self.client.lines(file.url), file.type)
            with suppress(*((OutboundError,) if left else ())):
                return self.kept.fetch(name, file.type, lines)
        raise OutboundError("no answer")  # not reached: the last attempt returns or raises

    def _told(self, lines: Iterable[bytes], kind: str) -> Iterator[bytes]:
        """Yield the lines of a file and tell how many of its type have come."""
        rows, whole = 0, False
        try:
            for rows, line in enumerate(lines, 1):
                if rows % _TOLD_EVERY == 0:
                    self._more(kind, _TOLD_EVERY)
                yield line
            self._more(kind, rows % _TOLD_EVERY)
            whole = True
        finally:
            if not whole:  # it will come again from its beginning
                self._more(kind, -(rows - rows % _TOLD_EVERY))

    def _more(self, kind: str, rows: int) -> None:
        with self.noting:
            self.rows[kind] += rows
        self.came(kind, self.rows[kind])


def count_table(folders: Sequence[Path], minimum: int, register: Path) -> ReleasedCounts:
    """Count what was collected, hide what would tell of few, and let the table out by the gate.

    Args:
        folders: what was collected, one folder for each bridge.
        minimum: the smallest number of students of whom a count may tell.
        register: the file of what was given out before; what goes out now is added to it first.

    Raises:
        FileNotFoundError: nothing was collected into a folder yet.
        RegisterError: what was given out before is not known.
    """
    given = Register.read(register)
    hidden = Suppression(minimum, partial(given.allows, minimum=minimum))
    rows = hidden.table([row for folder in folders for row in count_rows(folder)])
    released = release_counts(COLUMNS, rows, notes(minimum), minimum)
    given.note(rows)
    return released
