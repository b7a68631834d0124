"""Permits: what a template lets pass, and how an agreement narrows it.

A flow permits only what it names; ``requires`` are AND-ed; obligations ride with the release.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from consent.facts import Fact, IfUnknown, load_facts
from consent.model import FactName, FlowId, Slice
from consent.mou.names import Names
from consent.mou.reading import Fields, Node, Vocabulary

_Name = TypeVar("_Name", bound=str)
VERBAL = "verbal"
_CHANNEL = Vocabulary("channel", ("electronic", VERBAL))


@dataclass(frozen=True, slots=True)
class Flow:
    """One permit. ``trigger`` says in words when it happens (no part in a decision).

    A ``verbal`` flow says what may be spoken of in a team meeting; it opens no cell, since nothing
    spoken passes through the bridge.
    """

    id: FlowId
    text: str
    senders: tuple[str, ...]
    to: tuple[str, ...]
    recipients: tuple[str, ...]
    purposes: tuple[str, ...]
    elements: tuple[str, ...]
    requires: tuple[FactName, ...]
    obligations: tuple[str, ...]
    clause: str
    trigger: str = ""
    channel: str = "electronic"

    def names(self, asked: Slice) -> bool:
        """Whether this flow speaks of such a slice at all, whatever the facts."""
        return (
            asked.sender in self.senders
            and asked.recipient in self.to
            and asked.role in self.recipients
            and asked.purpose in self.purposes
            and asked.element in self.elements
        )


@dataclass(frozen=True, slots=True)
class FlowChange:
    """How an agreement narrows one flow; there is no way to write an addition of a permit."""

    dropped: bool = False
    drop_elements: tuple[str, ...] = ()
    drop_recipients: tuple[str, ...] = ()
    drop_purposes: tuple[str, ...] = ()
    add_requires: tuple[FactName, ...] = ()
    add_obligations: tuple[str, ...] = ()

    def apply(self, flow: Flow) -> Flow:
        """Return the flow as narrowed."""
        return replace(
            flow,
            recipients=() if self.dropped else _without(flow.recipients, self.drop_recipients),
            purposes=_without(flow.purposes, self.drop_purposes),
            elements=_without(flow.elements, self.drop_elements),
            requires=_with(flow.requires, self.add_requires),
            obligations=_with(flow.obligations, self.add_obligations),
        )


def _without(names: tuple[str, ...], dropped: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in dropped)


def _with(names: tuple[_Name, ...], added: tuple[_Name, ...]) -> tuple[_Name, ...]:
    return (*names, *(name for name in added if name not in names))


def read_flows(node: Node, names: Names) -> tuple[Flow, ...]:
    """Read ``flows`` of a template; ids must differ."""
    flows = []
    seen: set[str] = set()
    for child in node.items():
        flow = _flow(child, names)
        if flow.id in seen:
            child.note(f'flow id "{flow.id}" is used twice')
        seen.add(flow.id)
        flows.append(flow)
    return tuple(flows)


def _flow(node: Node, names: Names) -> Flow:
    fields = node.fields(
        "id text from to recipients purposes elements requires obligations clause",
        "trigger channel",
    )
    return Flow(
        id=FlowId(fields.text("id")),
        text=fields.text("text"),
        senders=fields.word_or_words("from", names.parties),
        to=fields.word_or_words("to", names.parties),
        recipients=fields.words("recipients", names.staff),
        purposes=fields.words("purposes", names.purposes),
        elements=fields.words("elements", names.elements),
        requires=read_opening_facts(fields, "requires", names),
        obligations=fields.words("obligations", names.obligations),
        clause=fields.text("clause"),
        trigger=fields.text("trigger"),
        channel=fields.get("channel", lambda word: word.word(_CHANNEL), "electronic"),
    )


def read_facts(fields: Fields, name: str, names: Names) -> tuple[FactName, ...]:
    """Read a list of facts."""
    return tuple(FactName(fact) for fact in fields.words(name, names.facts))


def read_opening_facts(fields: Fields, name: str, names: Names) -> tuple[FactName, ...]:
    """Read facts that let something pass when true, or lift what forbids it.

    INVARIANT: unknown never permits. A fact that counts as true while unknown is refused here.
    """
    return _read_only(fields, name, names, safe=(IfUnknown.FALSE,))


def read_objecting_facts(fields: Fields, name: str, names: Names) -> tuple[FactName, ...]:
    """Read facts that forbid when true.

    INVARIANT: unknown never permits. A fact that counts as false while unknown is refused here: the
    prohibition would be silent just when nobody can answer.
    """
    return _read_only(fields, name, names, safe=(IfUnknown.TRUE, IfUnknown.TRUE_UNDER_18))


def _read_only(
    fields: Fields, name: str, names: Names, *, safe: tuple[IfUnknown, ...]
) -> tuple[FactName, ...]:
    known = load_facts()
    node = fields.nodes.get(name)
    for item in node.located.items if node else ():
        fact = known.get(FactName(item.text))
        if node and fact and fact.if_unknown not in safe:
            text = f'{node.label}: "{fact.name}" counts as {_counts(fact)} while unknown, which '
            node.reading.note(
                item.position, f"{text}would let something leave; {_advice(known, safe)}"
            )
    return read_facts(fields, name, names)


def _counts(fact: Fact) -> str:
    return "false" if fact.if_unknown is IfUnknown.FALSE else "true"


def _advice(known: Mapping[FactName, Fact], safe: tuple[IfUnknown, ...]) -> str:
    if IfUnknown.FALSE in safe:
        return "forbid by it in the when of a prohibition instead"
    usable = ", ".join(name for name, fact in known.items() if fact.if_unknown in safe)
    return f"name its opposite in unless, or one of {usable}"


def read_flow_changes(
    node: Node, flows: tuple[Flow, ...], names: Names
) -> dict[FlowId, FlowChange]:
    """Read ``flows`` of an agreement: narrowing, by flow id."""
    by_id = {str(flow.id): flow for flow in flows}
    known = Vocabulary("flow of the template", tuple(by_id))
    return {
        FlowId(name): _change(child, by_id[name], names) for name, child in node.named_as(known)
    }


def _change(node: Node, flow: Flow, names: Names) -> FlowChange:
    fields = node.fields(
        "",
        "drop drop_elements drop_recipients drop_purposes add_requires add_obligations",
    )
    return FlowChange(
        dropped=fields.flag("drop"),
        drop_elements=fields.words("drop_elements", _of(flow, "element", flow.elements)),
        drop_recipients=fields.words("drop_recipients", _of(flow, "recipient", flow.recipients)),
        drop_purposes=fields.words("drop_purposes", _of(flow, "purpose", flow.purposes)),
        add_requires=read_opening_facts(fields, "add_requires", names),
        add_obligations=fields.words("add_obligations", names.obligations),
    )


def _of(flow: Flow, noun: str, names: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(f"{noun} of flow {flow.id}", names)
