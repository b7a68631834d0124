"""Referral rows against dicts written by hand."""

from benchmarks.converting import open_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return open_arms("plain_dicts", rows=100_000, reference_rows=100_000)


ROW = Row(
    name="mapping.referral_rows_vs_dict_orjson",
    unit="rows per CPU-second",
    better=Better.HIGHER,
    goal=0.95,
    meaning=(
        "our speed as a share of csv, dicts written by hand for this one file and orjson, which "
        "check nothing, for the same resources of 100,000 rows (0.5 at the very least)"
    ),
    value=per_cpu_second,
    open=_open,
)
