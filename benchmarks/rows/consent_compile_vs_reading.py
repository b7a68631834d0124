"""Compiling an agreement against reading its papers."""

from benchmarks.consent_requests import compile_arms
from benchmarks.frame import Arms, Better, Row, cpu_milliseconds


def _open() -> Arms:
    return compile_arms()


ROW = Row(
    name="consent.compile_vs_reading",
    unit="ms of CPU per agreement",
    better=Better.LOWER,
    goal=1.0,
    meaning=(
        "compiling an agreement to its table, slices and digest, as a share of reading its two "
        "papers strictly; the table must be that of the papers read anew"
    ),
    value=cpu_milliseconds,
    open=_open,
    figure=1000.0,
)
