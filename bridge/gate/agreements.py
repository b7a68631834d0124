"""Agreements in use, compiled, and the facts the bridge itself knows about them."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bridge.gate.duties.carried import ABLE
from bridge.store.directory import AgreementEntry, agreement_ids, agreements
from bridge.store.facts.table_documents import keep_documents
from consent.law import law_of, load_law
from consent.mou import Agreement, Template, in_force, read_agreement, read_template
from consent.table import DecisionTable, compile_table

VIEWS = {
    ("lea", "provider"): "to-provider",
    ("provider", "lea"): "to-school",
    ("lea", "hub"): "to-hub",
    ("provider", "hub"): "to-hub",
}


@dataclass(frozen=True, slots=True)
class CompiledAgreement:
    """One agreement with its decision table and the organisations bound to its roles."""

    entry: AgreementEntry
    template: Template
    agreement: Agreement
    table: DecisionTable

    @property
    def id(self) -> str:
        """The agreement's id."""
        return self.entry.id

    def organization(self, party: str) -> str | None:
        """Return the key of the organisation bound to a party role."""
        bound = {"lea": self.entry.lea, "provider": self.entry.provider, "hub": self.entry.hub}
        return bound.get(party)

    def constants(self, at: datetime, view: str) -> dict[str, bool]:
        """Return the facts that follow from the agreement, the instant and the view alone."""
        running = in_force(self.agreement, self.template, at)
        return {
            "in_force": running,
            "provider_active": running,
            # The projection to the hub replaces every identifier before anything leaves, and a
            # coded row carries one pseudonym only: every mention of another person is removed.
            "pseudonymised": view == "to-hub",
            **({"third_party_cleared": True} if view == "to-hub" else {}),
        }

    def adult_since(self, at: datetime) -> date:
        """Return the birth date of someone who turns 18 on the district's day of ``at``.

        Someone born on 29 February comes of age on 1 March of a common year. No 29 February lies 18
        years before another: on such a day the youngest adults were born on 28 February.
        """
        today = at.astimezone(ZoneInfo(self.agreement.effective.tz)).date()
        try:
            return today.replace(year=today.year - 18)
        except ValueError:
            return date(today.year - 18, 2, 28)

    def comes_of_age(self, born: date) -> datetime:
        """Return the instant from which :meth:`adult_since` counts somebody as an adult."""
        zone = ZoneInfo(self.agreement.effective.tz)
        try:
            day = born.replace(year=born.year + 18)
        except ValueError:  # born on 29 February
            day = date(born.year + 18, 3, 1)
        return datetime.combine(day, time(), zone)

    def is_free_text(self, element: str) -> bool:
        """Return whether the template's catalogue calls an element free text."""
        found = self.template.elements.get(element)
        return found is not None and found.free_text


@lru_cache(maxsize=256)
def compiled(entry: AgreementEntry, law_bases: str = "") -> CompiledAgreement:
    """Return an agreement with its decision table.

    Args:
        entry: its documents.
        law_bases: the law's bases as they were kept; the shipped pack's if "".

    Raises:
        DocumentError: its documents do not hold together.
    """
    template = read_template(entry.template_text.encode(), f"{entry.id} template")
    agreement = read_agreement(entry.agreement_text.encode(), entry.id, template)
    shipped = load_law(entry.jurisdiction)
    law = law_of(entry.jurisdiction, law_bases) if law_bases else shipped
    table = compile_table(template, agreement, law, ABLE)
    return CompiledAgreement(entry, template, agreement, table)


# What was compiled, by the agreements in use: documents under an id are never replaced.
_IN_USE: dict[tuple[object, ...], tuple[CompiledAgreement, ...]] = {}
_MOST_STATES = 64


def _in_use(connection: Connection) -> tuple[CompiledAgreement, ...]:
    key = (str(connection.engine.url), *agreement_ids(connection))
    found = _IN_USE.get(key)
    if found is None:
        if len(_IN_USE) >= _MOST_STATES:
            _IN_USE.clear()
        found = _IN_USE[key] = tuple(compiled(entry) for entry in agreements(connection))
    return found


def keep_tables(connection: Connection) -> None:
    """Keep the documents and the law of every table in use, under its digest.

    At each start: a new version may bring another law pack, and with it another table of the same
    documents. What was decided by the one before stays as it was kept.
    """
    for used in _in_use(connection):
        bases = load_law(used.entry.jurisdiction).bases_text
        keep_documents(connection, used.table.digest, used.entry, bases)


def agreements_of(connection: Connection, party: str, key: str) -> tuple[CompiledAgreement, ...]:
    """Return the agreements that bind an organisation in a party role."""
    return tuple(a for a in _in_use(connection) if a.organization(party) == key)


def all_agreements(connection: Connection) -> tuple[CompiledAgreement, ...]:
    """Return every agreement in use, for the operator."""
    return _in_use(connection)


def agreement_between(connection: Connection, lea: str, provider: str) -> CompiledAgreement | None:
    """Return the agreement between a district and a provider, if there is one."""
    for compiled in agreements_of(connection, "lea", lea):
        if compiled.organization("provider") == provider:
            return compiled
    return None
