"""The bridge's server, except that it looks at consent before it takes the lock, not under it.

The decision is taken in one transaction and what leaves is entered in the next: the fault that the
races of reads against revocations must find. Usage: ``python hasty_server.py HOME [serve's]``.
"""

import sys

from bridge.cli import main
from bridge.gate import Gate, Query, ReleasedResource
from bridge.identity import Caller
from bridge.store.engine import write


def read_hastily(
    self: Gate, caller: Caller, kind: str, record_id: str, request: str = ""
) -> ReleasedResource | None:
    query = Query(kind, ids=(record_id,), limit=1, interaction="read")
    with self._engine.begin() as connection:
        viewer = self._viewer(connection, caller)
        found, _ = self._reached(connection, (caller, viewer), query)
    with write(self._engine) as connection:
        self._entered(connection, viewer, found, request)
    return found[0].released if found else None


# Not below: each worker imports this module under another name.
setattr(Gate, "read", read_hastily)  # noqa: B010 - a method is replaced on purpose

if __name__ == "__main__":
    sys.argv = ["schoolbridge", "serve", "--home", *sys.argv[1:]]
    main()
