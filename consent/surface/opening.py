"""When a slice is open: its minimal permit sets, and the duties that ride with them.

The permit sets are the prime implicants of the condition, so that two documents that release the
same have the same ones, however they are written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

from consent.compiling import compile_slice, is_known
from consent.conditions import Conditions, Sources, Way, facts_in
from consent.filters import filter_of
from consent.law import Law
from consent.model import Filter, Slice
from consent.mou.agreement import Agreement
from consent.mou.template import Template
from consent.surface.universe import universe

Term = frozenset[str]
NOT = "!"


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """When a slice is open.

    Attributes:
        permits: each a set of facts that is enough, ``!dissent`` for one that must not be true.
        duties: codes that ride along; ``p2.notice if c_part2`` where only under some facts.
    """

    permits: tuple[tuple[str, ...], ...]
    duties: tuple[str, ...]

    def facts(self) -> frozenset[str]:
        """Return the facts that any permit set looks at."""
        return frozenset(word.removeprefix(NOT) for term in self.permits for word in term)


def conditions_of(template: Template, agreement: Agreement, law: Law) -> dict[Slice, Conditions]:
    """Compile each slice that a flow of the template names; no other can ever be open."""
    sources = Sources(template, agreement, law)
    named = {
        Slice(*names)
        for flow in template.flows
        for names in product(flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    }
    known = sorted(asked for asked in named if is_known(asked, template))
    return {asked: compile_slice(asked, sources) for asked in known}


def openings_of(conditions: Mapping[Slice, Conditions]) -> dict[Slice, Opening]:
    """Return when each slice is open; a slice that no facts open is left out."""
    found = {asked: _opening(compiled) for asked, compiled in conditions.items()}
    return {asked: opening for asked, opening in found.items() if opening.permits}


# Most slices of a document share their conditions with others, and with the document edited.
@lru_cache(maxsize=8192)
def _opening(conditions: Conditions) -> Opening:
    terms = minimal_permits(filter_of(conditions))
    return Opening(_in_order(terms), _said(_duties(conditions), terms) if terms else ())


def minimal_permits(condition: Filter) -> frozenset[Term]:
    """Return the minimal permit sets of a condition: all its prime implicants."""
    if condition.never:
        return frozenset()
    terms = {frozenset[str]()}
    for clause in condition.clauses:
        ways = [
            frozenset(str(lit.fact) if lit.wanted else NOT + lit.fact for lit in alternative)
            for alternative in clause
        ]
        terms = _least(term | way for term in terms for way in ways if not clashes(term | way, way))
    return frozenset(_closed(terms))


def _opposite(word: str) -> str:
    return word.removeprefix(NOT) if word.startswith(NOT) else NOT + word


def clashes(one: Term, other: Term) -> bool:
    """Whether some word of one set is the opposite of a word of the other."""
    return any(_opposite(word) in one for word in other)


def _least(terms: Iterable[Term]) -> set[Term]:
    """Return the terms that contain no other."""
    kept: list[Term] = []
    for term in sorted(set(terms), key=len):
        if not any(other <= term for other in kept):
            kept.append(term)
    return set(kept)


def _closed(terms: set[Term]) -> set[Term]:
    """Add every consensus of two terms, until there is no new one."""
    while True:
        more = {found for one, other in combinations(terms, 2) for found in _consensus(one, other)}
        grown = _least(terms | more)
        if grown == terms:
            return terms
        terms = grown


def _consensus(one: Term, other: Term) -> Iterator[Term]:
    against = [word for word in one if _opposite(word) in other]
    if len(against) == 1:
        yield (one - {against[0]}) | (other - {_opposite(against[0])})


def _duties(conditions: Conditions) -> dict[str, set[Term]]:
    """Return each duty of a slice with the sets of facts under which it rides.

    Every flow that holds brings its duties; of a law, the first basis that holds.
    """
    needs: dict[str, set[Term]] = {}
    *laws, template, agreement = conditions.layers
    for way in (*template.ways, *agreement.ways):
        for code in way.obligations:
            needs.setdefault(code, set()).add(_true(way))
    for law in laws:
        for place, way in enumerate(law.ways):
            for code in way.obligations:
                needs.setdefault(code, set()).update(_unless(way, law.ways[:place]))
    return needs


def _true(way: Way) -> Term:
    return frozenset(map(str, facts_in(way.needs)))


def _unless(way: Way, earlier: tuple[Way, ...]) -> set[Term]:
    """Return the sets of facts under which a basis holds and none before it does."""
    terms = {_true(way)}
    for other in earlier:
        lacking = [frozenset({NOT + fact}) for fact in _true(other)]
        terms = _least(term | one for term in terms for one in lacking if not clashes(term, one))
    return terms


def _said(needs: dict[str, set[Term]], terms: frozenset[Term]) -> tuple[str, ...]:
    words = {word.removeprefix(NOT) for ways in needs.values() for way in ways for word in way}
    words |= {word.removeprefix(NOT) for term in terms for word in term}
    cells = universe(words)
    open_cells = cells.of_terms(terms)
    said = []
    for code, ways in sorted(needs.items()):
        riding = open_cells & cells.of_terms(ways)
        if riding == open_cells:
            said.append(code)
        elif riding:
            when = " or ".join(sorted("+".join(sorted(way)) for way in _closed(_least(ways))))
            said.append(f"{code} if {when}")
    return tuple(said)


def _in_order(terms: Iterable[Term]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted((tuple(sorted(term, key=rank)) for term in terms), key=_length))


def rank(word: str) -> tuple[bool, str]:
    """Return the place of a word of a permit set: what must be true before what must not."""
    return word.startswith(NOT), word


def _length(term: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return len(term), term
