"""Referral rows against a Liquid template, without the converter around it."""

from benchmarks.converting import open_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return open_arms("liquid_engine", rows=5000, reference_rows=1000)


ROW = Row(
    name="mapping.referral_rows_vs_liquid_engine",
    unit="rows per CPU-second",
    better=Better.HIGHER,
    goal=5.0,
    meaning=(
        "the same template in python-liquid alone, its JSON read once and written a line a "
        "resource, nothing checked"
    ),
    value=per_cpu_second,
    open=_open,
)
