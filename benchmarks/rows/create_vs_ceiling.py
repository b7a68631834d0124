"""Recording one session: our server against a server that checks nothing and commits."""

from benchmarks.large_server import Asked, Large, row
from benchmarks.references import CEILING
from benchmarks.sessions import sessions


def asked(large: Large) -> Asked:
    made = sessions(large)
    return Asked((), [made.single()], renewed=lambda: [made.single() for _ in range(200)])


ROW = row(("create", CEILING), 3.5, "to create an Encounter", asked, (200, 1600))
