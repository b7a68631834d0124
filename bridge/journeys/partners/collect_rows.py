"""The hub collects coded rows from bridges and counts them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.gate import ReleasedCounts, release_counts
from bridge.hub.collection import KINDS, Collection, Fetched, UnderWay
from bridge.hub.counts import COLLECTED, count_rows
from bridge.hub.published import Register
from bridge.hub.rows import RowRefused, deleted_in
from bridge.hub.suppression import COLUMNS, Suppression, notes
from bridge.outbound import BackendClient, File, Manifest, OutboundError

AT_ONCE: Final = 32
"""So many bridges are collected from at the same time: one that is slow holds nobody up."""
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
"""Is told a type of rows, and how many of a file of it have come."""


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
        return [each.result() for each in done]


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
        for number, file in enumerate(manifest.files):
            _fetch(client, kept, under_way, (str(number), file), came)
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
    return manifest


def _fetch(
    client: BackendClient,
    kept: Collection,
    under_way: UnderWay,
    wanted: tuple[str, File],
    came: Came,
) -> None:
    """Fetch a file, unless it is there already as it was fetched."""
    number, file = wanted
    before = under_way.fetched.get(number)
    if before and before.kind == file.type and kept.has(number, before):
        return
    fetched = _whole(client, kept, number, file, came)
    if file.count is not None and fetched.rows != file.count:
        raise RowRefused(f"{file.type}: {fetched.rows} rows came, the manifest says {file.count}")
    under_way.fetched[number] = fetched
    kept.note(under_way)


def _whole(client: BackendClient, kept: Collection, number: str, file: File, came: Came) -> Fetched:
    """Fetch a file from its beginning, and again where it breaks off."""
    for _ in range(TRIES - 1):
        with suppress(OutboundError):
            return kept.fetch(number, file.type, _told(client.lines(file.url), file.type, came))
    return kept.fetch(number, file.type, _told(client.lines(file.url), file.type, came))


def _told(lines: Iterable[bytes], kind: str, came: Came) -> Iterator[bytes]:
    rows = 0
    for rows, line in enumerate(lines, 1):
        if rows % _TOLD_EVERY == 0:
            came(kind, rows)
        yield line
    came(kind, rows)


def count_table(folders: Sequence[Path], minimum: int, register: Path) -> ReleasedCounts:
    """Count what was collected, hide what would tell of few, and let the table out by the gate.

    Args:
        folders: what was collected, one folder for each bridge.
        minimum: the smallest number of students of whom a count may tell.
        register: the file of what was given out before; what goes out now is added to it first.

    Raises:
        FileNotFoundError: nothing was collected into a folder yet.
        RegisterUnreadable: what was given out before is not known.
    """
    given = Register.read(register)
    hidden = Suppression(minimum, partial(given.allows, minimum=minimum))
    rows = hidden.table([row for folder in folders for row in count_rows(folder)])
    released = release_counts(COLUMNS, rows, notes(minimum), minimum)
    given.note(rows)
    return released
