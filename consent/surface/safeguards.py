"""What every document must keep, whatever it states itself: ``standing.csv`` as properties.

Rows whose promise is ``engine`` are about the shape of the table: see ``standing.py``.

Parties are named by their capacity in law (``school`` is the educational agency), so that the same
lines hold for a template that calls its parties otherwise.
"""

import csv
import io
from functools import cache
from importlib.resources import files

from consent.model import FactName
from consent.mou.template import Template
from consent.mou.terms.catalogue import Role
from consent.mou.terms.properties import Promise, Property, Scope

ENGINE = "engine"
_FERPA_CAPACITY = {
    "educational-agency": "school",
    "outside-party": "provider",
    "authorized-representative": "hub",
    "rights-holder": "family",
}
# Of the rights holder's staff, the one whose own care it is.
_STUDENT = "student"


def safeguards(template: Template) -> tuple[Property, ...]:
    """Return the standing properties for the parties of a template, in the order of the file.

    One about a party the template does not have speaks of no slice and is left out.
    """
    rows = (row for row in standing_rows() if row["promise"] != ENGINE)
    found = (_property(row, template) for row in rows)
    return tuple(stated for stated in found if stated is not None)


@cache
def standing_rows() -> tuple[dict[str, str], ...]:
    """Return the rows of ``standing.csv``: in ``source`` the law each rests on."""
    text = files("consent.surface").joinpath("standing.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def _property(row: dict[str, str], template: Template) -> Property | None:
    senders = _parties(row["sent_by"], template)
    to = _parties(row["received_by"], template)
    if (row["sent_by"] and not senders) or (row["received_by"] and not to):
        return None
    scope = Scope(
        kinds=tuple(row["kinds"].split()),
        ident=tuple(row["ident"].split()),
        senders=senders,
        to=to,
        free_text=row["free_text"] == "true",
        labels=tuple(row["labels"].split()),
    )
    unless = tuple(FactName(name) for name in row["unless"].split())
    words = tuple(row["words"].split())
    return Property(row["id"], row["says"], Promise(row["promise"]), scope, words, unless)


def _parties(words: str, template: Template) -> tuple[str, ...]:
    """Return the parties, or a party's staff, that some capacities stand for."""
    wanted = set(words.split())
    whole = [name for name, role in template.roles.items() if capacity_of(role) in wanted]
    families = [n for n, role in template.roles.items() if capacity_of(role) == "family"]
    guardians = [
        f"{name}.{staff}"
        for name in families
        for staff in template.roles[name].staff
        if "guardian" in wanted and staff != _STUDENT
    ]
    return (*whole, *guardians)


def capacity_of(role: Role) -> str:
    """Return what a party is in law, in one word."""
    if role.ferpa != "none":
        return _FERPA_CAPACITY[role.ferpa]
    return "public" if role.hipaa == "none" else "payer"
