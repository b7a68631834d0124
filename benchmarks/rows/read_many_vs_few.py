"""What reading one ServiceRequest costs more where there are many."""

from benchmarks.large_server import growth_row
from benchmarks.rows.read_vs_ceiling import asked

ROW = growth_row("server.read_many_vs_few", "to read a ServiceRequest", asked, 2000)
