"""The organisations bound to a template's roles, who signed, whom to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from consent.mou.names import Names
from consent.mou.reading import Node


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation in a role.

    Attributes:
        ids: identifiers by system (``nces``, ``npi``).
        acts_for_lea: whether a provider keeps its records *for the school*: then FERPA governs
            them, else HIPAA (HHS and ED joint guidance, December 2019).
        part2_program: whether it holds itself out as giving substance-use care (42 CFR 2.11).
    """

    name: str
    ids: Mapping[str, str]
    sites: tuple[str, ...] = ()
    acts_for_lea: bool = False
    part2_program: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed for a party, and when."""

    party: str
    by: str
    signed_on: date


def read_parties(node: Node, names: Names) -> dict[str, Party]:
    """Read ``parties``: each role of the template must be bound."""
    parties = {name: _party(child) for name, child in node.named_as(names.parties)}
    unbound = [name for name in names.parties.names if name not in parties]
    if unbound:
        node.note(f"must bind every role of the template; unbound: {', '.join(unbound)}")
    return parties


def _party(node: Node) -> Party:
    fields = node.fields("name", "ids sites acts_for_lea part2_program")
    return Party(
        name=fields.text("name"),
        ids=fields.get("ids", _texts_by_name, {}),
        sites=fields.texts("sites"),
        acts_for_lea=fields.flag("acts_for_lea"),
        part2_program=fields.flag("part2_program"),
    )


def _texts_by_name(node: Node) -> dict[str, str]:
    return {name: child.text() for name, child in node.named()}


def read_signatures(node: Node, names: Names) -> tuple[Signature, ...]:
    """Read ``signed``."""
    return tuple(_signature(child, names) for child in node.items())


def _signature(node: Node, names: Names) -> Signature:
    fields = node.fields("party by signed_on")
    return Signature(
        fields.word("party", names.parties), fields.text("by"), fields.day("signed_on")
    )


def read_contacts(node: Node, names: Names) -> dict[str, dict[str, str]]:
    """Read ``contacts``: addresses by party and function."""
    return {name: _texts_by_name(child) for name, child in node.named_as(names.parties)}
