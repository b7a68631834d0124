"""One slice for a million records at once against one record at a time."""

from benchmarks.consent_requests import column_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return column_arms()


ROW = Row(
    name="consent.columns_vs_scalar",
    unit="decisions per CPU-second",
    better=Better.HIGHER,
    goal=10.0,
    meaning=(
        "how many times more decisions of one slice (13 facts matter) columns make, from one "
        "packed number a record to one byte a record, than one record at a time"
    ),
    value=per_cpu_second,
    open=_open,
    figure=20_000_000.0,
)
