"""A look at a page about a person is noted before the page leaves (34 CFR 99.31(a)(1)(ii)).

School officials with a legitimate interest need no entry in the ledger of disclosures (34 CFR
99.32(d)); whether an interest was legitimate can be asked only if it is known who looked.
"""

import secrets
from typing import Final

from bridge.identity import Caller
from bridge.parts import HasParts
from bridge.store.database.engine import read, write
from bridge.store.people.page_looks import PageLook, add_look, looks_of

# Roles that lead a school or its referrals, as the shipped templates name them.
LEADS: Final = frozenset({"administrator", "principal", "referral_coordinator"})


def note_look(whole: HasParts, caller: Caller, path: str) -> None:
    """Keep that somebody of a district looks at a page now."""
    who = (caller.organization, whole.clock.real_now(), caller.client_id, caller.role)
    with write(whole.engine) as connection:
        add_look(connection, PageLook(secrets.token_hex(16), *who, path))


def who_looked(whole: HasParts, caller: Caller, first: int, most: int) -> list[PageLook]:
    """Return the looks at the pages of a caller's district, the newest first; for who leads."""
    if caller.role not in LEADS:
        return []
    with read(whole.engine) as connection:
        return looks_of(connection, caller.organization, first, most)
