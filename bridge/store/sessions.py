"""How many sessions of a student a provider has on record. A number leaves, never a record."""

import orjson
from sqlalchemy import Connection, select

from bridge.store.facts.conditions import RECORD

# FHIR R4 EncounterStatus: what did not take place is no session.
_NEVER_WAS = ("planned", "cancelled", "entered-in-error")
_UNCLEAR = ("", "unknown")


def sessions_of(connection: Connection, provider: str, student_id: str) -> int | None:
    """Return how many sessions of a student with a provider are on record; None if not known.

    Not known before there is any: a provider that records none has not said that there were none;
    nor while one of them does not say whether it took place. One under way counts.
    """
    query = select(RECORD.c.body).where(
        RECORD.c.type == "Encounter",
        RECORD.c.custodian == provider,
        RECORD.c.student_id == student_id,
    )
    statuses = [orjson.loads(body).get("status", "") for body in connection.scalars(query)]
    took_place = [status for status in statuses if status not in _NEVER_WAS]
    if not took_place or any(status in _UNCLEAR for status in took_place):
        return None
    return len(took_place)
