"""A party's own order that passes a referral on, shown to it as it was sent.

INVARIANT: of what is kept, only that it was made and when is told: neither the copies under the
second hop nor what the provider answered, which the party reads of its own referral. What it said
itself is no disclosure, and there is no entry; what goes on is entered as given to the party.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bridge.errors import NotFoundError
from bridge.gate.authorise import of_agreement
from bridge.gate.projection import sealed
from bridge.gate.released import ReleasedResource
from bridge.gate.scope_limits import reaches_new
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.parts import HasParts
from bridge.store.vault import Query, find


def release_own_order(
    connection: Connection,
    parts: HasParts,
    caller: Caller,
    key: tuple[str, str, str],
    said: Mapping[str, Any],
) -> ReleasedResource:
    """Release an order, or its Task, that a party made under the agreement of the second hop.

    Args:
        connection: a writing transaction.
        parts: for clock and identifiers.
        caller: who made it.
        key: its type and id, and the second agreement.
        said: what the caller sent.

    Raises:
        NotFoundError: there is none, or the caller's scopes let it make none that says this.
    """
    kind, record_id, agreement_id = key
    viewer = present_viewer(connection, caller, parts.clock)
    own = of_agreement(agreement_id, viewer.organization)
    for stored in find(connection, Query(kind, ids=(record_id,), limit=1), own)[0]:
        authored = str(stored.resource()["authoredOn"])
        dated = replace(stored, last_updated=datetime.fromisoformat(authored))
        shown = {**said, "id": stored.id, "authoredOn": authored}
        if reaches_new(caller, kind, shown):
            return sealed(viewer, dated, shown, parts.identifiers)
    raise NotFoundError
