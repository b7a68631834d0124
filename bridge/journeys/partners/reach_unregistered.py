"""A provider that has signed the agreement and is registered nowhere is told that referrals wait.

The mail goes to the contact the agreement itself names for it. It has fixed words, a number and a
link, and names nobody. Whether somebody is registered is the operator's act and says nothing about
any referral: a school may know it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bridge.gate import CompiledAgreement, agreement_between, all_agreements
from bridge.identity import Caller, Party, Standing, list_clients, read_scopes
from bridge.parts import HasParts
from bridge.store.database.engine import read
from bridge.store.intake import take_turn
from bridge.store.partners.digest_contacts import DigestContact, contacts, drop_contact, put_contact

MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
HOURS: Final = 24
_STANDS_FOR: Final = "unregistered:"
# The functions an agreement may name a contact for, the fittest first.
_FITTEST: Final = ("referrals", "intake", "steward")


def is_registered(parts: HasParts, provider: str) -> bool:
    """Tell whether a provider's organisation has a client that may call."""
    with read(parts.engine) as connection:
        return provider in _registered(connection)


def contacts_of(parts: HasParts, lea: str, provider: str) -> Mapping[str, str]:
    """Return how to reach a provider, by function, as its agreement with a district says."""
    with read(parts.engine) as connection:
        agreement = agreement_between(connection, lea, provider)
    return dict(agreement.agreement.contacts.get("provider", {})) if agreement else {}


def enter_unregistered(connection: Connection, now: datetime) -> None:
    """Have each provider that is registered nowhere told by mail, and no other."""
    take_turn(connection)
    wanted = dict(_wanted(connection))
    there = [c for c in contacts(connection) if c.client_id.startswith(_STANDS_FOR)]
    for each in there:
        if wanted.get(each.client_id) == each.address:
            del wanted[each.client_id]
        else:
            drop_contact(connection, each.client_id, each.address)
    for client_id, address in wanted.items():
        put_contact(connection, DigestContact(client_id, address, HOURS, now))


def callers_of(connection: Connection, contact: DigestContact) -> list[Caller]:
    """Return who would see what waits for an unregistered provider: each role of its staff.

    None for a contact of a registered client.
    """
    if not contact.client_id.startswith(_STANDS_FOR):
        return []
    provider = contact.client_id.removeprefix(_STANDS_FOR)
    roles = {
        role
        for agreement in all_agreements(connection)
        if agreement.organization("provider") == provider
        for role in agreement.template.roles["provider"].staff
    }
    scopes = read_scopes("system/Task.rs")
    standings = (Standing(Party.PROVIDER, provider, "", r, ("refer",), scopes) for r in roles)
    return [Caller(contact.client_id, standing) for standing in standings]


def _wanted(connection: Connection) -> Iterator[tuple[str, str]]:
    registered = _registered(connection)
    for agreement in all_agreements(connection):
        provider = agreement.organization("provider") or ""
        address = _address(agreement)
        if provider not in registered and address:
            yield f"{_STANDS_FOR}{provider}", address


def _address(agreement: CompiledAgreement) -> str:
    named = agreement.agreement.contacts.get("provider", {})
    fit = (named[each] for each in _FITTEST if each in named)
    return next((each for each in fit if MAIL.fullmatch(each)), "")


def _registered(connection: Connection) -> set[str]:
    clients = list_clients(connection)
    return {c.standing.organization for c in clients if c.standing.party == "provider"}
