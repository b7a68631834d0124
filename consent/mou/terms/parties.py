"""The organisations bound to a template's roles, who signed, whom to ask."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from consent.model import FlowId
from consent.mou.names import Names
from consent.mou.reading import Fields, Node, Vocabulary
from consent.mou.terms.flows import Flow, FlowChange, read_flow_changes

_PARTY = "ids sites acts_for_lea part2_program"
PHONE: Final = "phone"
"""The one function of a contact that is no address to write to."""
# Digits as people group them, an extension behind; as many as a number has that anybody can dial.
_DIALLED: Final = re.compile(r"\+?[0-9(][0-9 ().-]{5,24}[0-9](,? ?(ext\.?|x) ?[0-9]{1,6})?")


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
    """Who signed for a party, and when; ``district`` where several districts share one paper."""

    party: str
    by: str
    signed_on: date
    district: str = ""


@dataclass(frozen=True, slots=True)
class District:
    """One of several districts of a shared paper: its own party, and the flows it cuts further."""

    party: Party
    flows: Mapping[FlowId, FlowChange]


def read_parties(node: Node, names: Names, *, shared: bool = False) -> dict[str, Party]:
    """Read ``parties``: each role must be bound; ``lea`` under ``districts`` of a shared paper."""
    parties = {name: _party(child) for name, child in node.named_as(names.parties)}
    elsewhere = {"lea"} if shared else set()
    for name in elsewhere & parties.keys():
        node.note(f"{name} is bound under districts; leave it out here")
    unbound = [name for name in names.parties.names if name not in {*parties, *elsewhere}]
    if unbound:
        node.note(f"must bind every role of the template; unbound: {', '.join(unbound)}")
    return parties


def _party(node: Node) -> Party:
    return _party_of(node.fields("name", _PARTY))


def _party_of(fields: Fields) -> Party:
    return Party(
        name=fields.text("name"),
        ids=fields.get("ids", _texts_by_name, {}),
        sites=fields.texts("sites"),
        acts_for_lea=fields.flag("acts_for_lea"),
        part2_program=fields.flag("part2_program"),
    )


def _texts_by_name(node: Node) -> dict[str, str]:
    return {name: child.text() for name, child in node.named()}


def read_districts(node: Node, flows: tuple[Flow, ...], names: Names) -> dict[str, District]:
    """Read ``districts``: two or more that share one paper, each bound as ``lea``."""
    districts = {}
    for name, child in node.named():
        fields = child.fields("name", "ids sites flows")
        cut = fields.nodes.get("flows")
        changes = {} if cut is None else read_flow_changes(cut, flows, names)
        districts[name] = District(_party_of(fields), changes)
    if len(districts) < 2:
        node.note("names two districts or more; one district is bound under parties.lea")
    return districts


def read_signatures(
    node: Node, names: Names, districts: tuple[str, ...] = ()
) -> tuple[Signature, ...]:
    """Read ``signed``; ``districts`` are those of a shared paper, if it is one."""
    return tuple(_signature(child, names, districts) for child in node.items())


def _signature(node: Node, names: Names, districts: tuple[str, ...]) -> Signature:
    fields = node.fields("party by signed_on", "district" if districts else "")
    return Signature(
        fields.word("party", names.parties),
        fields.text("by"),
        fields.day("signed_on"),
        fields.word("district", Vocabulary("district of this agreement", districts)),
    )


def read_contacts(node: Node, names: Names) -> dict[str, dict[str, str]]:
    """Read ``contacts``: addresses by party and function, and a number to call as ``phone``."""
    found = {}
    for name, child in node.named_as(names.parties):
        found[name] = _texts_by_name(child)
        if PHONE in found[name] and not _DIALLED.fullmatch(found[name][PHONE]):
            child.note(f"{PHONE}: expected a number to call, such as 860-555-0100")
    return found
