"""The hub collects coded rows from a bridge and counts them."""

from collections.abc import Sequence
from pathlib import Path

from bridge.gate import ReleasedCounts, release_counts
from bridge.hub.counts import COLLECTED, count_rows
from bridge.hub.suppression import COLUMNS, notes, suppressed
from bridge.outbound import BackendClient

NOTICES = "OperationOutcome"


def collect(client: BackendClient, folder: Path) -> dict[str, int]:
    """Collect every type the hub counts into one NDJSON file each; returns rows by type.

    The notices that ride with them are kept beside them, as OperationOutcome.

    The files appear whole, under their names, after everything has arrived.

    Raises:
        OutboundError: the bridge refused or did not answer; what was collected before stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys((*COLLECTED, NOTICES), 0)
    partial = {kind: folder / f"{kind}.ndjson.part" for kind in counts}
    files = {kind: path.open("wb") for kind, path in partial.items()}
    try:
        for kind, line in client.export(COLLECTED):
            files[kind].write(line + b"\n")
            counts[kind] += 1
    finally:
        for file in files.values():
            file.close()
    for kind, path in partial.items():
        path.replace(folder / f"{kind}.ndjson")
    return counts


def count_table(folders: Sequence[Path], minimum: int) -> ReleasedCounts:
    """Count what was collected, hide small cells, and let the table out through the gate."""
    rows = [row for folder in folders for row in count_rows(folder)]
    return release_counts(COLUMNS, suppressed(rows, minimum), notes(minimum), minimum)
