"""What a batch asks before all else: that nothing is under way, who may act, and the counters."""

from sqlalchemy import Connection

from bridge.driver import said_at_once
from bridge.identity import LOCKED_VERSION, locked_version_of, version_in
from bridge.store.intake import CHANGES_END, let_changes_end
from bridge.store.state_versions import STATE_VERSIONS, state_versions


def opened(connection: Connection, *, searches: bool) -> tuple[int, dict[str, int]]:
    """Return the number of who may act, held, and the counters that concern everybody.

    Where something is searched for, changes under way are let end first. On PostgreSQL all of it
    takes one way there and back; in the same order and as many statements, each of which sees what
    was committed while the one before waited.
    """
    if connection.dialect.name == "sqlite":
        if searches:
            let_changes_end(connection)
        return locked_version_of(connection), state_versions(connection)
    first = (CHANGES_END,) if searches else ()
    *found, versions = said_at_once(connection, *first, *LOCKED_VERSION, STATE_VERSIONS)
    return version_in(found), dict(versions)
