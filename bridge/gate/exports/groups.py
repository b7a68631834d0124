"""Groups a caller may export: whoever it may know of, and of these who stand under one agreement.

INVARIANT: a group follows from the agreements that bind the caller, never from who is in it. It has
no list of members and no number of them: either would say who is withheld. Who is in it is decided
row by row, when a row is read.
"""

from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement, agreements_of
from bridge.identifiers import Identifiers
from bridge.identity import Caller

EVERYBODY = "all"


def groups_of(
    connection: Connection, identifiers: Identifiers, caller: Caller
) -> dict[str, CompiledAgreement | None]:
    """Return the groups of a caller by id, each with its agreement (None: under any)."""
    bound = agreements_of(connection, caller.party, caller.organization)
    return {EVERYBODY: None, **{identifiers.issue("group", each.id): each for each in bound}}
