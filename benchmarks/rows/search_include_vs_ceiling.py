"""A page of 20 ServiceRequests and their 20 Patients: our server against the least one can do."""

from benchmarks.arms.stored import COUNT
from benchmarks.large_server import Asked, Large, party_of, query, row, stored_of
from benchmarks.references import CEILING


def asked(large: Large) -> Asked:
    party, kind = party_of(large), "/fhir/ServiceRequest"
    asked = {"performer": party, "status": "active", "_count": COUNT}
    pages = large.pages(query(kind, **asked, _include="ServiceRequest:patient"))
    stored = [each for _, bundle in pages for each in stored_of(bundle, "performer")]
    ours = [("GET", path, b"") for path, _ in pages]
    theirs = [("GET", query(kind, **asked, after=n * COUNT), b"") for n in range(len(pages))]
    return Asked(ours, theirs, stored)


ROW = row(
    ("search_include", CEILING),
    2.2,
    "to search ServiceRequests by performer and status with their Patients, 20 + 20 resources",
    asked,
    (160, 1600),
)
