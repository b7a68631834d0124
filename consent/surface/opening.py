"""When a slice is open: its minimal permit sets, and the duties that ride with them.

The permit sets are the prime implicants of the condition, so that two documents that release the
same have the same ones, however they are written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from consent.law import load_law
from consent.model import Filter, Slice
from consent.mou.agreement import Agreement
from consent.mou.template import Template
from consent.mou.terms.flows import Flow
from consent.table import DecisionTable

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


def openings_of(
    table: DecisionTable, template: Template, agreement: Agreement
) -> dict[Slice, Opening]:
    """Return when each slice is open; a slice that no facts open is left out."""
    found = {}
    for asked in table.slices():
        terms = minimal_permits(table.filter(asked))
        if terms:
            needs = dict(_duties(asked, table, template, agreement))
            found[asked] = Opening(_in_order(terms), _said(needs, terms))
    return found


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
        terms = _least(term | way for term in terms for way in ways if not _clash(term, way))
    return frozenset(_closed(terms))


def _opposite(word: str) -> str:
    return word.removeprefix(NOT) if word.startswith(NOT) else NOT + word


def _clash(one: Term, other: Term) -> bool:
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


def _duties(
    asked: Slice, table: DecisionTable, template: Template, agreement: Agreement
) -> Iterator[tuple[str, set[Term]]]:
    """Yield each duty of a slice with the sets of facts under which it rides."""
    needs: dict[str, set[Term]] = {}
    flows: tuple[Flow, ...] = (*template.flows, *agreement.flows)
    for flow in flows:
        if flow.names(asked):
            for code in flow.obligations:
                needs.setdefault(code, set()).add(frozenset(flow.requires))
    law, relevant = load_law(template.jurisdiction), table.relevant_facts(asked)
    for form in template.settings.consents.values():
        for basis in form.satisfies:
            facts = law.facts_of(basis) if basis in law.basis_names() else frozenset()
            for code in form.accompany if facts and facts <= relevant else ():
                needs.setdefault(code, set()).add(frozenset(facts))
    yield from needs.items()


def _said(needs: dict[str, set[Term]], terms: frozenset[Term]) -> tuple[str, ...]:
    said = []
    for code, ways in sorted(needs.items()):
        if all(any(way <= term for way in ways) for term in terms):
            said.append(code)
            continue
        when = " or ".join(sorted("+".join(sorted(way)) for way in _least(ways)))
        said.append(f"{code} if {when}")
    return tuple(said)


def _in_order(terms: Iterable[Term]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted((tuple(sorted(term, key=_rank)) for term in terms), key=_length))


def _rank(word: str) -> tuple[bool, str]:
    return word.startswith(NOT), word


def _length(term: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return len(term), term
