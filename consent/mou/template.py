"""A template: the model agreement a state publishes and districts and providers sign."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from consent.law import Law, jurisdictions, load_law
from consent.mou.digest import digest_of
from consent.mou.names import Names, kinds_of, names_of
from consent.mou.reading import Fields, Node, Reading, Vocabulary
from consent.mou.terms.catalogue import (
    Element,
    Purpose,
    Role,
    read_elements,
    read_purposes,
    read_roles,
)
from consent.mou.terms.clauses import Clause, read_clauses
from consent.mou.terms.consents import (
    ConsentConflict,
    ConsentForm,
    MinorConsent,
    read_consent_conflict,
    read_consents,
    read_minor_consent,
)
from consent.mou.terms.duties import (
    Audit,
    Billing,
    Governance,
    PersonRights,
    Redisclosure,
    Research,
    Security,
    Term,
    read_audit,
    read_billing,
    read_governance,
    read_redisclosure,
    read_research,
    read_rights,
    read_security,
    read_term,
)
from consent.mou.terms.emergency import Emergency, read_emergency
from consent.mou.terms.flows import VERBAL, Flow, read_flows
from consent.mou.terms.heading import (
    Issuer,
    Window,
    expect,
    read_issuer,
    read_status,
    read_window,
)
from consent.mou.terms.numbers import (
    Breach,
    Retention,
    SmallCell,
    read_breach,
    read_retention,
    read_small_cell,
)
from consent.mou.terms.override import Override, read_override
from consent.mou.terms.people import People, read_people
from consent.mou.terms.prohibitions import Prohibition, read_prohibitions
from consent.mou.terms.properties import Property, read_properties
from consent.mou.terms.withdrawal import WITHDRAWN, Withdrawal, read_withdrawal
from documents import Located, read_yaml

HEADING = "mou kind id version status jurisdiction title issuer effective override"
CATALOGUE = "roles purposes elements flows prohibitions"
SETTINGS = (
    "consents consent_conflict minor_consent people emergency redisclosure retention security "
    "breach small_cell research billing audit rights term governance"
)
RULES = "flow or prohibition"
_BLOCKS = Vocabulary("block", (*SETTINGS.split(), *CATALOGUE.split(), "effective", "override"))


@dataclass(frozen=True, slots=True)
class Settings:
    """The blocks of a template beside names and rules; one attribute per block."""

    consents: Mapping[str, ConsentForm]
    consent_conflict: ConsentConflict
    minor_consent: MinorConsent
    people: People
    emergency: Emergency
    redisclosure: Redisclosure
    retention: Mapping[str, Retention]
    security: Security
    breach: tuple[Breach, ...]
    small_cell: SmallCell
    research: Research
    billing: Billing
    audit: Audit
    rights: PersonRights
    term: Term
    governance: Governance


@dataclass(frozen=True, slots=True)
class Template:
    """A template as read; it exists only if the whole document was right.

    Attributes:
        digest: of what is signed; withdrawing the template later does not change it.
        spoken: the verbal flows, which open nothing.
        properties: what the document promises of every cell.
    """

    id: str
    version: str
    digest: str
    status: str
    jurisdiction: str
    title: str
    issuer: Issuer
    effective: Window
    override: Override
    roles: Mapping[str, Role]
    purposes: Mapping[str, Purpose]
    elements: Mapping[str, Element]
    flows: tuple[Flow, ...]
    prohibitions: tuple[Prohibition, ...]
    settings: Settings
    clauses: Mapping[str, Clause]
    withdrawal: Withdrawal | None = None
    spoken: tuple[Flow, ...] = ()
    properties: tuple[Property, ...] = ()

    def rule_ids(self) -> tuple[str, ...]:
        """Return the ids of all flows and prohibitions."""
        flows = (*self.flows, *self.spoken)
        return (*(flow.id for flow in flows), *(rule.id for rule in self.prohibitions))

    def names(self) -> Names:
        """Return the vocabularies this template gives its agreements."""
        law = load_law(self.jurisdiction)
        return names_of(dict(self.roles), dict(self.purposes), dict(self.elements), law)


@lru_cache(maxsize=32)  # many agreements stand under one template, and none changes it
def read_template(source: bytes, document: str) -> Template:
    """Read a template strictly.

    Args:
        source: the bytes of the file.
        document: its name in messages.

    Raises:
        DocumentError: with every problem found, each with line and column.
    """
    return template_of(read_yaml(source, document), document)


def template_of(located: Located, document: str) -> Template:
    """Read a template that was parsed already; see :func:`read_template`."""
    reading = Reading(document)
    fields = Node(located, "", reading).fields(
        f"{HEADING} {CATALOGUE} {SETTINGS} clauses", f"{WITHDRAWN} properties"
    )
    law = _law(fields)
    if law is None or not {"roles", "purposes", "elements"} <= fields.nodes.keys():
        # Without these names every later line would be called unknown.
        reading.finish()
    template = _template(fields, law or load_law(jurisdictions()[0]), _signed_digest(located))
    reading.finish()
    return template


def _signed_digest(located: Located) -> str:
    """Return the digest of what was published: a withdrawal is no part of what parties signed."""
    entries = {name: node for name, node in located.entries.items() if name != WITHDRAWN}
    status = entries.get("status")
    if status is not None and status.text == WITHDRAWN:
        entries["status"] = replace(status, text="published")
    return digest_of(replace(located, entries=entries))


def _law(fields: Fields) -> Law | None:
    node = fields.require("jurisdiction")
    shipped = Vocabulary("jurisdiction with a law pack", jurisdictions())
    name = node.text().upper()
    if name in shipped.names:
        return load_law(name)
    node.word(shipped)
    return None


def _template(fields: Fields, law: Law, digest: str) -> Template:
    expect(fields, "mou", "1")
    expect(fields, "kind", "template")
    roles = read_roles(fields.require("roles"))
    purposes = read_purposes(fields.require("purposes"))
    elements = read_elements(fields.require("elements"), kinds_of(law))
    names = names_of(roles, purposes, elements, law)
    flows = read_flows(fields.require("flows"), names)
    flow_ids = frozenset(str(flow.id) for flow in flows)
    prohibitions = read_prohibitions(fields.require("prohibitions"), names, flow_ids)
    rules = (*flow_ids, *(rule.id for rule in prohibitions))
    status = read_status(fields, "draft published withdrawn")
    return Template(
        id=fields.text("id"),
        version=fields.text("version"),
        digest=digest,
        status=status,
        jurisdiction=law.jurisdiction,
        title=fields.text("title"),
        issuer=read_issuer(fields.require("issuer")),
        effective=read_window(fields.require("effective")),
        override=read_override(fields.require("override")),
        roles=roles,
        purposes=purposes,
        elements=elements,
        flows=tuple(flow for flow in flows if flow.channel != VERBAL),
        spoken=tuple(flow for flow in flows if flow.channel == VERBAL),
        prohibitions=prohibitions,
        settings=_settings(fields, names, flow_ids),
        clauses=read_clauses(fields.require("clauses"), Vocabulary(RULES, rules), _BLOCKS),
        withdrawal=read_withdrawal(fields, status),
        properties=fields.get("properties", lambda node: read_properties(node, names), ()),
    )


def _settings(fields: Fields, names: Names, flow_ids: frozenset[str]) -> Settings:
    node = fields.require
    return Settings(
        consents=read_consents(node("consents"), names),
        consent_conflict=read_consent_conflict(node("consent_conflict")),
        minor_consent=read_minor_consent(node("minor_consent")),
        people=read_people(node("people")),
        emergency=read_emergency(node("emergency"), names),
        redisclosure=read_redisclosure(
            node("redisclosure"), names, Vocabulary("flow", tuple(flow_ids))
        ),
        retention=read_retention(node("retention")),
        security=read_security(node("security")),
        breach=read_breach(node("breach"), names),
        small_cell=read_small_cell(node("small_cell")),
        research=read_research(node("research")),
        billing=read_billing(node("billing")),
        audit=read_audit(node("audit")),
        rights=read_rights(node("rights")),
        term=read_term(node("term")),
        governance=read_governance(node("governance")),
    )
