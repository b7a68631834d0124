"""What a hub keeps of one bridge: rows in files, and how far an export under way has come.

A file is whole or not there. What an export under way has fetched stands apart, with its digests,
until everything has come; then it takes the place of what was collected before.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Final

import orjson

from bridge.errors import BridgeError
from bridge.files import written_whole
from bridge.hub.counts import COLLECTED
from bridge.hub.rows import RowRefused, checked

NOTICES: Final = "OperationOutcome"
KINDS: Final = (*COLLECTED, NOTICES)


class AlreadyCollecting(BridgeError):  # noqa: N818 - says what is so
    """Another collector has this bridge in hand."""


def name_of(url: str) -> str:
    """Return the name a file is kept under while an export is under way.

    It follows from the address: a manifest that is asked for again may name fewer files.
    """
    return hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file of an export that has been fetched and looked at."""

    kind: str
    rows: int
    sha256: str


@dataclass(slots=True)
class UnderWay:
    """An export that has been begun.

    Attributes:
        place: where its manifest is.
        asked: what it was asked for: another question is another export.
        transaction_time: as of when it is; "" until the manifest has come.
        fetched: by the name it is kept under (:func:`name_of`), in the order of the manifest once
            all has come.
    """

    place: str
    asked: str
    transaction_time: str = ""
    fetched: dict[str, Fetched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collection:
    """The folder of one bridge."""

    folder: Path

    @contextmanager
    def leased(self) -> Iterator[None]:
        """Keep other collectors away; a collector that dies gives its lease up.

        Raises:
            AlreadyCollecting: one is at work.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(self.folder / ".lease", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyCollecting("another collector is at work on this bridge") from None
        else:
            yield
        finally:
            os.close(opened)

    @property
    def last_time(self) -> str:
        """As of when the last complete run was; "" if there was none."""
        try:
            return str(json.loads(self._done.read_text(encoding="utf-8"))["transactionTime"])
        except (OSError, ValueError, KeyError):
            return ""

    def under_way(self, asked: str) -> UnderWay | None:
        """Return the export that was begun for a question and not ended, if there is one."""
        try:
            kept = json.loads((self._apart / "export.json").read_text(encoding="utf-8"))
            fetched = {name: Fetched(**each) for name, each in kept.pop("fetched").items()}
            found = UnderWay(**kept, fetched=fetched)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found.asked == asked else None

    def note(self, under_way: UnderWay) -> None:
        """Keep how far an export has come."""
        self._apart.mkdir(mode=0o700, exist_ok=True)
        with written_whole(self._apart / "export.json", replace=True) as new:
            new.write_text(json.dumps(asdict(under_way)), encoding="utf-8")

    def give_up(self) -> None:
        """Forget an export under way and what was fetched of it."""
        rmtree(self._apart, ignore_errors=True)

    def has(self, name: str, fetched: Fetched) -> bool:
        """Tell whether a file that was fetched is there as it was."""
        try:
            with self._part(name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == fetched.sha256
        except OSError:
            return False

    def fetch(self, name: str, kind: str, lines: Iterable[bytes]) -> Fetched:
        """Look at each line of a file and keep it; it appears when it is whole.

        Raises:
            RowRefused: a line is not as it should be; nothing of the file is kept.
        """
        digest, rows, seen = hashlib.sha256(), 0, set[str]()
        with written_whole(self._part(name), replace=True) as new, new.open("wb") as file:
            for rows, line in enumerate(lines, 1):
                record_id = _looked_at(line, kind, rows)
                if record_id and record_id in seen:
                    raise RowRefused(f"{kind}, line {rows}: stands there twice")
                seen.add(record_id)
                digest.update(line + b"\n")
                file.write(line + b"\n")
        return Fetched(kind, rows, digest.hexdigest())

    def complete(
        self, under_way: UnderWay, deleted: Iterable[tuple[str, str]], *, whole: bool
    ) -> dict[str, int]:
        """Put what was fetched in the place of what was there, or add it; returns rows by type."""
        gone: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for kind, record_id in deleted:
            gone.get(kind, set()).add(record_id)
        counts = {kind: self._renew(under_way, kind, gone[kind], whole=whole) for kind in KINDS}
        said = {"transactionTime": under_way.transaction_time, "whole": whole, "rows": counts}
        with written_whole(self._done, replace=True) as new:
            new.write_text(json.dumps(said), encoding="utf-8")
        self.give_up()
        return counts

    def _renew(self, under_way: UnderWay, kind: str, gone: set[str], *, whole: bool) -> int:
        names = [name for name, each in under_way.fetched.items() if each.kind == kind]
        rows, seen = 0, gone
        renewed = written_whole(self.folder / f"{kind}.ndjson", replace=True)
        with renewed as new, new.open("wb") as file:
            for line in (each for name in names for each in _lines(self._part(name))):
                file.write(line)
                rows += 1
                if not whole:
                    seen.add(_id(line))
            for line in () if whole or kind == NOTICES else self._kept(kind):
                if _id(line) not in seen:
                    file.write(line)
                    rows += 1
        return rows

    def _kept(self, kind: str) -> Iterator[bytes]:
        return _lines(self.folder / f"{kind}.ndjson")

    @property
    def _apart(self) -> Path:
        return self.folder / "under-way"

    @property
    def _done(self) -> Path:
        return self.folder / "collected.json"

    def _part(self, name: str) -> Path:
        return self._apart / f"{name}.ndjson"


def _looked_at(line: bytes, kind: str, number: int) -> str:
    try:
        return checked(line, kind)
    except RowRefused as refused:
        raise RowRefused(f"{kind}, line {number}: {refused}") from None


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file


def _id(line: bytes) -> str:
    row: Mapping[str, str] = orjson.loads(line)
    return row.get("id", "")
