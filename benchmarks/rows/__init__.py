"""All rows, in the order of the report. A new row is one file here and one line below."""

from benchmarks.frame import Row
from benchmarks.rows import (
    consent_columns_vs_scalar,
    consent_compile_vs_reading,
    consent_decide_vs_cedarpy,
    consent_decide_vs_regopy,
    consent_records_vs_cedarpy,
    group_commit_1_vs_one_each,
    group_commit_8_vs_one_each,
    group_commit_32_vs_one_each,
    read_vs_ceiling,
    referral_rows_vs_dict_orjson,
    referral_rows_vs_jsonata,
    referral_rows_vs_liquid,
    referral_rows_vs_liquid_engine,
    referral_rows_vs_naive_fhir_resources,
    session_messages_vs_hl7_parse,
)

ROWS: tuple[Row, ...] = (
    referral_rows_vs_naive_fhir_resources.ROW,
    referral_rows_vs_dict_orjson.ROW,
    referral_rows_vs_liquid.ROW,
    referral_rows_vs_liquid_engine.ROW,
    referral_rows_vs_jsonata.ROW,
    session_messages_vs_hl7_parse.ROW,
    read_vs_ceiling.ROW,
    group_commit_1_vs_one_each.ROW,
    group_commit_8_vs_one_each.ROW,
    group_commit_32_vs_one_each.ROW,
    consent_decide_vs_cedarpy.ROW,
    consent_records_vs_cedarpy.ROW,
    consent_decide_vs_regopy.ROW,
    consent_columns_vs_scalar.ROW,
    consent_compile_vs_reading.ROW,
)
