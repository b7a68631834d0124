"""What a document promises of every cell; ``mou check`` proves it over the whole table.

A promise opens nothing and closes nothing. It is a second, plainer way to say what the flows and
prohibitions must come to, so that a mistake in them is found before anything leaves.
"""

from dataclasses import dataclass
from enum import StrEnum

from consent.model import FactName, Slice
from consent.mou.names import Names
from consent.mou.reading import Fields, Node
from consent.mou.terms.catalogue import IDENTIFIABILITY, Element, sensitivity
from consent.mou.terms.flows import read_facts

_SCOPE = "kinds elements ident from to purposes free_text labels"


class Promise(StrEnum):
    """The forms a promise can take."""

    NEVER = "never"
    REQUIRES_ONE_OF = "requires_one_of"
    REQUIRES_ALL = "requires_all"
    CLOSED_WHEN = "closed_when"
    CARRIES = "carries"


@dataclass(frozen=True, slots=True)
class Scope:
    """The slices a promise speaks of; an empty part does not restrict."""

    kinds: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    ident: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    free_text: bool = False
    labels: tuple[str, ...] = ()

    def names(self, asked: Slice, element: Element) -> bool:
        """Whether a slice is meant."""
        aimed = {asked.recipient, f"{asked.recipient}.{asked.role}"}
        return (
            (not self.free_text or element.free_text)
            and (not self.to or not aimed.isdisjoint(self.to))
            and (not self.labels or not set(self.labels).isdisjoint(element.labels))
            and all(
                not wanted or found in wanted
                for wanted, found in (
                    (self.kinds, element.kind),
                    (self.elements, asked.element),
                    (self.ident, element.ident),
                    (self.senders, asked.sender),
                    (self.purposes, asked.purpose),
                )
            )
        )


@dataclass(frozen=True, slots=True)
class Property:
    """One promise.

    Attributes:
        words: the facts it needs (``requires_...``, ``closed_when``) or the duties (``carries``).
        unless: facts any of which lifts a ``closed_when``.
    """

    id: str
    text: str
    promise: Promise
    scope: Scope
    words: tuple[str, ...] = ()
    unless: tuple[FactName, ...] = ()


def read_properties(node: Node, names: Names) -> tuple[Property, ...]:
    """Read ``properties``; ids must differ."""
    found: list[Property] = []
    for child in node.items():
        stated = _property(child, names)
        if stated.id in {other.id for other in found}:
            child.note(f'property id "{stated.id}" is used twice')
        found.append(stated)
    return tuple(found)


def _property(node: Node, names: Names) -> Property:
    forms = " ".join(Promise)
    fields = node.fields("id text", f"{forms} where unless")
    said = [form for form in Promise if form in fields.nodes]
    promise = said[0] if said else Promise.NEVER
    if len(said) != 1:
        node.note(f"says exactly one of {', '.join(Promise)}")
    if promise is not Promise.CLOSED_WHEN and "unless" in fields.nodes:
        fields.nodes["unless"].note("stands only beside closed_when")
    return Property(
        id=fields.text("id"),
        text=fields.text("text"),
        promise=promise,
        scope=_scope(fields, promise, names),
        words=_words(fields, promise, names),
        unless=read_facts(fields, "unless", names),
    )


def _words(fields: Fields, promise: Promise, names: Names) -> tuple[str, ...]:
    if promise is Promise.NEVER:
        return ()
    known = names.obligations if promise is Promise.CARRIES else names.facts
    words = fields.words(promise, known)
    if promise in fields.nodes and not words:
        fields.nodes[promise].note("names nothing")
    return words


def _scope(fields: Fields, promise: Promise, names: Names) -> Scope:
    """Read the slices: under ``never`` itself, and under ``where`` for the other forms."""
    key = promise if promise is Promise.NEVER else "where"
    node = fields.nodes.get(key)
    if promise is Promise.NEVER and "where" in fields.nodes:
        fields.nodes["where"].note("write the scope under never itself")
    if node is None:
        return Scope()
    part = node.fields("", _SCOPE)
    if not part.nodes:
        node.note("names nothing; a promise of everything is written without it")
    return Scope(
        kinds=part.words("kinds", names.kinds),
        elements=part.words("elements", names.elements),
        ident=part.words("ident", IDENTIFIABILITY),
        senders=part.word_or_words("from", names.parties),
        to=part.word_or_words("to", names.recipients),
        purposes=part.words("purposes", names.purposes),
        free_text=part.flag("free_text"),
        labels=part.words("labels", sensitivity()),
    )
