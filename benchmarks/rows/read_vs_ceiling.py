"""Reading one ServiceRequest: our server against the least a Python server can do."""

from benchmarks.large_server import Asked, Large, row, stored_of
from benchmarks.references import CEILING


def asked(large: Large) -> Asked:
    pages = large.pages("/fhir/ServiceRequest?_count=200", 2)
    stored = [each for _, bundle in pages for each in stored_of(bundle, "performer")]
    requests = [("GET", f"/fhir/{each.place}", b"") for each in stored]
    return Asked(requests, requests, stored)


ROW = row(("read", CEILING), 2.0, "to read a ServiceRequest", asked, (2000, 6000))
