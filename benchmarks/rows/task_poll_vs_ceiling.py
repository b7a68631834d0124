"""A poll for Tasks that changed since an instant: our server against the least one can do."""

from benchmarks.arms.stored import COUNT
from benchmarks.large_server import Asked, Large, party_of, query, row, stored_of
from benchmarks.references import CEILING


def _asked(large: Large) -> Asked:
    party, kind = party_of(large), "/fhir/Task"
    asked = {"owner": party, "_count": COUNT}
    since = "2020-01-01T00:00:00Z"
    pages = large.pages(query(kind, **asked, _lastUpdated=f"gt{since}", status="requested"))
    stored = [each for _, bundle in pages for each in stored_of(bundle, "owner")]
    ours = [("GET", path, b"") for path, _ in pages]
    theirs = [
        ("GET", query(kind, **asked, status="requested", after=n * COUNT), b"")
        for n in range(len(pages))
    ]
    return Asked(ours, theirs, stored)


ROW = row(
    ("task_poll", CEILING),
    2.2,
    "to poll Tasks by owner and _lastUpdated, 20 resources",
    _asked,
    (160, 1600),
)
