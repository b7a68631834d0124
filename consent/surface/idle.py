"""Rules that do nothing: permits that can never open, prohibitions that never matter.

Each is most often a slip of whoever wrote it, who believed that it did something.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from consent.model import Slice
from consent.mou.agreement import Agreement
from consent.mou.coverage import own_rules
from consent.mou.library import Bound, Kind
from consent.mou.template import Template
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition
from consent.surface.released import Surface
from documents import Located, Problem


@dataclass(frozen=True, slots=True)
class Idle:
    """A rule that does nothing. ``meant``: the document itself closes it in so many words."""

    problem: Problem
    meant: bool = False


def idle_rules(bound: Bound, surfaces: tuple[Surface, ...], document: str) -> tuple[Idle, ...]:
    """Return every dead permit and every idle prohibition of a document, in order of position."""
    dead = (
        found
        for agreement, surface in zip(bound.agreements, surfaces, strict=True)
        for found in _dead(bound, agreement, surface, document)
    )
    found = dict.fromkeys((*dead, *_shadowed(bound, document)))
    return tuple(sorted(found, key=lambda idle: idle.problem))


def _dead(bound: Bound, agreement: Agreement, surface: Surface, document: str) -> Iterator[Idle]:
    for flow in agreement.flows:
        closed = [] if _dropped(flow) else list(_never_open(flow, surface))
        for noun, name in closed:
            by = _closing(flow, name, agreement) if noun == "elements" else ""
            where = _place(bound.located, flow, noun, name)
            why = f"prohibition {by} closes it" if by else "no facts can open it"
            text = f"flow {flow.id} names {name}, which can never be permitted: {why}; drop it"
            yield Idle(
                Problem(document, where.position.line, where.position.column, text),
                meant=bool(by) and bound.kind is not Kind.TEMPLATE,
            )


def _dropped(flow: Flow) -> bool:
    return not (flow.recipients and flow.purposes and flow.elements)


def _never_open(flow: Flow, surface: Surface) -> Iterator[tuple[str, str]]:
    open_slices = [asked for asked in surface.openings if flow.names(asked)]
    parts = {
        "elements": {asked.element for asked in open_slices},
        "recipients": {asked.role for asked in open_slices},
        "purposes": {asked.purpose for asked in open_slices},
    }
    for noun, living in parts.items():
        yield from ((noun, name) for name in getattr(flow, noun) if name not in living)


def _closing(flow: Flow, element: str, agreement: Agreement) -> str:
    """Return the child's own prohibition that closes an element of a flow whatever the facts."""
    asked = [
        Slice(sender, to, role, purpose, element)
        for sender, to, role, purpose in product(
            flow.senders, flow.to, flow.recipients, flow.purposes
        )
        if sender != to
    ]
    for rule in agreement.prohibitions:
        plain = not rule.when and not rule.unless and not rule.kinds and not rule.free_text
        if plain and all(rule.names(one, frozenset(), free_text=False) for one in asked):
            return rule.id
    return ""


def _place(located: Located, flow: Flow, noun: str, name: str) -> Located:
    """Return where a word of a flow stands; in a child, where it speaks of the flow, or of all."""
    node = dict(own_rules(located)).get(flow.id)
    if node is not None and noun in node.entries:
        return next((i for i in node.entries[noun].items if i.text == name), node)
    flows = located.entries.get("flows", located)
    return flows.entries.get(flow.id, located.entries.get("prohibitions", located))


def _shadowed(bound: Bound, document: str) -> Iterator[Idle]:
    rules = bound.template.prohibitions
    if bound.kind is not Kind.TEMPLATE:
        rules = (*rules, *bound.agreements[0].prohibitions)
    written = dict(own_rules(bound.located))
    for index, rule in enumerate(rules):
        if rule.id not in written:
            continue
        why = _never_objects(rule, bound.template) or next(
            (
                f"prohibition {other.id} objects whenever it does"
                for place, other in enumerate(rules)
                if place != index
                and _covers(other, rule, bound.template)
                and (place < index or not _covers(rule, other, bound.template))
            ),
            "",
        )
        if why:
            where = written[rule.id].position
            text = f"prohibition {rule.id} does nothing: {why}; leave it out or mend it"
            yield Idle(Problem(document, where.line, where.column, text))


def _never_objects(rule: Prohibition, template: Template) -> str:
    return "" if all(_scope(rule, template)) else "no slice is both of all it names"


def _covers(other: Prohibition, rule: Prohibition, template: Template) -> bool:
    """Whether one prohibition objects in every cell in which another does."""
    wide, narrow = _scope(other, template), _scope(rule, template)
    return (
        set(other.when) <= set(rule.when)
        and set(other.unless) <= set(rule.unless)
        and all(inner <= outer for inner, outer in zip(narrow, wide, strict=True))
    )


def _scope(rule: Prohibition, template: Template) -> tuple[set[str], ...]:
    """Return the elements, senders, recipients and purposes a prohibition speaks of."""
    elements = {
        name
        for name, element in template.elements.items()
        if (not rule.elements or name in rule.elements)
        and (not rule.kinds or element.kind in rule.kinds)
        and (not rule.free_text or element.free_text)
    }
    aims = {
        f"{party}.{staff}"
        for party, role in template.roles.items()
        for staff in role.staff
        if not rule.to or party in rule.to or f"{party}.{staff}" in rule.to
    }
    senders = set(rule.senders or template.roles)
    return elements, senders, aims, set(rule.purposes or template.purposes)
