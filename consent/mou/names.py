"""The names a document may use, gathered once and handed to the reader of each block."""

from collections.abc import Collection
from dataclasses import dataclass

from consent.codes import obligation_codes
from consent.facts import load_facts
from consent.law import Law
from consent.mou.reading import Vocabulary
from consent.mou.terms.catalogue import Element, Purpose, Role


@dataclass(frozen=True, slots=True)
class Names:
    """Every vocabulary of a template."""

    parties: Vocabulary
    staff: Vocabulary
    recipients: Vocabulary
    purposes: Vocabulary
    elements: Vocabulary
    kinds: Vocabulary
    facts: Vocabulary
    bases: Vocabulary
    obligations: Vocabulary


def kinds_of(law: Law) -> Vocabulary:
    """Return the kinds of element a law pack governs."""
    return Vocabulary("kind of element", law.kinds())


def names_of(
    roles: dict[str, Role],
    purposes: dict[str, Purpose],
    elements: dict[str, Element],
    law: Law,
) -> Names:
    """Gather the names of a template.

    ``recipients`` are what a prohibition may aim at: a party, or a party's staff role
    (``family.guardian``).
    """
    in_party = {f"{party}.{staff}" for party, role in roles.items() for staff in role.staff}
    return Names(
        parties=Vocabulary("party role", tuple(roles)),
        staff=Vocabulary("staff role", _staff(roles.values())),
        recipients=Vocabulary("party or party.staff", (*roles, *sorted(in_party))),
        purposes=Vocabulary("purpose", tuple(purposes)),
        elements=Vocabulary("element", tuple(elements)),
        kinds=kinds_of(law),
        facts=Vocabulary("fact", tuple(load_facts())),
        bases=Vocabulary("legal basis", law.basis_names()),
        obligations=Vocabulary("obligation", obligation_codes()),
    )


def _staff(roles: Collection[Role]) -> tuple[str, ...]:
    return tuple(sorted({staff for role in roles for staff in role.staff}))
