"""Single edits of a document, and whether an edit changes what is released.

The judge uses nothing of the released surface: it asks the decision table cell by cell, and
compares the parsed settings on which facts rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Any

from consent.cells import Cells, subsets
from consent.conditions import Conditions
from consent.filters import filter_of
from consent.model import Slice
from consent.mou.library import Bound
from consent.mou.terms.parties import Party
from consent.surface import Surface, conditions_of
from consent.surface.released import surface_of
from documents import Located

SETTINGS = ("consents", "consent_conflict", "minor_consent", "people", "redisclosure")
SETTINGS += ("research", "billing")
OF_TEMPLATE = ("status", "withdrawal", "effective", "purposes", "roles")
OF_AGREEMENT = ("status", "effective", "signed", "emergency", "small_cell", "term")
Pool = dict[str, list[str]]
Table = dict[Slice, Conditions]


@dataclass(frozen=True)
class Mutant:
    """A document with one edit, and where."""

    edit: str
    located: Located


def mutants(located: Located) -> Iterator[Mutant]:
    """Yield the document with each part dropped, each list added to, each word altered."""
    pool: Pool = {}
    _fill(located, "", pool)
    for edit, changed in _edits(located, "", "", pool):
        yield Mutant(edit, changed)


def _fill(node: Located, key: str, pool: Pool) -> None:
    """Gather the words that stand under each key, to alter and to add from."""
    if node.kind == "text" and node.text not in pool.setdefault(key, []):
        pool[key].append(node.text)
    for item in node.items:
        _fill(item, key, pool)
    for name, child in node.entries.items():
        _fill(child, name, pool)


def _edits(node: Located, path: str, key: str, pool: Pool) -> Iterator[tuple[str, Located]]:
    if node.kind == "text":
        yield from _altered(node, path, key, pool)
    elif node.kind == "list":
        yield from _list_edits(node, path, key, pool)
    else:
        for name, child in node.entries.items():
            here = f"{path}.{name}" if path else name
            rest = {other: value for other, value in node.entries.items() if other != name}
            yield f"drop {here}", replace(node, entries=rest)
            for edit, changed in _edits(child, here, name, pool):
                yield edit, replace(node, entries={**node.entries, name: changed})


def _list_edits(node: Located, path: str, key: str, pool: Pool) -> Iterator[tuple[str, Located]]:
    for index, item in enumerate(node.items):
        before, after = node.items[:index], node.items[index + 1 :]
        yield f"drop {path}.{item.text or index + 1}", replace(node, items=(*before, *after))
        for edit, changed in _edits(item, f"{path}.{index + 1}", key, pool):
            yield edit, replace(node, items=(*before, changed, *after))
    there = {item.text for item in node.items}
    extra = next((word for word in pool.get(key, []) if word not in there), None)
    if extra is not None and all(item.kind == "text" for item in node.items):
        word = Located("text", node.position, text=extra)
        yield f"add {extra} to {path}", replace(node, items=(*node.items, word))


def _altered(node: Located, path: str, key: str, pool: Pool) -> Iterator[tuple[str, Located]]:
    text = node.text
    for other in _others(text, node.quoted, pool.get(key, [])):
        yield f"{path}: {text} => {other}", replace(node, text=other)


def _others(text: str, quoted: bool, pool: list[str]) -> Iterator[str]:
    if text.isdecimal() and not quoted:
        yield from (str(int(text) + 1), str(int(text) - 1))
    elif text in ("true", "false"):
        yield "false" if text == "true" else "true"
    elif len(text) == 10 and text[4] + text[7] == "--":
        day = date.fromisoformat(text)
        yield from ((day + timedelta(days=n)).isoformat() for n in (1, -1))
    else:
        place = pool.index(text) if text in pool else 0
        yield pool[(place + 1) % len(pool)] if len(pool) > 1 else f"{text} x"


class Judged:
    """A document with its tables, and what its facts rest on, to be compared with another."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.tables = [conditions_of(bound.template, a, bound.law) for a in bound.agreements]
        self.rests_on = _rests_on(bound, self.tables)

    def surfaces(self) -> tuple[Surface, ...]:
        pairs = zip(self.bound.agreements, self.tables, strict=True)
        return tuple(surface_of(self.bound, agreement, table) for agreement, table in pairs)

    def releases_otherwise(self, other: "Judged") -> bool:
        """Whether anything differs in what leaves, when, or what must be true for it."""
        return (
            len(self.tables) != len(other.tables)
            or self.rests_on != other.rests_on
            or any(
                _cells_differ(before, after, asked)
                for before, after in zip(self.tables, other.tables, strict=True)
                for asked in sorted({*before, *after})
            )
        )


def _cells_differ(before: Table, after: Table, asked: Slice) -> bool:
    shut = Conditions(known=False)
    one, other = Cells(before.get(asked, shut)), Cells(after.get(asked, shut))
    if one.conditions == other.conditions:
        return False
    return any(
        (one.at(bits).permitted, one.at(bits).obligations)
        != (other.at(bits).permitted, other.at(bits).obligations)
        for bits in subsets(one.relevant | other.relevant)
    )


def _rests_on(bound: Bound, tables: list[Table]) -> list[Any]:
    template = bound.template
    found: list[Any] = [getattr(template, name) for name in OF_TEMPLATE]
    found += [getattr(template.settings, name) for name in SETTINGS]
    for agreement, name in product(bound.agreements, OF_AGREEMENT):
        found.append(getattr(agreement, name))
    for agreement, table in zip(bound.agreements, tables, strict=True):
        found.append({role: _flags(party) for role, party in agreement.parties.items()})
        shown = {s.element for s, compiled in table.items() if not filter_of(compiled).never}
        found.append({name: template.elements[name] for name in shown})
    for own in bound.own:
        parts = ("status", "effective", "signed", "use")
        found.append([getattr(own, name, None) for name in parts])
    return found


def _flags(party: Party) -> tuple[bool, bool]:
    return party.acts_for_lea, party.part2_program
