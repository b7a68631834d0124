"""What the gate gives an export: where its files are cut, and what is in each part of one."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bridge.gate.accounts.requests import note_request
from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.duties.owing import owe
from bridge.gate.exports.file_cuts import ends_of_files
from bridge.gate.linking import followed
from bridge.gate.people.side import Side
from bridge.gate.released import GATE_MARK, Released, ReleasedLines, lines_of
from bridge.gate.scope_limits import within_scopes
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.ledger.entry import Entry
from bridge.ledger.listing import Listed, ListedRows
from bridge.store.search.query import Query


class ExportSide(Side):
    """The part of :class:`bridge.gate.gate.Gate` that is for exports."""

    @abstractmethod
    def _reached(
        self, connection: Connection, asking: tuple[Caller, Viewer], query: Query
    ) -> tuple[list[Disclosure], int | None]:
        """Search within the limits of the caller's scopes, and decide."""

    def file_ends(
        self, connection: Connection, caller: Caller, query: Query
    ) -> tuple[int, ...] | None:
        """Do :func:`bridge.gate.exports.file_cuts.ends_of_files` for a caller."""
        viewer, now = self._viewer(connection, caller), self._clock.now()
        within = within_scopes(caller, followed(connection, (caller, viewer), query, now))
        known = (self._identifiers, now)
        return ends_of_files(connection, viewer, within, known) if within else None

    def part_noted(
        self, connection: Connection, caller: Caller, query: Query, request: str
    ) -> ReleasedLines:
        """Release what a query finds as a part of a file, in a write transaction.

        Raises:
            GateError: the decision could not be taken or written down; nothing left.
            UnauthorizedError: what the caller came in with was taken from it meanwhile.
        """
        came = self._clock.now()
        viewer = self._viewer(connection, caller)
        query = followed(connection, (caller, viewer), query, came)
        told, total = self._reached(connection, (caller, viewer), query)
        append(connection, listed(viewer, told, self._identifiers, request), self._clock)
        owe(connection, self._identifiers, viewer, told, self._clock)
        last = (told[-1].stored.place, "") if told else (0, "")
        matches = tuple(each.released for each in told)
        found = Released(matches, total=total, last=last, mark=GATE_MARK)
        note_request(connection, caller, (query, found), (request, came))
        return lines_of(found)


def listed(
    viewer: Viewer, told: Sequence[Disclosure], identifiers: Identifiers, request: str
) -> list[Listed]:
    """Return what the ledger is to say of what left together: one entry for all that is alike."""
    alike: dict[Entry, tuple[str, ListedRows]] = {}
    for each in told:
        entry = entry_of(viewer, each, identifiers, request)
        if entry is None or entry.resource is None:
            continue
        shared = replace(entry, subject=None, resource=None, evidence=())
        _, rows = alike.setdefault(shared, (entry.resource.type, ListedRows()))
        rows.add(entry.subject or "", entry.resource.id, entry.resource.digest, entry.evidence)
    return [Listed.of(shared, kind, rows) for shared, (kind, rows) in alike.items()]
