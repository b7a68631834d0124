"""Referral rows against a JSONata expression."""

from benchmarks.converting import open_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return open_arms("jsonata_rows", rows=5000, reference_rows=500)


ROW = Row(
    name="mapping.referral_rows_vs_jsonata",
    unit="rows per CPU-second",
    better=Better.HIGHER,
    goal=5.0,
    meaning=(
        "how many times faster our reading, mapping and writing of a referral file is than csv, "
        "one JSONata expression for this one file and orjson, which check nothing, for the same "
        "resources"
    ),
    value=per_cpu_second,
    open=_open,
)
