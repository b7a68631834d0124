"""The names a template defines: party roles with their staff, purposes, and data elements."""

from dataclasses import dataclass

from consent.codes import label_codes, purpose_codes
from consent.mou.reading import Node, Vocabulary

IDENTIFIABILITY = Vocabulary("identifiability", ("direct", "indirect", "pseudonym", "none"))
_FERPA = Vocabulary(
    "capacity under FERPA",
    ("educational-agency", "outside-party", "authorized-representative", "rights-holder", "none"),
)
_HIPAA = Vocabulary(
    "capacity under HIPAA",
    ("covered-entity", "business-associate", "personal-representative", "none"),
)


@dataclass(frozen=True, slots=True)
class Role:
    """A party role: its capacity under FERPA and HIPAA, and the staff roles that may receive."""

    ferpa: str
    hipaa: str
    staff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why data is passed: code of v3-ActReason, or None where HL7 has none."""

    code: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the data catalogue; ``kind`` decides which laws must each be satisfied."""

    kind: str
    ident: str
    path: str
    labels: tuple[str, ...] = ()
    free_text: bool = False


def sensitivity() -> Vocabulary:
    """Return the labels an element may carry."""
    return Vocabulary("sensitivity label", label_codes())


def read_roles(node: Node) -> dict[str, Role]:
    """Read ``roles``."""
    return {name: _role(child) for name, child in node.named()}


def _role(node: Node) -> Role:
    fields = node.fields("ferpa hipaa staff")
    return Role(fields.word("ferpa", _FERPA), fields.word("hipaa", _HIPAA), fields.texts("staff"))


def read_purposes(node: Node) -> dict[str, Purpose]:
    """Read ``purposes``."""
    return {name: _purpose(child) for name, child in node.named()}


def _purpose(node: Node) -> Purpose:
    fields = node.fields("code text")
    codes = Vocabulary("code of v3-ActReason", purpose_codes())
    return Purpose(fields.optional("code", lambda code: code.word(codes)), fields.text("text"))


def read_elements(node: Node, kinds: Vocabulary) -> dict[str, Element]:
    """Read ``elements``."""
    return {name: _element(child, kinds) for name, child in node.named()}


def _element(node: Node, kinds: Vocabulary) -> Element:
    fields = node.fields("kind ident path", "labels free_text")
    return Element(
        kind=fields.word("kind", kinds),
        ident=fields.word("ident", IDENTIFIABILITY),
        path=fields.text("path"),
        labels=fields.words("labels", sensitivity()),
        free_text=fields.flag("free_text"),
    )
