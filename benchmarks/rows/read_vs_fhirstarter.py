"""Reading one ServiceRequest: our server against a framework that answers with models."""

from benchmarks.large_server import row
from benchmarks.references import FHIRSTARTER
from benchmarks.rows.read_vs_ceiling import asked

ROW = row(("read", FHIRSTARTER), 0.03, "to read a ServiceRequest", asked, (2000, 400))
