"""Which signed forms exist, what each must carry, how conflicts end, and minors' own consent.

Sources: 34 CFR 99.30, 45 CFR 164.508(c), 42 CFR 2.31, CGS 52-146e, CGS 19a-14c.
"""

from dataclasses import dataclass

from consent.mou.names import Names
from consent.mou.reading import Node, Vocabulary

PARTS = Vocabulary(
    "part of a form",
    (
        "signer", "signature", "signed_on", "patient", "records", "information", "discloser",
        "recipient", "purpose", "expiry", "revoke_statement", "revoke_right",
        "condition_statement", "redisclosure_statement",
    ),
)  # fmt: skip
SIGNERS = Vocabulary(
    "kind of signer",
    ("education_rights_holder", "health_rights_holder", "part2_signers", "minor"),
)
_CONFLICT = Vocabulary("answer to a conflict", ("hold", "any_one_signs", "all_must_sign"))
_WIDER = Vocabulary("answer to a wider form", ("needs_fresh_signature",))
_EFFECT = Vocabulary("effect of revoking", ("prospective",))
_RECALL = Vocabulary("recall", ("notice", "none"))
_NOTICE = Vocabulary(
    "rule of parent notice",
    ("provider_may_if_needed_and_minor_could_object", "required_unless_detrimental", "never"),
)


@dataclass(frozen=True, slots=True)
class ConsentForm:
    """One form: the parts it must have, and the legal bases (or fact) it satisfies when it has.

    Attributes:
        satisfies: names of bases of the law pack, or of a fact.
        max_days: it lapses this many days after signature, whatever expiry it prints.
        accompany: what must ride with a release made under it (42 CFR 2.32).
    """

    cite: str
    satisfies: tuple[str, ...]
    signer: str
    max_days: int
    must_have: tuple[str, ...] = ()
    accompany: tuple[str, ...] = ()
    electronic: tuple[str, ...] = ()
    separate: bool = False
    also: str = ""


@dataclass(frozen=True, slots=True)
class ConsentConflict:
    """What holds when forms or guardians disagree, and what revoking does."""

    guardians_disagree: str
    newer_narrower_wins: bool
    newer_wider_wins: str
    revoke_effect: str
    revoke_recall: str


@dataclass(frozen=True, slots=True)
class MinorConsent:
    """Care a minor may seek alone: parameters, because the law changed them (CGS 19a-14c)."""

    session_limit: int | None
    reassess_every: int | None
    parent_notice: str
    eligible_licences: tuple[str, ...]


def read_consents(node: Node, names: Names) -> dict[str, ConsentForm]:
    """Read ``consents``."""
    return {name: _form(child, names) for name, child in node.named()}


def _form(node: Node, names: Names) -> ConsentForm:
    fields = node.fields(
        "cite satisfies signer max_days", "must_have accompany electronic separate also"
    )
    satisfied = Vocabulary("legal basis or fact", (*names.bases.names, *names.facts.names))
    return ConsentForm(
        cite=fields.text("cite"),
        satisfies=fields.words("satisfies", satisfied),
        signer=fields.word("signer", SIGNERS),
        max_days=fields.whole("max_days", least=1),
        must_have=fields.words("must_have", PARTS),
        accompany=fields.words("accompany", names.obligations),
        electronic=fields.texts("electronic"),
        separate=fields.flag("separate"),
        also=fields.text("also"),
    )


def read_consent_conflict(node: Node) -> ConsentConflict:
    """Read ``consent_conflict``."""
    fields = node.fields(
        "guardians_disagree newer_narrower_wins newer_wider_wins revoke_effect revoke_recall"
    )
    return ConsentConflict(
        guardians_disagree=fields.word("guardians_disagree", _CONFLICT),
        newer_narrower_wins=fields.flag("newer_narrower_wins"),
        newer_wider_wins=fields.word("newer_wider_wins", _WIDER),
        revoke_effect=fields.word("revoke_effect", _EFFECT),
        revoke_recall=fields.word("revoke_recall", _RECALL),
    )


def read_minor_consent(node: Node) -> MinorConsent:
    """Read ``minor_consent``; an empty number means no limit."""
    fields = node.fields("session_limit reassess_every parent_notice eligible_licences")
    return MinorConsent(
        session_limit=fields.optional("session_limit", lambda number: number.whole(1)),
        reassess_every=fields.optional("reassess_every", lambda number: number.whole(1)),
        parent_notice=fields.word("parent_notice", _NOTICE),
        eligible_licences=fields.texts("eligible_licences"),
    )
