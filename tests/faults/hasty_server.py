"""The bridge's server, except that it looks at consent before it takes the lock, not under it.

The decision is taken in one transaction and what leaves is entered in the next: the fault that the
races of reads against revocations must find. Usage: ``python hasty_server.py HOME [serve's]``.
"""

import sys
import time
from collections.abc import Sequence

from bridge.cli import main
from bridge.errors import UnauthorizedError
from bridge.gate import Gate, Query, ReleasedResource
from bridge.gate.together import Asked, Together
from bridge.identity import Caller, caller_of
from bridge.store.engine import write

# As long as a revocation takes: it has to fit in between.
GAP_SECONDS = 0.02


def attempted(self: Together, batch: Sequence[Asked], *, alone: bool = False) -> Sequence[Asked]:
    del alone
    for asked in batch:
        with self._engine.begin() as connection:
            caller = caller_of(connection, asked.bearer, self._clock)
        if caller is None:
            asked.error = UnauthorizedError()
            continue
        asked.found = read_hastily(self._gate, caller, (asked.kind, asked.record_id), asked.request)
    return ()


def read_hastily(
    self: Gate, caller: Caller, key: tuple[str, str], request: str
) -> ReleasedResource | None:
    query = Query(key[0], ids=(key[1],), limit=1, interaction="read")
    with self._engine.begin() as connection:
        viewer = self._viewer(connection, caller)
        found, _ = self._reached(connection, (caller, viewer), query)
    # A busy machine puts it between the two; an idle one would need thousands of races.
    time.sleep(GAP_SECONDS)
    with write(self._engine) as connection:
        self._entered(connection, viewer, found, request)
    return found[0].released if found else None


# Not below: each worker imports this module under another name.
setattr(Together, "_attempted", attempted)  # noqa: B010 - a method is replaced on purpose

if __name__ == "__main__":
    sys.argv = ["schoolbridge", "serve", "--home", *sys.argv[1:]]
    main()
