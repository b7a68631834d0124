"""Counts leave only after suppression, and the gate looks for itself."""

from collections.abc import Mapping, Sequence

from bridge.errors import GateError
from bridge.gate.released import GATE_MARK, ReleasedCounts


def release_counts(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    notes: Sequence[str],
    minimum: int,
) -> ReleasedCounts:
    """Release a table of counts.

    Raises:
        GateError: a cell shows a count from 1 to ``minimum`` less one.
    """
    for row in rows:
        for column in columns:
            text = row[column]
            if text.isdecimal() and 0 < int(text) < minimum:
                raise GateError(f"column {column} shows a small cell; nothing was released")
    return ReleasedCounts(tuple(columns), tuple(rows), tuple(notes), GATE_MARK)
