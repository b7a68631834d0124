"""An agreement: a district and a provider sign a template, and may only narrow it.

There is no way to write a permit in an agreement: flows can only be dropped, cut or given more
conditions. Numbers may only be tightened; blocks the template does not open are locked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from consent.model import FlowId
from consent.mou.digest import digest_of
from consent.mou.names import Names
from consent.mou.reading import Fields, Node, Reading, Vocabulary
from consent.mou.template import SETTINGS, Template
from consent.mou.terms.clauses import Clause, read_clauses
from consent.mou.terms.duties import Term, read_term_within
from consent.mou.terms.emergency import Emergency, read_narrower_emergency
from consent.mou.terms.flows import Flow, FlowChange, read_flow_changes
from consent.mou.terms.heading import Window, expect, read_status, read_window
from consent.mou.terms.numbers import (
    Breach,
    Retention,
    SmallCell,
    read_higher_small_cell,
    read_shorter_retention,
    read_sooner_breach,
)
from consent.mou.terms.override import WAYS
from consent.mou.terms.parties import (
    Party,
    Signature,
    read_contacts,
    read_parties,
    read_signatures,
)
from consent.mou.terms.prohibitions import Prohibition, read_prohibitions
from documents import read_yaml

HEADING = "mou kind id version status extends effective signed parties"
MAY = "flows prohibitions retention breach small_cell emergency term contacts clauses"
# A district and a provider sign; the other roles are bound by the template (or by their own law).
SIGNERS = ("lea", "provider")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Extends:
    """Which template an agreement signs: id, version and the digest of what it said."""

    id: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as read, with its numbers and flows already narrowed from the template's."""

    id: str
    version: str
    digest: str
    status: str
    extends: Extends
    effective: Window
    signed: tuple[Signature, ...]
    parties: Mapping[str, Party]
    flow_changes: Mapping[FlowId, FlowChange]
    flows: tuple[Flow, ...]
    prohibitions: tuple[Prohibition, ...]
    retention: Mapping[str, Retention]
    breach: tuple[Breach, ...]
    small_cell: SmallCell
    emergency: Emergency
    term: Term
    contacts: Mapping[str, Mapping[str, str]]
    clauses: Mapping[str, Clause]


def read_agreement(source: bytes, document: str, template: Template) -> Agreement:
    """Read an agreement strictly, against the template it signs.

    Args:
        source: the bytes of the file.
        document: its name in messages.
        template: the template named in ``extends``.

    Raises:
        DocumentError: with every problem found, each with line and column: also for any widening
            and for a digest that is not the template's.
    """
    located = read_yaml(source, document)
    reading = Reading(document)
    fields = Node(located, "", reading).fields(HEADING, f"{MAY} {_locked()}")
    _refuse_locked(fields, template)
    agreement = _agreement(fields, template, digest_of(located))
    _check_window(fields.require("effective"), agreement, template)
    _check_signatures(fields.require("signed"), agreement)
    reading.finish()
    return agreement


def _locked() -> str:
    """Return the blocks known to a template and locked for every agreement."""
    inherited = f"override roles purposes elements {SETTINGS}".split()
    return " ".join(name for name in inherited if name not in WAYS)


def _refuse_locked(fields: Fields, template: Template) -> None:
    locked = [*_locked().split(), *(name for name in WAYS if not template.override.allows(name))]
    for name in locked:
        if name in fields.nodes and name != "parties":
            fields.nodes[name].note("is locked by the template; leave it out")


def _agreement(fields: Fields, template: Template, digest: str) -> Agreement:
    names = template.names()
    settings = template.settings
    changes = _flow_changes(fields, template, names)
    own = _prohibitions(fields, template, names)
    expect(fields, "mou", "1")
    expect(fields, "kind", "agreement")
    return Agreement(
        id=fields.text("id"),
        version=fields.text("version"),
        digest=digest,
        status=read_status(fields, "draft in-force suspended ended"),
        extends=_extends(fields.require("extends"), template),
        effective=read_window(fields.require("effective")),
        signed=read_signatures(fields.require("signed"), names),
        parties=read_parties(fields.require("parties"), names),
        flow_changes=changes,
        flows=tuple(changes.get(flow.id, FlowChange()).apply(flow) for flow in template.flows),
        prohibitions=own,
        retention=_narrowed(fields, "retention", read_shorter_retention, settings.retention),
        breach=fields.get(
            "breach", lambda n: read_sooner_breach(n, names, settings.breach), settings.breach
        ),
        small_cell=_narrowed(fields, "small_cell", read_higher_small_cell, settings.small_cell),
        emergency=fields.get(
            "emergency",
            lambda n: read_narrower_emergency(n, names, settings.emergency),
            settings.emergency,
        ),
        term=_narrowed(fields, "term", read_term_within, settings.term),
        contacts=fields.get("contacts", lambda n: read_contacts(n, names), {}),
        clauses=_clauses(fields, template, own),
    )


def _flow_changes(fields: Fields, template: Template, names: Names) -> dict[FlowId, FlowChange]:
    node = fields.nodes.get("flows")
    return {} if node is None else read_flow_changes(node, template.flows, names)


def _prohibitions(fields: Fields, template: Template, names: Names) -> tuple[Prohibition, ...]:
    node = fields.nodes.get("prohibitions")
    taken = frozenset(template.rule_ids())
    return () if node is None else read_prohibitions(node, names, taken)


def _narrowed(fields: Fields, name: str, read: Callable[[Node, _T], _T], outer: _T) -> _T:
    """Read a block against the template's; the template's where the agreement is silent."""
    return fields.get(name, lambda node: read(node, outer), outer)


def _clauses(fields: Fields, template: Template, own: tuple[Prohibition, ...]) -> dict[str, Clause]:
    node = fields.nodes.get("clauses")
    if node is None:
        return {}
    rules = Vocabulary("flow or prohibition", (*template.rule_ids(), *(rule.id for rule in own)))
    clauses = read_clauses(node, rules, Vocabulary("block", (*SETTINGS.split(), *WAYS)))
    for number in clauses.keys() & template.clauses.keys():
        node.note(f'clause "{number}" is the template\'s; take a new number')
    return clauses


def _extends(node: Node, template: Template) -> Extends:
    fields = node.fields("id version digest")
    extends = Extends(fields.text("id"), fields.text("version"), fields.text("digest"))
    expect_template(fields, template)
    if "digest" in fields.nodes and extends.digest != template.digest:
        fields.nodes["digest"].note(
            "is not the digest of the template given; read both again, then seal the agreement"
        )
    return extends


def expect_template(fields: Fields, template: Template) -> None:
    """Note a problem unless ``extends`` names this template and version."""
    for name, wanted in (("id", template.id), ("version", template.version)):
        node = fields.nodes.get(name)
        if node is not None and node.text() != wanted:
            node.note(f'the template given is "{wanted}"')


def _check_window(node: Node, agreement: Agreement, template: Template) -> None:
    window, outer = agreement.effective, template.effective
    if window.first < outer.first or window.last > outer.last:
        node.note(f"must lie within the template's {outer.first} to {outer.last}")
    days = (window.last - window.first).days + 1
    if days > agreement.term.length_days:
        node.note(f"is longer than the {agreement.term.length_days} days the term allows")


def _check_signatures(node: Node, agreement: Agreement) -> None:
    signed = [signature.party for signature in agreement.signed]
    missing = [party for party in SIGNERS if party not in signed]
    if missing and agreement.status == "in-force":
        node.note(f"an agreement in force is signed by {' and '.join(missing)} too")
