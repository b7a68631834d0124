"""A difference of two surfaces in lines for people, grouped by flow and element."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from consent.model import Slice
from consent.mou.library import Bound
from consent.surface.comparing import CellChange, Difference


@dataclass(frozen=True, slots=True, order=True)
class _Group:
    flow: str
    element: str
    sender: str
    recipient: str


def told(difference: Difference, *bounds: Bound) -> Iterator[str]:
    """Yield what changed, opened cells first, one line a flow and element.

    Args:
        difference: of two surfaces.
        bounds: the documents compared, as far as they are at hand; they name the flows.
    """
    for sign, word in (("+", "opened"), ("-", "closed")):
        for group, changes in sorted(_grouped(difference, word, bounds).items()):
            yield _line(sign, word, group, changes)
    for change in difference.duties:
        yield f"~ duties of {change.path}: {change.before or 'none'} => {change.after or 'none'}"
    for change in difference.settings:
        yield f"~ {change.path}: {change.before or 'nothing'} => {change.after or 'nothing'}"


def _grouped(
    difference: Difference, word: str, bounds: tuple[Bound, ...]
) -> dict[_Group, list[CellChange]]:
    groups: dict[_Group, list[CellChange]] = defaultdict(list)
    for change in difference.cells:
        if getattr(change, word):
            asked = change.asked
            flow = flows_of(asked, *bounds)
            groups[_Group(flow, asked.element, asked.sender, asked.recipient)].append(change)
    return groups


def flows_of(asked: Slice, *bounds: Bound) -> str:
    """Return the ids of the flows that name a slice, in one word; "" if none is at hand."""
    names = [flow.id for bound in bounds for flow in bound.template.flows if flow.names(asked)]
    return "+".join(dict.fromkeys(names))


def _line(sign: str, word: str, group: _Group, changes: list[CellChange]) -> str:
    count = sum(getattr(change, word) for change in changes)
    roles = ", ".join(dict.fromkeys(change.asked.role for change in changes))
    purposes = ", ".join(dict.fromkeys(change.asked.purpose for change in changes))
    smallest = min((getattr(change, f"{word}_with") for change in changes), key=len)
    flow = f"{group.flow} " if group.flow else ""
    return (
        f"{sign} {flow}{group.element}: {count} cells {word}, {group.sender} -> "
        f"{group.recipient} ({roles}) to {purposes}; "
        f"smallest with {' '.join(smallest) or 'no fact at all'}"
    )
