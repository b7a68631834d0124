"""Every cell of an agreement counted, and what its documents promise proved over all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from consent.conditions import Conditions, facts_in
from consent.filters import filter_of
from consent.model import Slice
from consent.mou.template import Template
from consent.mou.terms.properties import Promise, Property
from consent.surface.opening import NOT, Opening, openings_of
from consent.surface.universe import Universe, universe


@dataclass(frozen=True, slots=True)
class Failure:
    """A promise that does not hold, with the smallest cell against it."""

    id: str
    text: str
    asked: Slice
    facts: tuple[str, ...]
    cells: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What was enumerated, and which promises failed."""

    slices: int
    cells: int
    permits: int
    properties: int
    failures: tuple[Failure, ...]


def prove(conditions: Mapping[Slice, Conditions], template: Template) -> Proof:
    """Enumerate every cell of every live slice, and check each promise on each of them."""
    cells = permits = 0
    for compiled in conditions.values():
        all_cells = universe({str(fact) for fact in facts_in(compiled.relevant)})
        cells += all_cells.count
        permits += all_cells.permitted(filter_of(compiled)).bit_count()
    stated = template.properties
    return Proof(len(conditions), cells, permits, len(stated), broken(stated, conditions, template))


def broken(
    stated: tuple[Property, ...], conditions: Mapping[Slice, Conditions], template: Template
) -> tuple[Failure, ...]:
    """Return the properties that do not hold, in their order, each with its smallest cell."""
    worst: dict[str, Failure] = {}
    for asked, opening in openings_of(conditions).items():
        for failure in _failures(asked, opening, template, stated):
            keep_smallest(worst, failure)
    return tuple(worst[one.id] for one in stated if one.id in worst)


def keep_smallest(worst: dict[str, Failure], found: Failure) -> None:
    """Note a failure under its id: the smallest counterexample, with the cells of all."""
    before = worst.setdefault(found.id, found)
    if before is not found:
        least = min(before, found, key=lambda one: (len(one.facts), one.facts, one.asked))
        worst[found.id] = replace(least, cells=before.cells + found.cells)


def _failures(
    asked: Slice, opening: Opening, template: Template, properties: tuple[Property, ...]
) -> Iterator[Failure]:
    element = template.elements[asked.element]
    for stated in properties:
        if not stated.scope.names(asked, element):
            continue
        known = {*stated.unless, *(() if stated.promise is Promise.CARRIES else stated.words)}
        all_cells = universe(opening.facts() | known | _conditions(opening))
        against = all_cells.of_terms(opening.permits) & ~_kept(stated, all_cells, opening)
        if against:
            facts = all_cells.smallest(against)
            yield Failure(stated.id, stated.text, asked, facts, against.bit_count())


def _conditions(opening: Opening) -> set[str]:
    """Return the facts on which a duty depends."""
    when = [duty.partition(" if ")[2] for duty in opening.duties]
    words = {word for text in when for way in text.split(" or ") for word in way.split("+")}
    return {word.removeprefix(NOT) for word in words} - {""}


def _kept(stated: Property, cells: Universe, opening: Opening) -> int:
    """Return the cells in which a promise is kept, were they open."""
    match stated.promise:
        case Promise.NEVER:
            return 0
        case Promise.REQUIRES_ONE_OF:
            return cells.any_true(stated.words)
        case Promise.REQUIRES_ALL:
            return cells.all_true(stated.words)
        case Promise.CLOSED_WHEN:
            return ~cells.all_true(stated.words) | cells.any_true(stated.unless)
        case Promise.CARRIES:
            kept = cells.everything
            for code in stated.words:
                kept &= _carried(code, cells, opening)
            return kept | cells.any_true(stated.unless)


def _carried(code: str, cells: Universe, opening: Opening) -> int:
    """Return the cells in which a duty rides along."""
    for duty in opening.duties:
        name, _, when = duty.partition(" if ")
        if name == code:
            ways = [way.split("+") for way in when.split(" or ")] if when else [[]]
            return cells.of_terms(ways)
    return 0
