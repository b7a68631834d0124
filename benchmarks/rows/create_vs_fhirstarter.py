"""Recording one session: our server against a framework that checks it with models and commits."""

from benchmarks.large_server import row
from benchmarks.references import FHIRSTARTER
from benchmarks.rows.create_vs_ceiling import asked

ROW = row(("create", FHIRSTARTER), 1.0, "to create an Encounter", asked, (200, 400))
