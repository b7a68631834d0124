"""Referral rows against a Liquid template in python-fhir-converter."""

from benchmarks.converting import open_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return open_arms("liquid_converter", rows=5000, reference_rows=1000)


ROW = Row(
    name="mapping.referral_rows_vs_liquid",
    unit="rows per CPU-second",
    better=Better.HIGHER,
    goal=5.0,
    meaning=(
        "how many times faster our reading, mapping and writing of a referral file is than csv "
        "and python-fhir-converter with a Liquid template for this one file, which checks only "
        "that JSON came out, for the same resources"
    ),
    value=per_cpu_second,
    open=_open,
)
