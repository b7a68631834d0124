"""The bridge's server, except that it looks at consent before it takes the lock, not under it.

The decision is taken in one transaction and what leaves is entered in the next: the fault that the
races of reads and of exports against revocations must find.
Usage: ``python hasty_server.py HOME [serve's]``.
"""

import sys
import time
from collections.abc import Sequence

from bridge.api import export_files
from bridge.api.export_files import Sending
from bridge.cli import main
from bridge.context import Call
from bridge.errors import UnauthorizedError
from bridge.gate import Gate, Query, ReleasedLines, ReleasedResource
from bridge.gate.exports.coded_rows import CodedRows
from bridge.gate.hot.asked import Asked
from bridge.gate.hot.together import Together
from bridge.gate.released import GATE_MARK
from bridge.identity import Caller, caller_of
from bridge.ledger.append import append
from bridge.ledger.listing import Listed
from bridge.store.database.engine import write
from bridge.store.partners.export_jobs import ExportJob
from bridge.store.stored import Candidate

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


def part_hastily(call: Call, _job: ExportJob, wanted: Query, sending: Sending) -> ReleasedLines:
    if call.caller.party == "hub":
        return coded_hastily(call, wanted, sending.coded)
    gate, caller, engine = call.bridge.gate, call.caller, call.bridge.engine
    with engine.begin() as connection:
        viewer = gate._viewer(connection, caller)
        found, _ = gate._reached(connection, (caller, viewer), wanted)
    time.sleep(GAP_SECONDS)
    with write(engine) as connection:
        gate._entered(connection, viewer, found, call.request_id)
    bodies, reached = [each.released.body for each in found], [each.stored.place for each in found]
    return ReleasedLines.of(bodies, max(reached, default=0), GATE_MARK)


def coded_hastily(call: Call, wanted: Query, coded: CodedRows) -> ReleasedLines:
    engine = call.bridge.engine
    with engine.begin() as connection:
        viewer = call.bridge.gate._viewer(connection, call.caller)
        found, made = coded._made(connection, viewer, wanted)
    time.sleep(GAP_SECONDS)
    with write(engine) as connection:
        entries = [Listed.of(each.of.entry, made.kind, each.rows) for each in made.sets if each.of]
        append(connection, entries, call.bridge.clock)
    reached = Candidate._make(found[-1]).place if found else 0
    return ReleasedLines.of(made.lines, reached, GATE_MARK)


# Not below: each worker imports this module under another name.
setattr(Together, "_attempted", attempted)  # noqa: B010 - a method is replaced on purpose
setattr(export_files, "_part", part_hastily)  # noqa: B010 - a function is replaced on purpose

if __name__ == "__main__":
    sys.argv = ["schoolbridge", "serve", "--home", *sys.argv[1:]]
    main()
