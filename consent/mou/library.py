"""A document together with everything it stands on: template, agreement, amendments, licence."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from consent.law import Law, load_law
from consent.mou.agreement import Agreement, agreements_of
from consent.mou.amendment import Amendment, amendment_of
from consent.mou.narrowing import Extends, Parent, terms_of
from consent.mou.reading import Node, Reading, Vocabulary
from consent.mou.template import Template, template_of
from consent.mou.terms.parties import Party
from consent.mou.use_licence import use_licence_of
from documents import DocumentError, Located, read_yaml

Find = Callable[[str], bytes]


class Kind(StrEnum):
    """The kinds of document."""

    TEMPLATE = "template"
    AGREEMENT = "agreement"
    AMENDMENT = "amendment"
    USE_LICENCE = "use-licence"


# What each kind may extend.
ABOVE = {
    Kind.AGREEMENT: (Kind.TEMPLATE,),
    Kind.AMENDMENT: (Kind.AGREEMENT, Kind.AMENDMENT),
    Kind.USE_LICENCE: (Kind.TEMPLATE, Kind.AGREEMENT),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A document as read, bound to what it extends.

    Attributes:
        own: the document itself; for an agreement, one for each district that shares it.
        agreements: the agreements as this document leaves them, one a district. For a template
            (and a licence of one) the widest agreement that could sign it.
    """

    kind: Kind
    located: Located
    template: Template
    own: tuple[Parent, ...]
    agreements: tuple[Agreement, ...]

    @property
    def law(self) -> Law:
        """The law pack of the template's jurisdiction."""
        return load_law(self.template.jurisdiction)

    @property
    def id(self) -> str:
        """The id of the document itself."""
        return self.own[0].id


def read_bound(source: bytes, document: str, find: Find) -> Bound:
    """Read a document of any kind, and all it extends.

    Args:
        source: the bytes of the document.
        document: its name in messages.
        find: returns the bytes of a document by its id; raises LookupError if there is none.

    Raises:
        DocumentError: with line and column, of this document or of one above it.
    """
    return bound_of(read_yaml(source, document), document, find)


def bound_of(located: Located, document: str, find: Find, below: tuple[str, ...] = ()) -> Bound:
    """Read a document that was parsed already.

    Args:
        located: the document.
        document: its name in messages.
        find: as of :func:`read_bound`.
        below: the ids of the documents that led here.
    """
    kind = _kind(located, document)
    if kind is Kind.TEMPLATE:
        template = template_of(located, document)
        return Bound(kind, located, template, (template,), (widest(template),))
    parent = _parent(located, document, find, below)
    _expect_kind(kind, parent, located, document)
    match kind:
        case Kind.AGREEMENT:
            own = agreements_of(located, document, parent.template)
            return Bound(kind, located, parent.template, own, own)
        case Kind.AMENDMENT:
            return _amendment(located, document, parent)
        case Kind.USE_LICENCE:
            return _licence(located, document, parent)


def _kind(located: Located, document: str) -> Kind:
    reading = Reading(document)
    node = located.entries.get("kind")
    if located.kind != "mapping" or node is None:
        reading.note(located.position, f"lacks kind; it is one of {', '.join(Kind)}")
        reading.finish()
        return Kind.TEMPLATE
    word = Node(node, "kind", reading).word(Vocabulary("kind of document", tuple(Kind)))
    reading.finish()
    return Kind(word)


def parent_of(source: bytes, document: str, find: Find) -> Bound:
    """Read what a document extends, and not the document itself: to seal it.

    Raises:
        DocumentError: it extends nothing that can be found and read.
    """
    return _parent(read_yaml(source, document), document, find, ())


def _parent(located: Located, document: str, find: Find, below: tuple[str, ...]) -> Bound:
    reading = Reading(document)
    own = Node(located, "", reading).fields("id extends", " ".join(located.entries))
    extends = own.require("extends").fields("id version digest")
    reading.finish()
    wanted = extends.text("id")
    path = (*below, own.text("id"))
    if wanted in path:
        steps = " -> ".join((*path, wanted))
        extends.nodes["id"].note(f"extends goes round in a circle: {steps}")
        reading.finish()
    try:
        source = find(wanted)
    except LookupError:
        extends.nodes["id"].note(f'there is no document "{wanted}" here; put it beside this one')
        reading.finish()
        raise
    return bound_of(read_yaml(source, wanted), wanted, find, path)


def _expect_kind(kind: Kind, parent: Bound, located: Located, document: str) -> None:
    if parent.kind not in ABOVE[kind]:
        reading = Reading(document)
        names = " or ".join(_with_article(above) for above in ABOVE[kind])
        text = f"{_with_article(kind)} extends {names}; {parent.id} is {_with_article(parent.kind)}"
        reading.note(located.entries["extends"].position, text)
        raise DocumentError(reading.problems)


def _with_article(kind: Kind) -> str:
    return f"{'an' if kind.startswith('a') else 'a'} {kind}"


def _amendment(located: Located, document: str, parent: Bound) -> Bound:
    own = tuple(
        amendment_of(located, document, above, parent.template)
        for above in parent.own
        if isinstance(above, Agreement | Amendment)
    )
    agreements = tuple(amendment.agreement for amendment in own)
    return Bound(Kind.AMENDMENT, located, parent.template, own, agreements)


def _licence(located: Located, document: str, parent: Bound) -> Bound:
    above = parent.own[0]
    if not isinstance(above, Template | Agreement):
        raise TypeError("a licence extends a template or an agreement")
    licence = use_licence_of(located, document, above, parent.template)
    agreements = tuple(licence.narrow(agreement) for agreement in parent.agreements)
    return Bound(Kind.USE_LICENCE, located, parent.template, (licence,), agreements)


def widest(template: Template) -> Agreement:
    """Return the widest agreement that could sign a template: it narrows nothing.

    A template alone decides nothing; what it could at most release is judged under this one. It is
    never in force: nobody has signed it.
    """
    terms = terms_of(template)
    return Agreement(
        id=template.id,
        version=template.version,
        digest=template.digest,
        status="draft",
        extends=Extends(template.id, template.version, template.digest),
        effective=template.effective,
        signed=(),
        parties={role: Party(name=f"any {role}", ids={}) for role in template.roles},
        flows=terms.flows,
        prohibitions=(),
        retention=terms.retention,
        breach=terms.breach,
        small_cell=terms.small_cell,
        emergency=terms.emergency,
        term=terms.term,
        contacts={},
        clauses={},
    )
