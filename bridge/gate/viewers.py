"""From a caller to a viewer: with the agreements in use that bind its organisation."""

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.errors import UnauthorizedError
from bridge.gate.agreements import agreements_of
from bridge.gate.authorise import Viewer
from bridge.identity import Caller, still_holds
from bridge.store.facts.agreement_changes import take_effect


def viewer_of(connection: Connection, caller: Caller) -> Viewer:
    """Return a caller with the agreements in use that bind its organisation."""
    return Viewer(
        party=caller.party,
        organization=caller.organization,
        role=caller.role,
        purposes=tuple(caller.purposes),
        agreements=agreements_of(connection, caller.party, caller.organization),
    )


def present_viewer(connection: Connection, caller: Caller, clock: Clock) -> Viewer:
    """Return who asks, in a writing transaction, after amendments that are due have taken effect.

    INVARIANT: nothing can be taken from the caller between here and the commit.

    Raises:
        UnauthorizedError: what the caller came in with was taken from it meanwhile.
    """
    if not still_holds(connection, caller, clock):
        raise UnauthorizedError
    take_effect(connection, clock.now())
    return viewer_of(connection, caller)
