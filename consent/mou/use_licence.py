"""A use licence: what a hub may extract under a template or an agreement, and for which use.

The third tier of data-sharing papers (memorandum, data-sharing agreement, data-use licence). It
names the rows, the purposes and the recipients of one extract, forbids relinking and passing on,
and can only narrow: flows into the hub are cut to what it names; numbers may only be tightened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from consent.mou.agreement import Agreement
from consent.mou.digest import digest_of
from consent.mou.force import in_force
from consent.mou.narrowing import (
    Extends,
    Terms,
    read_extends,
    read_own_clauses,
    read_own_prohibitions,
    terms_of,
)
from consent.mou.reading import Fields, Node, Reading, Vocabulary
from consent.mou.template import Template
from consent.mou.terms.clauses import Clause
from consent.mou.terms.flows import Flow
from consent.mou.terms.heading import Window, expect, read_status, read_window
from consent.mou.terms.numbers import (
    Retention,
    SmallCell,
    read_higher_small_cell,
    read_shorter_retention,
)
from consent.mou.terms.parties import Signature, read_signatures
from consent.mou.terms.prohibitions import Prohibition
from documents import Located, read_yaml

HEADING = "mou kind id version status title extends effective signed licensee use"
MAY = "small_cell retention prohibitions clauses"
# No re-identification, no passing on (42 CFR 2.52(b), CGS 52-146g; 34 CFR 99.31(a)(6)(iii)(C)).
DUTIES = ("NORELINK", "NORDSCLW")
_CODED = ("pseudonym", "none")


@dataclass(frozen=True, slots=True)
class Use:
    """One extract: rows for purposes to recipients. Relinking and passing on are forbidden."""

    purposes: tuple[str, ...]
    rows: tuple[str, ...]
    recipients: tuple[str, ...]
    publication_review_days: int


@dataclass(frozen=True, slots=True)
class UseLicence:
    """A use licence as read.

    Attributes:
        role: the party role it licenses (``hub``); ``licensee`` is its name on paper.
    """

    id: str
    version: str
    digest: str
    status: str
    title: str
    extends: Extends
    effective: Window
    signed: tuple[Signature, ...]
    role: str
    licensee: str
    use: Use
    small_cell: SmallCell
    retention: Mapping[str, Retention]
    prohibitions: tuple[Prohibition, ...]
    clauses: Mapping[str, Clause]

    def narrow(self, agreement: Agreement) -> Agreement:
        """Return an agreement whose flows to the licensee pass only what is licensed.

        Raises:
            ValueError: if the agreement is not the one extended, nor signs the template extended.
        """
        if self.extends.digest not in (agreement.digest, agreement.extends.digest):
            raise ValueError("the licence extends another document")
        return replace(
            agreement,
            flows=tuple(self._cut(flow) for flow in agreement.flows),
            prohibitions=(*agreement.prohibitions, *self.prohibitions),
            small_cell=_higher(agreement.small_cell, self.small_cell),
            retention=_shorter(agreement.retention, self.retention),
            clauses={**agreement.clauses, **self.clauses},
        )

    def _cut(self, flow: Flow) -> Flow:
        if self.role not in flow.to:
            return flow
        return replace(
            flow,
            recipients=tuple(r for r in flow.recipients if r in self.use.recipients),
            purposes=tuple(p for p in flow.purposes if p in self.use.purposes),
            elements=tuple(e for e in flow.elements if e in self.use.rows),
            obligations=tuple(dict.fromkeys((*flow.obligations, *DUTIES))),
        )


def _higher(one: SmallCell, other: SmallCell) -> SmallCell:
    return replace(
        one,
        min_n=max(one.min_n, other.min_n),
        percent_rounding=max(one.percent_rounding, other.percent_rounding),
        complementary=one.complementary or other.complementary,
    )


def _shorter(one: Mapping[str, Retention], other: Mapping[str, Retention]) -> dict[str, Retention]:
    kept = dict(one)
    for name, clock in other.items():
        before = kept.get(name)
        if before is not None and _days(clock) < _days(before):
            kept[name] = clock
    return kept


def _days(clock: Retention) -> float:
    return inf if clock.days is None else clock.days


def read_use_licence(
    source: bytes, document: str, parent: Agreement | Template, template: Template
) -> UseLicence:
    """Read a use licence strictly, against the document it extends.

    Args:
        source: the bytes of the file.
        document: its name in messages.
        parent: a template (the licence then holds for all its agreements), or one agreement.
        template: the template; the same document where the parent is one.

    Raises:
        DocumentError: with every problem found, each with line and column; also for any widening.
    """
    return use_licence_of(read_yaml(source, document), document, parent, template)


def use_licence_of(
    located: Located, document: str, parent: Agreement | Template, template: Template
) -> UseLicence:
    """Read a licence that was parsed already; see :func:`read_use_licence`."""
    reading = Reading(document)
    fields = Node(located, "", reading).fields(HEADING, MAY)
    expect(fields, "mou", "1")
    expect(fields, "kind", "use-licence")
    licence = _licence(fields, parent, template, digest_of(located))
    _check(fields, licence, parent)
    reading.finish()
    return licence


def _licence(
    fields: Fields, parent: Agreement | Template, template: Template, digest: str
) -> UseLicence:
    names, outer = template.names(), terms_under(parent)
    above = () if isinstance(parent, Template) else parent.prohibitions
    taken = (*template.rule_ids(), *(rule.id for rule in above))
    own = read_own_prohibitions(fields, names, taken)
    licensee = fields.require("licensee").fields("role name")
    role = licensee.word("role", names.parties)
    rules = (*taken, *(rule.id for rule in own))
    return UseLicence(
        id=fields.text("id"),
        version=fields.text("version"),
        digest=digest,
        status=read_status(fields, "draft in-force suspended ended"),
        title=fields.text("title"),
        extends=read_extends(fields.require("extends"), parent),
        effective=read_window(fields.require("effective")),
        signed=read_signatures(fields.require("signed"), names),
        role=role,
        licensee=licensee.text("name"),
        use=_use(fields.require("use"), outer, role, template),
        small_cell=fields.get(
            "small_cell", lambda n: read_higher_small_cell(n, outer.small_cell), outer.small_cell
        ),
        retention=fields.get(
            "retention", lambda n: read_shorter_retention(n, outer.retention), outer.retention
        ),
        prohibitions=own,
        clauses=read_own_clauses(fields, rules, template.clauses),
    )


def terms_under(parent: Agreement | Template) -> Terms:
    """Return the terms a licence may only tighten."""
    return terms_of(parent) if isinstance(parent, Template) else parent.terms


def _on(flows: list[Flow], noun: str, names: Callable[[Flow], tuple[str, ...]]) -> Vocabulary:
    found = dict.fromkeys(name for flow in flows for name in names(flow))
    return Vocabulary(f"{noun} of a flow to the licensee", tuple(found))


def _use(node: Node, outer: Terms, role: str, template: Template) -> Use:
    fields = node.fields("purposes rows recipients relinking redisclosure publication_review_days")
    into = [flow for flow in outer.flows if role in flow.to]
    forbidden = Vocabulary("answer", ("forbidden",))
    for name in ("relinking", "redisclosure"):
        fields.word(name, forbidden)
    known = _on(into, "row", lambda flow: flow.elements)
    rows = fields.words("rows", known)
    for row in rows:
        if row in known.names and template.elements[row].ident not in _CODED:
            fields.nodes["rows"].note(f'"{row}" tells who it is about; a licence is for coded rows')
    return Use(
        purposes=fields.words("purposes", _on(into, "purpose", lambda flow: flow.purposes)),
        rows=rows,
        recipients=fields.words("recipients", _on(into, "recipient", lambda flow: flow.recipients)),
        publication_review_days=fields.whole("publication_review_days", least=1),
    )


def _check(fields: Fields, licence: UseLicence, parent: Agreement | Template) -> None:
    own, outer = licence.effective, parent.effective
    if not own.within(outer.first, outer.last):
        fields.require("effective").note(
            f"must lie within {outer.first} to {outer.last}, the days of what it extends"
        )
    signed = {row.party for row in licence.signed}
    if licence.status == "in-force" and not (licence.role in signed and len(signed) > 1):
        fields.require("signed").note(
            f"a licence in force is signed by {licence.role} and by whoever gives the rows"
        )


def licence_holds(
    licence: UseLicence, agreement: Agreement, template: Template, at: datetime
) -> bool:
    """Whether a licence and the agreement under it both hold at an instant.

    Raises:
        ValueError: if ``at`` has no zone.
    """
    if not in_force(agreement, template, at):
        return False
    today = at.astimezone(ZoneInfo(licence.effective.tz)).date()
    signed = {row.party for row in licence.signed if row.signed_on <= today}
    return (
        licence.status == "in-force"
        and licence.effective.holds(at)
        and licence.role in signed
        and len(signed) > 1
    )
