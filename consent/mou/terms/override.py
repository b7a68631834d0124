"""What a child agreement may do to each block. A block not listed is locked."""

from collections.abc import Mapping
from dataclasses import dataclass

from consent.mou.reading import Node, Vocabulary

LOCKED = "locked"
# Each block has one way to be changed that can only narrow; the reader of that block enforces it.
WAYS: Mapping[str, str] = {
    "parties": "bind",
    "flows": "narrow",
    "prohibitions": "add",
    "retention": "shorter",
    "breach": "sooner",
    "small_cell": "higher",
    "emergency": "narrow",
    "term": "free-within-template",
    "clauses": "add",
}


@dataclass(frozen=True, slots=True)
class Override:
    """The blocks an agreement may change, each in the one way its reader knows."""

    open_blocks: frozenset[str]

    def allows(self, block: str) -> bool:
        """Whether an agreement may write this block."""
        return block in self.open_blocks


def read_override(node: Node) -> Override:
    """Read ``override``."""
    blocks = Vocabulary("block an agreement can change", tuple(WAYS))
    ways = {
        name: child.word(Vocabulary(f"way to change {name}", (WAYS[name], LOCKED)))
        for name, child in node.named_as(blocks)
    }
    return Override(frozenset(name for name, way in ways.items() if way != LOCKED))
