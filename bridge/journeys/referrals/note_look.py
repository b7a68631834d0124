"""A look at a page about a person is noted before the page leaves (34 CFR 99.31(a)(1)(ii)).

School officials with a legitimate interest need no entry in the ledger of disclosures (34 CFR
99.32(d)); whether an interest was legitimate can be asked only if it is known who looked. Of a
provider's people likewise (45 CFR 164.312(b)): the ledger says what went to it, not to whom.

INVARIANT: each organisation reads the looks of its own people, and those of no other.
"""

import re
import secrets
from typing import Final

from bridge.gate import agreements_of
from bridge.identifiers import Identifiers
from bridge.identity import Caller, Party
from bridge.parts import HasParts
from bridge.store.database.engine import read, write
from bridge.store.people.page_looks import PageLook, add_look, looks_of

# Roles that lead a school or its referrals, as the shipped templates name them.
LEADS: Final = frozenset({"administrator", "principal", "referral_coordinator"})
# Who reads the looks of an organisation's people, by what it is; nobody of any other.
READERS: Final[dict[str, frozenset[str]]] = {
    Party.LEA: LEADS,
    Party.PROVIDER: frozenset({"supervisor"}),
}
# A provider's pages about students, other than those about one referral.
WORK: Final = "/portal/work"
PAGES_OF_MANY: Final = (WORK, f"{WORK}/file")
_OF_TASK: Final = re.compile(rf"{WORK}/([A-Za-z0-9.-]{{1,64}})")


def note_look(whole: HasParts, caller: Caller, path: str) -> None:
    """Keep that somebody of a district or a provider looks at a page now."""
    who = (caller.organization, whole.clock.real_now(), caller.client_id, caller.role)
    with write(whole.engine) as connection:
        add_look(connection, PageLook(secrets.token_hex(16), *who, path))


def reads_looks(caller: Caller) -> bool:
    """Tell whether somebody leads their organisation, and may read who of it looked."""
    return caller.role in READERS.get(caller.party, ())


def who_looked(whole: HasParts, caller: Caller, first: int, most: int) -> list[PageLook]:
    """Return looks of a caller's own organisation, the newest first; for who leads it."""
    if not reads_looks(caller):
        return []
    with read(whole.engine) as connection:
        return looks_of(connection, caller.organization, (first, most))


def task_of(path: str) -> str:
    """Return the id of the Task that a provider's page is about; "" for any other page."""
    found = _OF_TASK.fullmatch(path)
    return found[1] if found and path not in PAGES_OF_MANY else ""


def mark_of(identifiers: Identifiers, task_id: str) -> str:
    """Return what stands for a referral whose number is not shown; it finds nothing by itself."""
    return identifiers.seal("looked at", task_id)[:8] if task_id else ""


def provider_zone(whole: HasParts, caller: Caller) -> str:
    """Return the zone of a provider's districts; UTC where they have several."""
    with read(whole.engine) as connection:
        bound = agreements_of(connection, Party.PROVIDER, caller.organization)
    zones = {each.agreement.effective.tz for each in bound}
    return zones.pop() if len(zones) == 1 else "UTC"
