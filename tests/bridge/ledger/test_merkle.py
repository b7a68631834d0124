import csv
import random
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.ledger.merkle import Frontier, consistency_path, inclusion_path
from bridge.ledger.verifier import (
    Refused,
    check_consistency,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    root_of,
)

VECTORS = Path(__file__).parent / "data" / "rfc6962-roots.csv"
LARGEST = 70


class Grown:
    """A tree in memory that keeps what a stored one keeps."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels: dict[int, dict[int, bytes]] = {0: dict(enumerate(leaves))}
        self.frontier = Frontier()
        self.roots = [self.frontier.root()]
        for leaf in leaves:
            for node in self.frontier.push(leaf):
                self.levels.setdefault(node.level, {})[node.position] = node.hash
            self.roots.append(self.frontier.root())

    def stored(self, level: int, start: int, stop: int) -> list[bytes]:
        return [self.levels[level][at] for at in range(start, stop)]


def textbook_root(leaves: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1 writes it, by recursion over raw leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + textbook_root(leaves[:k]) + textbook_root(leaves[k:])).digest()


def grown(size: int) -> Grown:
    return Grown([leaf_hash(b"leaf-%d" % n) for n in range(size)])


def vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_published_roots_come_out() -> None:
    rows = vectors()
    leaves = [bytes.fromhex(row["last leaf"]) for row in rows[1:]]
    tree = Grown([leaf_hash(leaf) for leaf in leaves])
    assert [root.hex() for root in tree.roots] == [row["root"] for row in rows]


def test_seven_leaves_give_the_root_other_implementations_give() -> None:
    expected = "0b007fb915eb9b2a146f54b1c86ec53b664f8e455b7660b0b6ee13edc0d921c0"
    assert grown(7).roots[7].hex() == expected


@pytest.mark.parametrize("size", [*range(20), 255, 256, 257, 1000])
def test_growing_and_verifying_agree_with_the_recursive_definition(size: int) -> None:
    expected = textbook_root([b"leaf-%d" % n for n in range(size)])
    leaves = [leaf_hash(b"leaf-%d" % n) for n in range(size)]
    assert grown(size).frontier.root() == expected
    assert root_of(leaves) == (size, expected)


def test_every_leaf_of_every_small_tree_is_proved() -> None:
    tree = grown(LARGEST)
    for size in range(1, LARGEST + 1):
        for index in range(size):
            path = inclusion_path(tree, index, size)
            leaf = tree.levels[0][index]
            assert root_from_inclusion(index, size, leaf, path) == tree.roots[size]


def test_every_pair_of_small_sizes_is_proved_consistent() -> None:
    tree = grown(LARGEST)
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            path = consistency_path(tree, old, new)
            check_consistency((old, tree.roots[old]), (new, tree.roots[new]), path)


def tampered(path: Sequence[bytes]) -> list[list[bytes]]:
    """Every one-step damage to a path: flipped, dropped, doubled, swapped, lengthened."""
    flipped = [
        [*path[:n], bytes([path[n][0] ^ 1]) + path[n][1:], *path[n + 1 :]] for n in range(len(path))
    ]
    dropped = [[*path[:n], *path[n + 1 :]] for n in range(len(path))]
    swapped = [
        [*path[:n], path[n + 1], path[n], *path[n + 2 :]]
        for n, (a, b) in enumerate(pairwise(path))
        if a != b
    ]
    return [*flipped, *dropped, *swapped, [*path, bytes(32)], [bytes(32), *path]]


def accepts_inclusion(tree: Grown, index: int, size: int, path: Sequence[bytes]) -> bool:
    try:
        return root_from_inclusion(index, size, tree.levels[0][index], path) == tree.roots[size]
    except Refused:
        return False


def accepts_consistency(tree: Grown, old: int, new: int, path: Sequence[bytes]) -> bool:
    try:
        check_consistency((old, tree.roots[old]), (new, tree.roots[new]), path)
    except Refused:
        return False
    return True


def test_no_damaged_inclusion_path_is_accepted() -> None:
    tree, tried = grown(40), 0
    for size in range(1, 41):
        for index in range(size):
            for path in tampered(inclusion_path(tree, index, size)):
                assert not accepts_inclusion(tree, index, size, path), (index, size)
                tried += 1
    assert tried > 10_000


def test_no_damaged_consistency_path_is_accepted() -> None:
    tree, tried = grown(40), 0
    for new in range(2, 41):
        for old in range(1, new):
            for path in tampered(consistency_path(tree, old, new)):
                assert not accepts_consistency(tree, old, new, path), (old, new)
                tried += 1
    assert tried > 10_000


def test_a_path_proves_no_other_place_and_no_other_size() -> None:
    tree = grown(20)
    for index in range(20):
        path = inclusion_path(tree, index, 20)
        others = [other for other in range(20) if other != index]
        assert not any(accepts_inclusion(tree, other, 20, path) for other in others)


def test_a_path_must_be_as_long_as_the_size_asks() -> None:
    tree = grown(8)
    path = inclusion_path(tree, 0, 4)
    with pytest.raises(Refused, match="too short"):
        root_from_inclusion(0, 8, tree.levels[0][0], path)
    with pytest.raises(Refused, match="too long"):
        root_from_inclusion(0, 2, tree.levels[0][0], path)


def test_a_shorter_log_is_never_consistent() -> None:
    tree = grown(8)
    with pytest.raises(Refused, match="shorter"):
        check_consistency((8, tree.roots[8]), (7, tree.roots[7]), [])


def test_a_second_size_must_be_used_up_by_the_path() -> None:
    # A known fault of another implementation: a path that ends early was taken for a whole one.
    tree = grown(8)
    path = consistency_path(tree, 4, 8)
    assert not accepts_consistency(tree, 4, 8, [])
    with pytest.raises(Refused):
        check_consistency((4, tree.roots[4]), (16, tree.roots[8]), path)


def test_a_large_tree_is_proved_from_kept_nodes() -> None:
    leaves = [leaf_hash(n.to_bytes(4, "big")) for n in range(66_000)]
    tree = Grown(leaves)
    assert set(tree.levels) == {0, 8, 16}
    chooser = random.Random(6962)  # noqa: S311 - to be repeated, not to be secret
    for _ in range(50):
        old = chooser.randrange(1, 66_000)
        new = chooser.randrange(old, 66_001)
        path = consistency_path(tree, old, new)
        check_consistency((old, tree.roots[old]), (new, tree.roots[new]), path)
        assert accepts_inclusion(tree, old - 1, new, inclusion_path(tree, old - 1, new))


def test_the_frontier_survives_being_stored() -> None:
    tree = grown(13).frontier
    again = Frontier.unpack(13, tree.pack())
    again.push(leaf_hash(b"leaf-13"))
    assert again.root() == grown(14).roots[14]


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.unpack(4, grown(3).frontier.pack())


def test_a_node_is_not_a_leaf() -> None:
    left, right = bytes(32), bytes([1]) * 32
    assert leaf_hash(left + right) != node_hash(left, right)
