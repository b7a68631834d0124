"""The facts a decision may read, and what *unknown* counts as.

Source: ``facts.csv`` beside this file; one row per fact with who supplies it. A fact that a permit
needs is false while unknown; one that a prohibition looks at is true while unknown.
"""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from consent.model import FactName


class IfUnknown(StrEnum):
    """What a fact nobody has answered counts as."""

    FALSE = "false"
    TRUE = "true"
    TRUE_UNDER_18 = "true-under-18"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name, what it means, who says so, what silence means.

    Attributes:
        in_words: that it is so, in a few words for people; ``not_in_words`` that it is not.
    """

    name: FactName
    meaning: str
    supplied_by: str
    if_unknown: IfUnknown
    in_words: str
    not_in_words: str


@cache
def load_facts() -> dict[FactName, Fact]:
    """Return every fact by name: those of ``facts.csv``, then those that a law pack adds.

    A pack adds facts in a ``facts.csv`` of its own folder, in the order of ``law/packs.csv``.
    """
    folders = dict.fromkeys(row["folder"] for row in _rows(files("consent.law") / "packs.csv"))
    packs = [files("consent.law") / folder / "facts.csv" for folder in folders]
    places = [files("consent") / "facts.csv", *(place for place in packs if place.is_file())]
    rows = [row for place in places for row in _rows(place)]
    return {fact.name: fact for fact in map(_fact, rows)}


def _rows(place: Traversable) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(place.read_text(encoding="utf-8"))))


def _fact(row: dict[str, str]) -> Fact:
    return Fact(
        FactName(row["fact"]),
        row["meaning"],
        row["who_supplies"],
        _if_unknown(row["if_unknown"]),
        row["in_words"],
        row["not_in_words"],
    )


def _if_unknown(words: str) -> IfUnknown:
    """Read the column's words: any "true ..." is true while unknown, save the one with an age."""
    if words == "false":
        return IfUnknown.FALSE
    if words.startswith("true if age < 18"):
        return IfUnknown.TRUE_UNDER_18
    if words.startswith("true"):
        return IfUnknown.TRUE
    raise ValueError("facts.csv: if_unknown must begin with true or false")


def facts_with_unknowns(
    true: Collection[str], false: Collection[str], under_18: bool | None
) -> frozenset[FactName]:
    """Return the names of the facts that count as true.

    A fact in neither collection is unknown; one in both is a contradiction and counts as unknown.
    An unknown age counts as under 18.

    Args:
        true: facts known to be true.
        false: facts known to be false.
        under_18: whether the student is under 18 at the moment of sending; None if not known.

    Raises:
        ValueError: for a name that is no fact: a misspelt "false" must not pass as an answer.
    """
    facts = load_facts()
    known_true, known_false = set(true) - set(false), set(false) - set(true)
    if strangers := (set(true) | set(false)) - facts.keys():
        raise ValueError(f"no such fact: {', '.join(sorted(strangers))}")
    unknown = facts.keys() - known_true - known_false
    assumed = {name for name in unknown if _true_while_unknown(facts[name], under_18)}
    return frozenset(FactName(name) for name in known_true | assumed)


def _true_while_unknown(fact: Fact, under_18: bool | None) -> bool:
    match fact.if_unknown:
        case IfUnknown.FALSE:
            return False
        case IfUnknown.TRUE:
            return True
        case IfUnknown.TRUE_UNDER_18:
            return under_18 is not False
