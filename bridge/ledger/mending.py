"""Writing kept inner hashes anew where the entries of a log are all there and as they were written.

The hashes only save work: entries and head say everything. A log without some of them can be
neither compared nor proved, so it is halted (:mod:`bridge.ledger.halting`).

INVARIANT: nothing is made up. Hashes are added where the entries lead to the head as it stands; one
that is there is never changed, and a log in which anything else is wrong is left as it is.
"""

from sqlalchemy import Connection, insert

from bridge.ledger.append import logs
from bridge.ledger.check import Fault, nodes_of, verify_log
from bridge.ledger.errors import LedgerDamaged, UnknownEntry
from bridge.ledger.tables import NODE


def mend(connection: Connection, log: str) -> int:
    """Add the inner hashes that a log lacks; returns how many.

    Raises:
        UnknownEntry: there is no such log.
        LedgerDamaged: something else is wrong with it, which no hash can mend.
    """
    if log not in logs(connection):
        raise UnknownEntry(f"there is no log {log}")
    report = verify_log(connection, log)
    if {found.fault for found in report.findings} - {Fault.NODES}:
        raise LedgerDamaged(f"{log}: more than hashes is wrong; put a copy in its place")
    there = {(node.level, node.position): node for node in nodes_of(connection, log)}
    right = {(node.level, node.position): node for node in report.nodes}
    if any(right.get(place) != node for place, node in there.items()):
        raise LedgerDamaged(f"{log}: a hash was changed; put a copy in its place")
    missing = [right[place] for place in sorted(right.keys() - there.keys())]
    rows = [
        {"log": log, "level": node.level, "position": node.position, "hash": node.hash}
        for node in missing
    ]
    if rows:
        connection.execute(insert(NODE), rows)
    return len(rows)
