"""An amendment: the signers of an agreement change it, from a day on, and may only narrow it.

It extends an agreement, or the amendment before it, by id, version and digest. It may write the
blocks its template opens and none other; parties stay who they are (new parties sign a new
agreement). Its own ``effective`` lies within the agreement's; where it ends sooner, the agreement
ends with it: falling back to the older, wider text would widen by silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from consent.mou.agreement import SIGNERS, Agreement
from consent.mou.digest import digest_of
from consent.mou.narrowing import (
    NARROWED,
    Extends,
    locked_blocks,
    read_extends,
    read_narrower,
    read_own_clauses,
    read_own_prohibitions,
    refuse_locked,
)
from consent.mou.reading import Fields, Node, Reading
from consent.mou.template import Template
from consent.mou.terms.heading import Window, expect, read_status, read_window
from consent.mou.terms.parties import Signature, read_contacts, read_signatures
from documents import Located, read_yaml

HEADING = "mou kind id version status extends effective signed"


@dataclass(frozen=True, slots=True)
class Amendment:
    """An amendment as read, and the agreement as it leaves it.

    Attributes:
        agreement: the whole agreement as amended; its digest is the amendment's, which contains
            the digest of what it amends.
    """

    id: str
    version: str
    digest: str
    status: str
    extends: Extends
    effective: Window
    signed: tuple[Signature, ...]
    agreement: Agreement

    def holds_from(self, at: datetime) -> bool:
        """Whether it has taken effect by an instant: in force, begun, signed by all."""
        today = at.astimezone(ZoneInfo(self.effective.tz)).date()
        signed = {row.party for row in self.signed if row.signed_on <= today}
        return (
            self.status == "in-force"
            and today >= self.effective.first
            and signed.issuperset(SIGNERS)
        )


def read_amendment(
    source: bytes, document: str, parent: Agreement | Amendment, template: Template
) -> Amendment:
    """Read an amendment strictly, against what it amends.

    Args:
        source: the bytes of the file.
        document: its name in messages.
        parent: the agreement, or the amendment before this one.
        template: the template of the agreement.

    Raises:
        DocumentError: with every problem found, each with line and column; also for any widening.
    """
    return amendment_of(read_yaml(source, document), document, parent, template)


def amendment_of(
    located: Located, document: str, parent: Agreement | Amendment, template: Template
) -> Amendment:
    """Read an amendment that was parsed already; see :func:`read_amendment`."""
    reading = Reading(document)
    locked = locked_blocks("parties", "districts")
    fields = Node(located, "", reading).fields(HEADING, f"{NARROWED} contacts {' '.join(locked)}")
    refuse_locked(fields, template, locked)
    expect(fields, "mou", "1")
    expect(fields, "kind", "amendment")
    amendment = Amendment(
        id=fields.text("id"),
        version=fields.text("version"),
        digest=digest_of(located),
        status=read_status(fields, "draft in-force"),
        extends=read_extends(fields.require("extends"), parent),
        effective=read_window(fields.require("effective")),
        signed=_signatures(fields, parent, template),
        agreement=_amended(fields, parent, template),
    )
    _check(fields, amendment, parent)
    reading.finish()
    return _bound(amendment)


def _signatures(
    fields: Fields, parent: Agreement | Amendment, template: Template
) -> tuple[Signature, ...]:
    districts = {row.district for row in agreement_under(parent).signed if row.district}
    signed = read_signatures(fields.require("signed"), template.names(), tuple(sorted(districts)))
    own = agreement_under(parent).district
    return tuple(row for row in signed if row.party != "lea" or row.district in ("", own))


def agreement_under(parent: Agreement | Amendment) -> Agreement:
    """Return the agreement as a parent leaves it."""
    return parent.agreement if isinstance(parent, Amendment) else parent


def _amended(fields: Fields, parent: Agreement | Amendment, template: Template) -> Agreement:
    names, before = template.names(), agreement_under(parent)
    inner = read_narrower(fields, names, before.terms)
    taken = (*template.rule_ids(), *(rule.id for rule in before.prohibitions))
    own = read_own_prohibitions(fields, names, taken)
    above = {**template.clauses, **before.clauses}
    rules = (*taken, *(rule.id for rule in own))
    written = fields.nodes.get("contacts")
    contacts = {} if written is None else read_contacts(written, names)
    return replace(
        before,
        flows=inner.flows,
        prohibitions=(*before.prohibitions, *own),
        retention=inner.retention,
        breach=inner.breach,
        small_cell=inner.small_cell,
        emergency=inner.emergency,
        term=inner.term,
        contacts={**before.contacts, **contacts},
        clauses={**before.clauses, **read_own_clauses(fields, rules, above)},
    )


def _check(fields: Fields, amendment: Amendment, parent: Agreement | Amendment) -> None:
    own, outer = amendment.effective, agreement_under(parent).effective
    begun = parent.effective.first
    node = fields.require("effective")
    if not own.within(begun, outer.last):
        node.note(f"must lie within {begun} to {outer.last}, the days of what it amends")
    if own.tz != outer.tz:
        node.note(f"is in the zone of the agreement, {outer.tz}")
    signed = {row.party for row in amendment.signed}
    missing = [party for party in SIGNERS if party not in signed]
    if missing and amendment.status == "in-force":
        fields.require("signed").note(
            f"an amendment in force is signed by {' and '.join(missing)} too"
        )


def _bound(amendment: Amendment) -> Amendment:
    """Return the amendment with its agreement carrying its digest, version and last day."""
    before = amendment.agreement
    after = replace(
        before,
        digest=amendment.digest,
        version=f"{before.version}+{amendment.id}",
        effective=replace(before.effective, last=amendment.effective.last),
    )
    return replace(amendment, agreement=after)


def agreement_at(agreement: Agreement, amendments: Iterable[Amendment], at: datetime) -> Agreement:
    """Return an agreement as its amendments leave it at an instant.

    Args:
        agreement: as first signed.
        amendments: each extending the one before it, the first the agreement.
        at: an aware instant.

    Raises:
        ValueError: if ``at`` has no zone, or an amendment does not extend the one before it.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    now, last = agreement, agreement.digest
    for amendment in amendments:
        if amendment.extends.digest != last:
            raise ValueError("an amendment does not extend the one before it")
        last = amendment.digest
        if not amendment.holds_from(at):
            break
        now = amendment.agreement
    return now
