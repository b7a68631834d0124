"""The hub collects coded rows from a bridge and counts them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from bridge.files import written_whole
from bridge.gate import ReleasedCounts, release_counts
from bridge.hub.counts import COLLECTED, count_rows
from bridge.hub.suppression import COLUMNS, notes, suppressed
from bridge.outbound import BackendClient, OutboundError

NOTICES = "OperationOutcome"


def collect(client: BackendClient, folder: Path) -> dict[str, int]:
    """Collect every type the hub counts into one NDJSON file each; returns rows by type.

    The notices that ride with them are kept beside them, as OperationOutcome.

    The files appear whole, under their names and for their owner alone, after everything has
    arrived.

    Raises:
        OutboundError: the bridge refused, did not answer, or sent what was not asked for; what was
            collected before stays.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = dict.fromkeys((*COLLECTED, NOTICES), 0)
    with ExitStack() as stack:
        # Closed first, then put in their places: what is entered last is left first.
        made = {k: stack.enter_context(_file(folder, k)) for k in counts}
        files = {k: stack.enter_context(path.open("wb")) for k, path in made.items()}
        for kind, line in client.export(COLLECTED):
            if kind not in files:
                raise OutboundError("the partner sent a type that was not asked for")
            files[kind].write(line + b"\n")
            counts[kind] += 1
    return counts


def _file(folder: Path, kind: str) -> AbstractContextManager[Path]:
    return written_whole(folder / f"{kind}.ndjson", replace=True)


def count_table(folders: Sequence[Path], minimum: int) -> ReleasedCounts:
    """Count what was collected, hide small cells, and let the table out through the gate."""
    rows = [row for folder in folders for row in count_rows(folder)]
    return release_counts(COLUMNS, suppressed(rows, minimum), notes(minimum), minimum)
