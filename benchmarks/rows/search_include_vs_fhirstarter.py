"""A page of ServiceRequests with Patients: our server against a framework that builds models."""

from benchmarks.large_server import row
from benchmarks.references import FHIRSTARTER
from benchmarks.rows.search_include_vs_ceiling import asked

ROW = row(
    ("search_include", FHIRSTARTER),
    0.012,
    "to search ServiceRequests by performer and status with their Patients, 20 + 20 resources",
    asked,
    (160, 80),
)
