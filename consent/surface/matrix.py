"""Who may get what, for what, when, under which clause: the surface as rows for people."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from consent.filters import filter_of
from consent.model import Filter, Slice
from consent.mou.agreement import Agreement
from consent.mou.library import Bound
from consent.surface.opening import NOT, Opening, clashes, conditions_of, rank
from consent.surface.released import Surface


@dataclass(frozen=True, slots=True)
class When:
    """What must hold for a row to leave: all three parts.

    Attributes:
        always: facts that must be true.
        never: facts that must not be true (``dissent``).
        choices: of each, one way must hold; a way is facts that must be true, ``!dissent`` for one
            that must not.
    """

    always: tuple[str, ...]
    never: tuple[str, ...]
    choices: tuple[tuple[tuple[str, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a direction, a purpose, and the elements that are open alike."""

    flows: tuple[str, ...]
    clauses: tuple[str, ...]
    sender: str
    recipient: str
    roles: tuple[str, ...]
    purpose: str
    elements: tuple[str, ...]
    when: When
    duties: tuple[str, ...]


_Key = tuple[tuple[str, ...], str, str, str, Opening]


def matrix_of(bound: Bound, agreement: Agreement, surface: Surface) -> tuple[Row, ...]:
    """Return the rows of a surface, in the order of the flows."""
    table = conditions_of(bound.template, agreement, bound.law)
    order = {str(flow.id): place for place, flow in enumerate(agreement.flows)}
    clauses = {str(flow.id): flow.clause for flow in bound.template.flows}
    groups: dict[_Key, list[Slice]] = defaultdict(list)
    for asked, opening in surface.openings.items():
        flows = tuple(flow.id for flow in agreement.flows if flow.names(asked))
        groups[flows, asked.sender, asked.recipient, asked.purpose, opening].append(asked)
    rows = [
        Row(
            flows=key[0],
            clauses=tuple(dict.fromkeys(clauses[flow] for flow in key[0])),
            sender=key[1],
            recipient=key[2],
            roles=roles,
            purpose=key[3],
            elements=elements,
            when=when_of(filter_of(table[slices[0]])),
            duties=key[4].duties,
        )
        for key, slices in groups.items()
        for roles, elements in _alike(slices, tuple(bound.template.elements)).items()
    ]
    return tuple(sorted(rows, key=lambda row: ([order[flow] for flow in row.flows], row.sender,
                                               row.purpose, row.elements)))  # fmt: skip


def _alike(
    slices: list[Slice], catalogue: tuple[str, ...]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the elements of a group by the roles that may have them, in catalogue order."""
    roles: dict[str, list[str]] = defaultdict(list)
    for asked in sorted(slices):
        roles[asked.element].append(asked.role)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for element in sorted(roles, key=catalogue.index):
        alike[tuple(roles[element])].append(element)
    return {names: tuple(elements) for names, elements in alike.items()}


def when_of(condition: Filter) -> When:
    """Return the condition of a slice with nothing said twice."""
    clauses = [
        [frozenset(str(x.fact) if x.wanted else NOT + x.fact for x in way) for way in clause]
        for clause in condition.clauses
    ]
    needed: frozenset[str] = frozenset()
    while True:
        clauses = list(_left(clauses, needed))
        more = needed.union(*(clause[0] for clause in clauses if len(clause) == 1))
        if more == needed:
            break
        needed = more
    least = [frozenset(clause) for clause in clauses]
    kept = dict.fromkeys(one for one in least if not any(other < one for other in least))
    return When(
        always=tuple(sorted(word for word in needed if not word.startswith(NOT))),
        never=tuple(sorted(word.removeprefix(NOT) for word in needed if word.startswith(NOT))),
        choices=tuple(
            tuple(sorted((tuple(sorted(way, key=rank)) for way in clause), key=_by_place))
            for clause in kept
        ),
    )


_Ways = list[frozenset[str]]


def _left(clauses: list[_Ways], needed: frozenset[str]) -> Iterator[_Ways]:
    """Yield what some clauses still ask where some words hold anyway."""
    for clause in clauses:
        open_yet = [way - needed for way in clause if not clashes(way, needed)]
        if frozenset() not in open_yet:
            yield [way for way in open_yet if not any(other < way for other in open_yet)]


def _by_place(way: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    """Put what must not be true first: "no refusal, or a threat"."""
    return not way[0].startswith(NOT), way
