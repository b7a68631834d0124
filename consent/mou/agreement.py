"""An agreement: a district and a provider sign a template, and may only narrow it.

There is no way to write a permit in an agreement: flows can only be dropped, cut or given more
conditions. Numbers may only be tightened; blocks the template does not open are locked. Several
districts may share one paper (``districts``); each then has an agreement of its own, so that none
is ever the recipient of another's records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from consent.mou.digest import digest_of
from consent.mou.narrowing import (
    NARROWED,
    Extends,
    Terms,
    locked_blocks,
    narrowed_flows,
    read_extends,
    read_narrower,
    read_own_clauses,
    read_own_prohibitions,
    refuse_locked,
    terms_of,
)
from consent.mou.reading import Fields, Node, Reading
from consent.mou.template import Template
from consent.mou.terms.clauses import Clause
from consent.mou.terms.duties import Term
from consent.mou.terms.emergency import Emergency
from consent.mou.terms.flows import Flow
from consent.mou.terms.heading import Window, expect, read_status, read_window
from consent.mou.terms.numbers import Breach, Retention, SmallCell
from consent.mou.terms.parties import (
    District,
    Party,
    Signature,
    read_contacts,
    read_districts,
    read_parties,
    read_signatures,
)
from consent.mou.terms.prohibitions import Prohibition
from documents import Located, read_yaml

HEADING = "mou kind id version status extends effective signed parties"
# A district and a provider sign; the other roles are bound by the template (or by their own law).
SIGNERS = ("lea", "provider")


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as read, with its numbers and flows already narrowed from the template's.

    Attributes:
        district: which district of a shared paper this one binds; "" where there is but one.
    """

    id: str
    version: str
    digest: str
    status: str
    extends: Extends
    effective: Window
    signed: tuple[Signature, ...]
    parties: Mapping[str, Party]
    flows: tuple[Flow, ...]
    prohibitions: tuple[Prohibition, ...]
    retention: Mapping[str, Retention]
    breach: tuple[Breach, ...]
    small_cell: SmallCell
    emergency: Emergency
    term: Term
    contacts: Mapping[str, Mapping[str, str]]
    clauses: Mapping[str, Clause]
    district: str = ""

    @property
    def terms(self) -> Terms:
        """The terms an amendment or a licence may only tighten."""
        return Terms(
            self.flows, self.retention, self.breach, self.small_cell, self.emergency, self.term
        )

    def last_signature(self) -> date | None:
        """Return the day the last of those who must sign has signed; None before that."""
        first = {name: [s.signed_on for s in self.signed if s.party == name] for name in SIGNERS}
        return max(min(days) for days in first.values()) if all(first.values()) else None


def read_agreement(source: bytes, document: str, template: Template) -> Agreement:
    """Read an agreement of one district strictly, against the template it signs.

    Args:
        source: the bytes of the file.
        document: its name in messages.
        template: the template named in ``extends``.

    Raises:
        DocumentError: with every problem found, each with line and column: also for any widening,
            for a digest that is not the template's, and for a paper of several districts.
    """
    located = read_yaml(source, document)
    agreements = agreements_of(located, document, template)
    if len(agreements) > 1:
        reading = Reading(document)
        position = located.key_positions["districts"]
        reading.note(
            position, "districts: is a paper of several; say for which district it is read"
        )
        reading.finish()
    return agreements[0]


def read_agreements(source: bytes, document: str, template: Template) -> tuple[Agreement, ...]:
    """Read an agreement strictly: one for each district that shares the paper.

    Raises:
        DocumentError: as :func:`read_agreement`, but not for several districts.
    """
    return agreements_of(read_yaml(source, document), document, template)


def agreements_of(located: Located, document: str, template: Template) -> tuple[Agreement, ...]:
    """Read an agreement that was parsed already; see :func:`read_agreements`."""
    reading = Reading(document)
    locked = locked_blocks()
    fields = Node(located, "", reading).fields(
        HEADING, f"{NARROWED} contacts districts {' '.join(locked)}"
    )
    refuse_locked(fields, template, locked)
    districts = _districts(fields, template)
    agreement = _agreement(fields, template, districts, digest_of(located))
    _check_window(fields.require("effective"), agreement, template)
    found = tuple(_of(agreement, name, own) for name, own in districts.items()) or (agreement,)
    for one in found:
        _check_signatures(fields.require("signed"), one, template)
    reading.finish()
    return found


def _districts(fields: Fields, template: Template) -> dict[str, District]:
    node = fields.nodes.get("districts")
    if node is None:
        return {}
    return read_districts(node, template.flows, template.names())


def _agreement(
    fields: Fields, template: Template, districts: Mapping[str, District], digest: str
) -> Agreement:
    names, outer = template.names(), terms_of(template)
    inner = read_narrower(fields, names, outer)
    own = read_own_prohibitions(fields, names, template.rule_ids())
    rules = (*template.rule_ids(), *(rule.id for rule in own))
    expect(fields, "mou", "1")
    expect(fields, "kind", "agreement")
    return Agreement(
        id=fields.text("id"),
        version=fields.text("version"),
        digest=digest,
        status=read_status(fields, "draft in-force suspended ended"),
        extends=read_extends(fields.require("extends"), template),
        effective=read_window(fields.require("effective")),
        signed=read_signatures(fields.require("signed"), names, tuple(districts)),
        parties=read_parties(fields.require("parties"), names, shared=bool(districts)),
        flows=inner.flows,
        prohibitions=own,
        retention=inner.retention,
        breach=inner.breach,
        small_cell=inner.small_cell,
        emergency=inner.emergency,
        term=inner.term,
        contacts=fields.get("contacts", lambda node: read_contacts(node, names), {}),
        clauses=read_own_clauses(fields, rules, template.clauses),
    )


def _of(agreement: Agreement, name: str, own: District) -> Agreement:
    """Return the agreement as it binds one of several districts."""
    return replace(
        agreement,
        district=name,
        parties={"lea": own.party, **agreement.parties},
        flows=narrowed_flows(agreement.flows, own.flows),
        signed=tuple(s for s in agreement.signed if s.party != "lea" or s.district == name),
    )


def _check_window(node: Node, agreement: Agreement, template: Template) -> None:
    window, outer = agreement.effective, template.effective
    if not window.within(outer.first, outer.last):
        node.note(f"must lie within the template's {outer.first} to {outer.last}")
    days = (window.last - window.first).days + 1
    if window.readable and days > agreement.term.length_days:
        node.note(f"is longer than the {agreement.term.length_days} days the term allows")


def _check_signatures(node: Node, agreement: Agreement, template: Template) -> None:
    signed = [signature.party for signature in agreement.signed]
    missing = [party for party in SIGNERS if party not in signed]
    whose = f" of {agreement.district}" if agreement.district else ""
    if missing and agreement.status == "in-force":
        node.note(f"an agreement in force is signed by {' and '.join(missing)}{whose} too")
    since = template.withdrawal.since if template.withdrawal else None
    last = agreement.last_signature()
    if since is not None and (last is None or last > since):
        node.note(f"the template was withdrawn on {since}; no new agreement{whose} can sign it")
