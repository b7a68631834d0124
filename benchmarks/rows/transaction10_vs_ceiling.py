"""A transaction of ten sessions: our server against a server that checks nothing and commits."""

from benchmarks.large_server import Asked, Large, row
from benchmarks.references import CEILING
from benchmarks.sessions import sessions


def _asked(large: Large) -> Asked:
    made = sessions(large)
    return Asked((), [made.ten()], renewed=lambda: [made.ten() for _ in range(40)])


ROW = row(
    ("transaction10", CEILING),
    3.5,
    "for a transaction of 10 Encounters, each checked",
    _asked,
    (40, 800),
)
