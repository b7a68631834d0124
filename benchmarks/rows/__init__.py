"""All rows, in the order of the report. A new row is one file here and one line below."""

from benchmarks.frame import Row
from benchmarks.rows import (
    read_vs_ceiling,
    referral_rows_vs_dict_orjson,
    referral_rows_vs_naive_fhir_resources,
)

ROWS: tuple[Row, ...] = (
    referral_rows_vs_naive_fhir_resources.ROW,
    referral_rows_vs_dict_orjson.ROW,
    read_vs_ceiling.ROW,
)
