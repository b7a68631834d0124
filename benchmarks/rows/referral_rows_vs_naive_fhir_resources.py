"""Referral rows against FHIR models built by keyword."""

from benchmarks.converting import open_arms
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    return open_arms("fhir_requests", rows=3000, reference_rows=300)


ROW = Row(
    name="mapping.referral_rows_vs_naive_fhir_resources",
    unit="rows per CPU-second",
    better=Better.HIGHER,
    goal=35.0,
    meaning=(
        "how many times faster our reading, mapping and writing of a referral file is than "
        "csv.DictReader, FHIR models built by keyword and model_dump_json for the same resources"
    ),
    value=per_cpu_second,
    open=_open,
)
