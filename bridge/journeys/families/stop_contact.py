"""Somebody of a family asks not to be contacted: from then on nothing is sent to them.

What waits to be sent is not sent either: the channel is read when it would be
(:mod:`bridge.journeys.families.remind_families`). That a signature is waited for stays on the
school's lists. Whoever asks the same person anew is told of it, and says that the person agreed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.journeys.families.ask_family import NOTHING, name_asked
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.families import SigningRequest, contacts_of, put_channel


@dataclass(frozen=True, slots=True)
class Reached:
    """One person who was asked to sign, and by which channel they are reached."""

    id: str
    name: str = field(repr=False)
    channel: str


def reached(
    connection: Connection, parts: Parts, requests: Sequence[SigningRequest]
) -> tuple[Reached, ...]:
    """Return who was asked by some requests about one student, each once, by their latest name."""
    names = {each.contact_id: name_asked(parts, each) for each in requests}
    student = {each.student_id for each in requests}
    found = [contact for one in student for contact in contacts_of(connection, one)]
    return tuple(Reached(c.id, names[c.id], c.channel) for c in found if names.get(c.id))


def stop_contact(parts: Parts, student_id: str, contact_id: str) -> None:
    """Keep that nothing is sent to a person of a student's family any more.

    Raises:
        BridgeError: nobody of this student's family is known so.
    """
    with write(parts.engine) as connection:
        if contact_id not in {each.id for each in contacts_of(connection, student_id)}:
            raise BridgeError("nobody of the family is known by this")
        put_channel(connection, contact_id, NOTHING, parts.clock.now())
