"""Every cell of an agreement counted, and what its documents promise proved over all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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

    property: Property
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
    openings = openings_of(conditions)
    cells = permits = 0
    worst: dict[str, Failure] = {}
    for asked, compiled in conditions.items():
        all_cells = universe({str(fact) for fact in facts_in(compiled.relevant)})
        open_cells = all_cells.permitted(filter_of(compiled))
        cells += all_cells.count
        permits += open_cells.bit_count()
        for failure in _failures(asked, openings.get(asked), template):
            before = worst.get(failure.property.id)
            worst[failure.property.id] = failure if before is None else _worse(before, failure)
    stated = template.properties
    found = tuple(worst[one.id] for one in stated if one.id in worst)
    return Proof(len(conditions), cells, permits, len(stated), found)


def _worse(one: Failure, other: Failure) -> Failure:
    """Return the smaller counterexample, with the cells of both."""
    least = min(one, other, key=lambda failure: (len(failure.facts), failure.facts, failure.asked))
    return Failure(least.property, least.asked, least.facts, one.cells + other.cells)


def _failures(asked: Slice, opening: Opening | None, template: Template) -> Iterator[Failure]:
    if opening is None:
        return
    element = template.elements[asked.element]
    for stated in template.properties:
        if not stated.scope.names(asked, element):
            continue
        known = {word for word in (*stated.words, *stated.unless) if stated.promise != "carries"}
        all_cells = universe(opening.facts() | known | _conditions(opening))
        against = all_cells.of_terms(opening.permits) & ~_kept(stated, all_cells, opening)
        if against:
            facts = all_cells.smallest(against)
            yield Failure(stated, asked, facts, against.bit_count())


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
            return kept


def _carried(code: str, cells: Universe, opening: Opening) -> int:
    """Return the cells in which a duty rides along."""
    for duty in opening.duties:
        name, _, when = duty.partition(" if ")
        if name == code:
            ways = [way.split("+") for way in when.split(" or ")] if when else [[]]
            return cells.of_terms(ways)
    return 0
