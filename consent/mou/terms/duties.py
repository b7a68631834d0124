"""Duties beside the decision: security, research, billing, audit, rights, term, governance.

No slice depends on these; jobs and pages of the bridge read them.
"""

from dataclasses import dataclass, replace

from consent.mou.names import Names
from consent.mou.reading import Node, Vocabulary

_ON_END = Vocabulary(
    "effect of the end",
    ("stop_at_once", "stop_unsent", "retention_clock", "return", "delete", "finish"),
)
_RENEWAL = Vocabulary("kind of renewal", ("explicit", "automatic"))


@dataclass(frozen=True, slots=True)
class Security:
    """How data is protected by whoever holds it (CGS 10-234bb(a))."""

    transport: str
    at_rest: str
    mfa: bool
    training_days: int
    subcontractors: str
    residency: str
    staff_agreement: bool = False


@dataclass(frozen=True, slots=True)
class Research:
    """On which bases research may ask, and what it must bring (34 CFR 99.31(a)(6))."""

    basis: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Billing:
    """What a claim must respect (34 CFR 300.154(d))."""

    eob_suppression: str
    medicaid_school_needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """Who may inspect the log, and what it holds (34 CFR 99.32, 45 CFR 164.528)."""

    parties_may_inspect_days: int
    log_fields: str
    log_hash_chain: bool


@dataclass(frozen=True, slots=True)
class PersonRights:
    """What families and students may ask (34 CFR 99.10-99.22, 99.32(c))."""

    inspect_days: int
    amend: bool
    log_inspection: tuple[str, ...]
    copy_of_disclosure: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """How long, how renewed, and what happens at the end."""

    length_days: int
    renew: str
    notice_days: int
    new_releases: str
    in_flight: str
    received: str
    survives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Governance:
    """Who owns the agreement, settles disputes and amends it."""

    owner: str
    review_days: int
    dispute: tuple[str, ...]
    amend: str
    publish: bool = False


def read_security(node: Node) -> Security:
    """Read ``security``."""
    fields = node.fields(
        "transport at_rest mfa training_days subcontractors residency", "staff_agreement"
    )
    return Security(
        fields.text("transport"),
        fields.text("at_rest"),
        fields.flag("mfa"),
        fields.whole("training_days", least=1),
        fields.text("subcontractors"),
        fields.text("residency"),
        fields.flag("staff_agreement"),
    )


def read_research(node: Node) -> Research:
    """Read ``research``; its bases are those of a separate study agreement, not of the pack."""
    fields = node.fields("basis needs")
    return Research(fields.texts("basis"), fields.texts("needs"))


def read_billing(node: Node) -> Billing:
    """Read ``billing``."""
    fields = node.fields("eob_suppression medicaid_school")
    nothing: tuple[str, ...] = ()
    needs = fields.get(
        "medicaid_school", lambda child: child.fields("needs").texts("needs"), nothing
    )
    return Billing(fields.text("eob_suppression"), needs)


def read_audit(node: Node) -> Audit:
    """Read ``audit``."""
    fields = node.fields("parties_may_inspect_days log_fields log_hash_chain")
    return Audit(
        fields.whole("parties_may_inspect_days", least=1),
        fields.text("log_fields"),
        fields.flag("log_hash_chain"),
    )


def read_rights(node: Node) -> PersonRights:
    """Read ``rights``."""
    fields = node.fields("inspect_days amend log_inspection", "copy_of_disclosure")
    return PersonRights(
        fields.whole("inspect_days", least=1),
        fields.flag("amend"),
        fields.texts("log_inspection"),
        fields.flag("copy_of_disclosure"),
    )


def read_term(node: Node) -> Term:
    """Read ``term`` of a template."""
    fields = node.fields("length_days renew notice_days on_end")
    end = fields.nodes.get("on_end", node).fields("new_releases in_flight received survives")
    return Term(
        length_days=fields.whole("length_days", least=1),
        renew=fields.word("renew", _RENEWAL),
        notice_days=fields.whole("notice_days"),
        new_releases=end.word("new_releases", _ON_END),
        in_flight=end.word("in_flight", _ON_END),
        received=end.word("received", _ON_END),
        survives=end.texts("survives"),
    )


def read_term_within(node: Node, outer: Term) -> Term:
    """Read ``term`` of an agreement: free, but no longer than the template's."""
    fields = node.fields("", "length_days renew notice_days")
    term = replace(
        outer,
        length_days=fields.get("length_days", lambda days: days.whole(1), outer.length_days),
        renew=fields.get("renew", lambda word: word.word(_RENEWAL), outer.renew),
        notice_days=fields.get("notice_days", Node.whole, outer.notice_days),
    )
    if term.length_days > outer.length_days:
        node.note(f"length_days may not be longer than the template's {outer.length_days}")
    return term


def read_governance(node: Node) -> Governance:
    """Read ``governance``."""
    fields = node.fields("owner review_days dispute amend", "publish")
    return Governance(
        fields.text("owner"),
        fields.whole("review_days", least=1),
        fields.texts("dispute"),
        fields.text("amend"),
        fields.flag("publish"),
    )


@dataclass(frozen=True, slots=True)
class Onward:
    """A recipient that may pass data on, and under which flow (34 CFR 99.33(b))."""

    sender: str
    to: str
    flow: str


@dataclass(frozen=True, slots=True)
class Redisclosure:
    """Whether recipients may pass data on, and the notices that say so (99.33(d), 42 CFR 2.32)."""

    default: str
    notice: tuple[str, ...]
    allowed: tuple[Onward, ...]


def read_redisclosure(node: Node, names: Names, flows: Vocabulary) -> Redisclosure:
    """Read ``redisclosure``."""
    fields = node.fields("default notice allowed")
    return Redisclosure(
        fields.word("default", Vocabulary("default", ("forbidden",))),
        fields.words("notice", names.obligations),
        fields.get(
            "allowed",
            lambda listed: tuple(_onward(child, names, flows) for child in listed.items()),
            (),
        ),
    )


def _onward(node: Node, names: Names, flows: Vocabulary) -> Onward:
    fields = node.fields("from to flow")
    return Onward(
        fields.word("from", names.parties),
        fields.word("to", names.parties),
        fields.word("flow", flows),
    )
