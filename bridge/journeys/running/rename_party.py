"""A party gets another name in the directory, where people could not tell it from another.

What was signed keeps the name that stands in the agreement; its key stays, and so does every
reference to it.
"""

from dataclasses import replace

from bridge.errors import BridgeError
from bridge.gate import keep_views
from bridge.journeys.running.set_up import directory_records
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import agreements, organizations, rename_organization, written_alike
from bridge.store.intake import replace as rewritten
from bridge.store.intake import take_turn

MOST_LETTERS = 120


def rename_party(parts: Parts, key: str, name: str) -> bool:
    """Give a district or a provider another name; False where it has it already.

    Raises:
        BridgeError: no party has that key, the name is none, or another provider of one of its
            districts has it.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MOST_LETTERS or not name.isprintable():
        raise BridgeError(f"a name has letters, and no more than {MOST_LETTERS}")
    with write(parts.engine) as connection:
        take_turn(connection)
        known, bound = organizations(connection), agreements(connection)
        party = known.get(key)
        if party is None or party.parent is not None:
            raise BridgeError("no party has that short name; see: schoolbridge party list")
        leas = {each.lea for each in bound if each.provider == key}
        beside = {each.provider for each in bound if each.lea in leas} - {key}
        if any(written_alike(known[each].name, name) for each in beside):
            raise BridgeError("another provider of one of its districts has that name")
        if party.name == name:
            return False
        rename_organization(connection, key, name)
        for record in directory_records(parts, [replace(party, name=name)]):
            rewritten(connection, record, parts.clock.now())
            keep_views(connection, parts, [(record.type, record.id)])
    return True
