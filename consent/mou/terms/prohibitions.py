"""Denials: they win over every permit of any document."""

from dataclasses import dataclass
from typing import NewType

from consent.model import FactName, Slice
from consent.mou.names import Names
from consent.mou.reading import Node
from consent.mou.terms.flows import read_objecting_facts, read_opening_facts

ProhibitionId = NewType("ProhibitionId", str)


@dataclass(frozen=True, slots=True)
class Prohibition:
    """One denial.

    It objects when *all* facts of ``when`` are true and *none* of ``unless`` is. The other parts
    say which slices it speaks of; an empty one does not restrict. ``to`` holds parties (``lea``)
    and staff roles of a party (``family.guardian``).
    """

    id: ProhibitionId
    text: str
    when: tuple[FactName, ...] = ()
    unless: tuple[FactName, ...] = ()
    kinds: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    free_text: bool = False

    def names(self, asked: Slice, kinds: frozenset[str], free_text: bool) -> bool:
        """Whether this prohibition speaks of such a slice, whatever the facts.

        Args:
            asked: the slice.
            kinds: every kind the slice's element counts as (two where the provider keeps the
                record for the school; a prohibition on either holds).
            free_text: whether the element is free text.
        """
        return (
            (not self.free_text or free_text)
            and (not self.kinds or not kinds.isdisjoint(self.kinds))
            and (not self.elements or asked.element in self.elements)
            and (not self.purposes or asked.purpose in self.purposes)
            and self._between(asked)
        )

    def _between(self, asked: Slice) -> bool:
        aimed = (asked.recipient, f"{asked.recipient}.{asked.role}")
        return (not self.senders or asked.sender in self.senders) and (
            not self.to or any(name in self.to for name in aimed)
        )


def read_prohibitions(
    node: Node, names: Names, taken: frozenset[str] = frozenset()
) -> tuple[Prohibition, ...]:
    """Read ``prohibitions``; ids must differ from each other and from the ``taken`` ones."""
    prohibitions = []
    seen = set(taken)
    for child in node.items():
        prohibition = _prohibition(child, names)
        if prohibition.id in seen:
            child.note(f'prohibition id "{prohibition.id}" is used twice')
        seen.add(prohibition.id)
        prohibitions.append(prohibition)
    return tuple(prohibitions)


def _prohibition(node: Node, names: Names) -> Prohibition:
    fields = node.fields("id text unless", "when kinds elements from to purposes free_text")
    return Prohibition(
        id=ProhibitionId(fields.text("id")),
        text=fields.text("text"),
        when=read_objecting_facts(fields, "when", names),
        unless=read_opening_facts(fields, "unless", names),
        kinds=fields.words("kinds", names.kinds),
        elements=fields.words("elements", names.elements),
        senders=fields.word_or_words("from", names.parties),
        to=fields.word_or_words("to", names.recipients),
        purposes=fields.words("purposes", names.purposes),
        free_text=fields.flag("free_text"),
    )
