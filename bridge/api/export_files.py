"""The files of an export, made part by part while they are sent.

INVARIANT: each part is searched, decided, entered and committed with the job locked: a part made
after a cancelling (or a revocation) was acknowledged does not exist. A file that loses its job on
the way breaks off, so that nobody takes what came for all of it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from bridge.api.export_request import query_of
from bridge.context import Call
from bridge.errors import NotFoundError
from bridge.gate import Query, ReleasedLines
from bridge.gate.exports.coded_rows import CodedRows
from bridge.parts import parts_of
from bridge.store.database.engine import write
from bridge.store.database.outages import OUTAGES
from bridge.store.intake import let_changes_end
from bridge.store.partners.export_jobs import ExportJob, job_of
from bridge.store.partners.export_progress import ExportFile, FileKey, Part, note_broken, note_part

FIRST_PART: Final = 25
PART: Final = 2000
PART_BYTES: Final = 2_000_000
"""So many bytes of stored rows are in memory for a file, and one row more."""
PART_SECONDS: Final = 0.1
"""About how long one part keeps others waiting."""
_MOST_OTHERS: Final = 4
"""On a busy machine a part takes so many times its own work, and smaller ones would not help."""
LEAST_PART: Final = 100
"""Fewer rows at a time would cost more for each, and on a busy machine ever more."""


@dataclass(slots=True)
class Sending:
    """One file while it is sent: which, what makes its rows, and the digest of what has come."""

    file: ExportFile
    coded: CodedRows
    digest: Any = field(default_factory=sha256)

    @property
    def key(self) -> FileKey:
        """Which file it is."""
        return self.file.job_id, self.file.type, self.file.number

    def counted(self, wanted: Query, found: ReleasedLines) -> Part:
        """Return what a part adds to the file."""
        self.digest.update(found.body)
        first = wanted.after_change == self.file.after_change
        last = found.reached <= wanted.after_change
        whole = self.digest.hexdigest() if last else ""
        return Part(found.count, len(found.body), found.reached, first, last, whole)


def parts_of_file(call: Call, job: ExportJob, file: ExportFile) -> Iterator[ReleasedLines]:
    """Yield one file of an export in parts, each as it may be seen when it is made.

    Raises:
        NotFoundError: the job was cancelled or has expired.
        UnauthorizedError: what the caller came in with was taken from it meanwhile.
    """
    wanted = replace(query_of(call, job, file.type), most_bytes=PART_BYTES)
    if file.upto_change is not None:
        wanted = replace(wanted, upto_change=file.upto_change)
    sending = Sending(file, CodedRows(parts_of(call.bridge)))
    after, limit = file.after_change, FIRST_PART
    while True:
        began, worked = time.monotonic(), time.thread_time()
        with _broken_off(call, sending.key):
            released = _part(call, job, replace(wanted, after_change=after, limit=limit), sending)
        if released.reached <= after:
            return
        spent = max(time.thread_time() - worked, (time.monotonic() - began) / _MOST_OTHERS)
        after, limit = released.reached, _fitting(limit, spent)
        if released.count:
            yield released


def _part(call: Call, job: ExportJob, wanted: Query, sending: Sending) -> ReleasedLines:
    bridge = call.bridge
    with write(bridge.engine) as connection:
        if job_of(connection, job.id, job.client_id, bridge.clock.now(), keep=True) is None:
            raise NotFoundError
        let_changes_end(connection)
        found = sending.coded.part(connection, call.caller, wanted, call.request_id)
        if found is None:
            found = bridge.gate.part_noted(connection, call.caller, wanted, call.request_id)
        # Last: who waits for a row of it holds nothing that this transaction still needs.
        note_part(connection, sending.key, sending.counted(wanted, found), bridge.clock.now())
        return found


@contextmanager
def _broken_off(call: Call, key: FileKey) -> Iterator[None]:
    """Note, where a part cannot be made, that its file broke off."""
    made = False
    try:
        yield
        made = True
    finally:
        if not made:
            with suppress(*OUTAGES), write(call.bridge.engine) as connection:
                note_broken(connection, key)


def _fitting(limit: int, seconds: float) -> int:
    """Return how many rows the next part may have, so that others do not wait long for it."""
    in_time = int(limit * PART_SECONDS / max(seconds, 1e-6))
    return min(PART, 2 * limit, max(LEAST_PART, in_time))
