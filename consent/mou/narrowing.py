"""What a child document may tighten, read against what stands above it.

A template, an agreement and an amendment each hold these terms; each child is read against its
parent's, and there is no way to write a wider one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from consent.model import FlowId
from consent.mou.names import Names
from consent.mou.reading import Fields, Node, Vocabulary
from consent.mou.template import RULES, SETTINGS, Template
from consent.mou.terms.clauses import Clause, read_clauses
from consent.mou.terms.duties import Term, read_term_within
from consent.mou.terms.emergency import Emergency, read_narrower_emergency
from consent.mou.terms.flows import Flow, FlowChange, read_flow_changes
from consent.mou.terms.numbers import (
    Breach,
    Retention,
    SmallCell,
    read_higher_small_cell,
    read_shorter_retention,
    read_sooner_breach,
)
from consent.mou.terms.override import WAYS
from consent.mou.terms.prohibitions import Prohibition, read_prohibitions

NARROWED = "flows prohibitions retention breach small_cell emergency term clauses"
_BLOCKS = (*SETTINGS.split(), *WAYS, "effective", "signed", "districts", "use", "licensee")

_T = TypeVar("_T")


class Parent(Protocol):
    """What ``extends`` names: a document with an id, a version and a digest."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def digest(self) -> str:
        """The digest of what it says."""


@dataclass(frozen=True, slots=True)
class Extends:
    """Which document another one signs: id, version and the digest of what it said."""

    id: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that a child may only tighten."""

    flows: tuple[Flow, ...]
    retention: Mapping[str, Retention]
    breach: tuple[Breach, ...]
    small_cell: SmallCell
    emergency: Emergency
    term: Term


def terms_of(template: Template) -> Terms:
    """Return the terms of a template as its agreements find them."""
    own = template.settings
    return Terms(template.flows, own.retention, own.breach, own.small_cell, own.emergency, own.term)


def read_narrower(fields: Fields, names: Names, outer: Terms) -> Terms:
    """Read the terms of a child; the parent's where the child is silent."""
    return Terms(
        flows=narrowed_flows(outer.flows, read_changes(fields, names, outer)),
        retention=_narrowed(fields, "retention", read_shorter_retention, outer.retention),
        breach=fields.get(
            "breach", lambda n: read_sooner_breach(n, names, outer.breach), outer.breach
        ),
        small_cell=_narrowed(fields, "small_cell", read_higher_small_cell, outer.small_cell),
        emergency=fields.get(
            "emergency",
            lambda n: read_narrower_emergency(n, names, outer.emergency),
            outer.emergency,
        ),
        term=_narrowed(fields, "term", read_term_within, outer.term),
    )


def read_changes(fields: Fields, names: Names, outer: Terms) -> dict[FlowId, FlowChange]:
    """Read how a child narrows the flows."""
    node = fields.nodes.get("flows")
    return {} if node is None else read_flow_changes(node, outer.flows, names)


def narrowed_flows(
    flows: tuple[Flow, ...], changes: Mapping[FlowId, FlowChange]
) -> tuple[Flow, ...]:
    """Return flows with the changes applied."""
    return tuple(changes.get(flow.id, FlowChange()).apply(flow) for flow in flows)


def _narrowed(fields: Fields, name: str, read: Callable[[Node, _T], _T], outer: _T) -> _T:
    return fields.get(name, lambda node: read(node, outer), outer)


def read_own_prohibitions(
    fields: Fields, names: Names, taken: tuple[str, ...]
) -> tuple[Prohibition, ...]:
    """Read the denials a child adds; their ids differ from the ``taken`` ones."""
    node = fields.nodes.get("prohibitions")
    return () if node is None else read_prohibitions(node, names, frozenset(taken))


def read_own_clauses(
    fields: Fields, rules: tuple[str, ...], above: Mapping[str, Clause]
) -> dict[str, Clause]:
    """Read the clauses a child adds; their numbers differ from those above."""
    node = fields.nodes.get("clauses")
    if node is None:
        return {}
    clauses = read_clauses(node, Vocabulary(RULES, rules), Vocabulary("block", _BLOCKS))
    for number in clauses.keys() & above.keys():
        node.note(f'clause "{number}" is the template\'s; take a new number')
    return clauses


def read_extends(node: Node, parent: Parent) -> Extends:
    """Read ``extends``; it must name the parent, its version and its digest."""
    fields = node.fields("id version digest")
    extends = Extends(fields.text("id"), fields.text("version"), fields.text("digest"))
    expect_parent(fields, parent)
    if "digest" in fields.nodes and extends.digest != parent.digest:
        fields.nodes["digest"].note(
            "is not the digest of the template given; read both again, then seal the agreement"
        )
    return extends


def expect_parent(fields: Fields, parent: Parent) -> None:
    """Note a problem unless ``extends`` names this document and version."""
    for name, wanted in (("id", parent.id), ("version", parent.version)):
        node = fields.nodes.get(name)
        if node is not None and node.text() != wanted:
            node.note(f'the template given is "{wanted}"')


def refuse_locked(fields: Fields, template: Template, locked: tuple[str, ...]) -> None:
    """Note each block written by a child that its template does not open."""
    shut = [*locked, *(name for name in WAYS if not template.override.allows(name))]
    for name in dict.fromkeys(shut):
        if name in fields.nodes and (name != "parties" or name in locked):
            fields.nodes[name].note("is locked by the template; leave it out")


def locked_blocks(*more: str) -> tuple[str, ...]:
    """Return the blocks known to a template and locked for every child."""
    inherited = f"override roles purposes elements properties {SETTINGS}".split()
    return (*(name for name in inherited if name not in WAYS), *more)
