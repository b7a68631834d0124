"""Recording one session: our server against a server that checks nothing and commits."""

from benchmarks.large_server import Asked, Large, row
from benchmarks.sessions import sessions


def _asked(large: Large) -> Asked:
    made = sessions(large)
    return Asked((), [made.single()], renewed=lambda: [made.single() for _ in range(200)])


ROW = row("server.create_vs_ceiling", 3.5, "to create an Encounter", _asked, (200, 1600))
