"""The heads of the logs, kept in a file outside of the database.

Who puts an older copy of the database in place does not put an older file beside it; so the file
tells of it. Whoever can change both can deceive us, but not the parties who keep heads of their
own (``schoolbridge ledger remember`` brings such heads in).
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.files import written_whole
from bridge.ledger.errors import LedgerDamaged
from bridge.ledger.halting import KnownHead

_RESTORED: Final = "restored without heads"


@dataclass(frozen=True, slots=True)
class Witness:
    """What the file says.

    Attributes:
        heads: the longest head seen of each log.
        restored: whether a copy was put in place and nobody has said how long its logs had been.
    """

    heads: Mapping[str, KnownHead] = field(default_factory=dict)
    restored: bool = False


def read_witness(file: Path) -> Witness:
    """Return what the file says; nothing where there is none.

    Raises:
        LedgerDamaged: it cannot be read, so that nobody can say what it said.
    """
    try:
        said = json.loads(file.read_bytes())
        heads = {log: _known(head) for log, head in said["heads"].items()}
        return Witness(heads, restored=bool(said.get(_RESTORED)))
    except FileNotFoundError:
        return Witness()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LedgerDamaged(f"{file.name} cannot be read; put back the one of before") from None


def read_heads(text: bytes) -> dict[str, KnownHead]:
    """Return heads as ``schoolbridge ledger head --json`` prints them.

    Raises:
        ValueError: they are not written like that.
    """
    try:
        return {log: _known(head) for log, head in json.loads(text).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("not the output of: schoolbridge ledger head --json") from None


@contextmanager
def changing(file: Path) -> Iterator[dict[str, KnownHead]]:
    """Yield the heads to be changed, and write them for good; no other process does meanwhile."""
    with file.with_name(f"{file.name}-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_witness(file)
        heads = dict(before.heads)
        yield heads
        if heads != before.heads or before.restored:
            _write(file, Witness(heads))


def keep_longest(file: Path, heads: Mapping[str, KnownHead]) -> None:
    """Keep each head that is longer than the one kept."""
    said = read_witness(file)
    if said.restored or _longer(heads, said.heads):
        with changing(file) as kept:
            kept.update(_longer(heads, kept))


def _longer(heads: Mapping[str, KnownHead], kept: Mapping[str, KnownHead]) -> dict[str, KnownHead]:
    return {log: h for log, h in heads.items() if log not in kept or kept[log].size < h.size}


def note_restored(file: Path) -> None:
    """Note that a copy was put in place without anybody's heads."""
    _write(file, Witness(read_witness(file).heads, restored=True))


def _known(head: Mapping[str, object]) -> KnownHead:
    size, root = head["size"], bytes.fromhex(str(head["root"]))
    if not isinstance(size, int) or size < 0 or len(root) != 32:
        raise ValueError("no head")
    return KnownHead(size, root)


def _write(file: Path, witness: Witness) -> None:
    heads = {log: {"size": h.size, "root": h.root.hex()} for log, h in witness.heads.items()}
    said = {"heads": heads, _RESTORED: witness.restored}
    with written_whole(file, replace=True) as made:
        made.write_text(json.dumps(said, indent=1, sort_keys=True), encoding="utf-8")
