"""Who holds the rights over a record, and what happens on the 18th birthday.

Sources: 34 CFR 99.3-99.5 (rights pass to the student), 45 CFR 164.502(g), 42 CFR 2.14.
"""

from dataclasses import dataclass

from consent.mou.reading import Fields, Node, Vocabulary

_HOLDER = Vocabulary(
    "holder of the right", ("any_guardian_without_restriction", "all_guardians", "student", "minor")
)
_SIGNER = Vocabulary("signer", ("minor", "guardian", "student"))
_ENDS = Vocabulary("effect", ("end",))
_REFERRALS = Vocabulary("effect on open referrals", ("hold", "continue", "close"))


@dataclass(frozen=True, slots=True)
class Rights:
    """Who holds a right, by age; ``minor_consented`` for care the minor sought alone."""

    under_18: str
    from_18: str
    minor_consented: str = ""


@dataclass(frozen=True, slots=True)
class Part2Signers:
    """Who must *all* sign, by state rule and age (42 CFR 2.14)."""

    under_18_parent_consent_state: tuple[str, ...]
    minor_consent_state: tuple[str, ...]
    from_18: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class On18thBirthday:
    """What ends, and what is asked, at local midnight of the 18th birthday."""

    guardian_consents: str
    guardian_access: str
    ask_student: bool
    open_referrals: str


@dataclass(frozen=True, slots=True)
class People:
    """The people rules of a template."""

    education_rights_holder: Rights | None
    health_rights_holder: Rights | None
    part2_signers: Part2Signers | None
    on_18th_birthday: On18thBirthday | None


def read_people(node: Node) -> People:
    """Read ``people``."""
    fields = node.fields(
        "education_rights_holder health_rights_holder part2_signers on_18th_birthday"
    )
    return People(
        fields.optional("education_rights_holder", _rights),
        fields.optional("health_rights_holder", _rights),
        fields.optional("part2_signers", _part2_signers),
        fields.optional("on_18th_birthday", _birthday),
    )


def _rights(node: Node) -> Rights:
    fields = node.fields("under_18 from_18", "minor_consented")
    return Rights(
        fields.word("under_18", _HOLDER),
        fields.word("from_18", _HOLDER),
        fields.word("minor_consented", _HOLDER),
    )


def _part2_signers(node: Node) -> Part2Signers:
    fields = node.fields("under_18_parent_consent_state minor_consent_state from_18")
    return Part2Signers(
        _signers(fields, "under_18_parent_consent_state"),
        _signers(fields, "minor_consent_state"),
        _signers(fields, "from_18"),
    )


def _signers(fields: Fields, name: str) -> tuple[str, ...]:
    return fields.words(name, _SIGNER)


def _birthday(node: Node) -> On18thBirthday:
    fields = node.fields("guardian_consents guardian_access ask_student open_referrals")
    return On18thBirthday(
        fields.word("guardian_consents", _ENDS),
        fields.word("guardian_access", _ENDS),
        fields.flag("ask_student"),
        fields.word("open_referrals", _REFERRALS),
    )
