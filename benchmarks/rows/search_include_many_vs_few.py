"""What a page of ServiceRequests and Patients costs more where there are many."""

from benchmarks.large_server import growth_row
from benchmarks.rows.search_include_vs_ceiling import asked

ROW = growth_row(
    "server.search_include_many_vs_few",
    "to search ServiceRequests by performer and status with their Patients, 20 + 20 resources,",
    asked,
    160,
)
