"""Every single-edit mistake somebody may make in a map or in one of its value tables.

Three ways of writing the mistakes: edits of the parts of a map (keys, texts, items), edits of its
lines, and edits of the cells and rows of a value table. Which letter is hit depends on the seed.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from documents import DocumentError, Located, Position, read_yaml
from mappings.language import DICTIONARY, MapDocument
from mappings.language.reading import read_located
from mappings.language.shipped import FOLDER
from mappings.readers import read_document

TOP = Position(1, 1)
Path_ = tuple[str | int, ...]
Tree = Any
"""A text, a list, or a tuple of pairs (a mapping)."""


@dataclass(frozen=True)
class Mutant:
    """One mistake: what was done, where, and the text of the file it was done to."""

    what: str
    where: str
    map_id: str
    table: str  # name of the value table it is in; empty when it is in the map itself
    text: str
    tree: Tree = None  # the map's parts, where those were edited

    def __str__(self) -> str:
        return f"{self.map_id}{f'/{self.table}' if self.table else ''}: {self.what} {self.where}"

    def document(self) -> MapDocument:
        """Read the mutated map.

        Raises:
            DocumentError: the reader refuses it.
        """
        path = FOLDER / f"{self.map_id}.yaml"
        if self.table:
            located = read_yaml(path.read_bytes(), path.name)
        elif self.tree is not None and not _has_twice(self.tree):
            located = _located(self.tree)
        else:
            located = read_yaml((self.text or _yaml(self.tree)).encode(), path.name)
        return read_located(located, path, self._table)

    def _table(self, name: str) -> bytes:
        return self.text.encode() if name == self.table else read_document(FOLDER / name)


def mutants(document: MapDocument, seed: int) -> Iterator[Mutant]:
    """Yield every mutant of a shipped map and of the value tables it uses."""
    random_ = random.Random(f"{seed} {document.id}")  # noqa: S311 - not a secret
    text = (FOLDER / f"{document.id}.yaml").read_text("utf-8")
    tree = _plain(read_yaml(text.encode(), document.document))
    for what, where, changed in _of_tree(tree, (), random_, sorted(DICTIONARY[document.kind])):
        yield Mutant(what, "/".join(map(str, where)), document.id, "", "", changed)
    for what, number, changed in _of_lines(text.splitlines()):
        yield Mutant(what, f"line {number}", document.id, "", "\n".join(changed) + "\n")
    for name in sorted({rule.values_from for rule in document.fields} - {""}):
        rows = list(csv.reader(io.StringIO((FOLDER / name).read_text("utf-8-sig"))))
        for what, place, edited in _of_table(rows, random_):
            yield Mutant(what, place, document.id, name, _csv(edited))


def _plain(node: Located) -> Tree:
    """Return a node as text, list, or list of pairs inside a tuple (a mapping)."""
    if node.kind == "mapping":
        return tuple((key, _plain(value)) for key, value in node.entries.items())
    return [_plain(item) for item in node.items] if node.kind == "list" else node.text


def _located(tree: Tree) -> Located:
    if isinstance(tree, str):
        return Located("text", TOP, text=tree, quoted=True)
    if isinstance(tree, list):
        return Located("list", TOP, items=tuple(map(_located, tree)))
    entries = {key: _located(value) for key, value in tree}
    return Located("mapping", TOP, entries=entries, key_positions=dict.fromkeys(entries, TOP))


def _has_twice(tree: Tree) -> bool:
    if isinstance(tree, str):
        return False
    if isinstance(tree, list):
        return any(map(_has_twice, tree))
    return len({key for key, _ in tree}) < len(tree) or any(_has_twice(v) for _, v in tree)


def _yaml(tree: Tree) -> str:
    """Return the tree as YAML in flow style; equal keys stay."""
    if isinstance(tree, str):
        return json.dumps(tree, ensure_ascii=False)
    if isinstance(tree, list):
        return f"[{', '.join(map(_yaml, tree))}]"
    return "{" + ", ".join(f"{_yaml(key)}: {_yaml(value)}" for key, value in tree) + "}"


Edit = tuple[str, Path_, Any]


def _of_tree(tree: Tree, at: Path_, random_: random.Random, goals: list[str]) -> Iterator[Edit]:
    if isinstance(tree, str):
        yield from (("misspell", at, wrong) for wrong in misspelt(tree, random_))
        if at[-1] == "goes-to":
            yield "other field", at, random_.choice([goal for goal in goals if goal != tree])
        return
    items = [value for _, value in tree] if isinstance(tree, tuple) else tree
    keys = [key for key, _ in tree] if isinstance(tree, tuple) else list(range(len(tree)))
    for number, item in enumerate(items):
        for what, where, changed in _of_tree(item, (*at, keys[number]), random_, goals):
            yield what, where, _with(tree, number, changed)
    for what, number, changed in (*_of_order(tree), *_of_keys(tree, random_), *_between(tree)):
        yield what, (*at, keys[number]), changed


def _with(tree: Tree, number: int, value: Tree) -> Tree:
    if isinstance(tree, tuple):
        return (*tree[:number], (tree[number][0], value), *tree[number + 1 :])
    return [*tree[:number], value, *tree[number + 1 :]]


def _of_order(tree: Tree) -> Iterator[tuple[str, int, Any]]:
    """Delete, duplicate, swap with the next."""
    for number in range(len(tree)):
        yield "delete", number, tree[:number] + tree[number + 1 :]
        yield "duplicate", number, tree[: number + 1] + tree[number:]
        if number + 1 < len(tree):
            middle = tree[number + 1 : number + 2] + tree[number : number + 1]
            yield "swap", number, tree[:number] + middle + tree[number + 2 :]


def _of_keys(tree: Tree, random_: random.Random) -> Iterator[tuple[str, int, Any]]:
    if not isinstance(tree, tuple):
        return
    for number, (key, value) in enumerate(tree):
        for wrong in misspelt(key, random_):
            yield "misspell key", number, (*tree[:number], (wrong, value), *tree[number + 1 :])
        others = [v for _, v in tree if isinstance(v, str) and v != value]
        if others and isinstance(value, str):
            yield "other value", number, _with(tree, number, random_.choice(others))
        if number + 1 < len(tree):
            next_key, next_value = tree[number + 1]
            swapped = ((key, next_value), (next_key, value))
            yield "swap values", number, tree[:number] + swapped + tree[number + 2 :]


def _between(tree: Tree) -> Iterator[tuple[str, int, Any]]:
    """Swap what stands behind one key in two neighbours: two targets, two columns."""
    if isinstance(tree, tuple):
        return
    for number, (one, two) in enumerate(pairwise(tree)):
        if not isinstance(one, tuple) or not isinstance(two, tuple):
            continue
        for key in dict(one).keys() & dict(two).keys():
            mine, theirs = dict(one)[key], dict(two)[key]
            if mine != theirs:
                first = tuple((k, theirs if k == key else v) for k, v in one)
                second = tuple((k, mine if k == key else v) for k, v in two)
                yield f"swap {key}", number, [*tree[:number], first, second, *tree[number + 2 :]]


def misspelt(text: str, random_: random.Random) -> Iterator[str]:
    """Yield a text emptied, with a letter lost, doubled, and two letters turned round."""
    if not text:
        return
    place = random_.randrange(len(text))
    yield ""
    yield text[:place] + text[place + 1 :]
    yield text[: place + 1] + text[place:]
    turns = [n for n in range(len(text) - 1) if text[n] != text[n + 1]]
    if turns:
        turn = random_.choice(turns)
        yield text[:turn] + text[turn + 1] + text[turn] + text[turn + 2 :]
    if "M/D" in text:
        yield text.replace("M/D", "D/M", 1)


def _of_lines(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    for what, number, changed in _of_order(lines):
        yield f"{what} line", number + 1, changed


def _of_table(rows: list[list[str]], random_: random.Random) -> Iterator[tuple[str, str, Any]]:
    for what, number, changed in _of_order(rows):
        yield f"{what} row", f"row {number + 1}", changed
    for number, row in enumerate(rows):
        for column, cell in enumerate(row[:2]):
            for wrong in misspelt(cell, random_):
                yield (
                    "misspell",
                    f"row {number + 1}",
                    _with(rows, number, _with(row, column, wrong)),
                )
            others = [other[column] for other in rows[1:] if other[column] != cell]
            if number and others:
                wrong = random_.choice(others)
                yield (
                    "other cell",
                    f"row {number + 1}",
                    _with(rows, number, _with(row, column, wrong)),
                )


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


__all__ = ["DocumentError", "Mutant", "mutants"]
