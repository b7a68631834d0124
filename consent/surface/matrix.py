"""Who may get what, for what, when, under which clause: the surface as rows for people."""

from collections import defaultdict
from dataclasses import dataclass

from consent.model import Slice
from consent.mou.agreement import Agreement
from consent.mou.library import Bound
from consent.surface.opening import NOT, Opening, rank
from consent.surface.released import Surface


@dataclass(frozen=True, slots=True)
class When:
    """The minimal permit sets of a row, with what they share said once.

    Attributes:
        always: facts needed by every set.
        never: facts that none of the sets bears (``dissent``).
        one_of: what each set needs beside these; empty where it is the same for all.
    """

    always: tuple[str, ...]
    never: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...]


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
            when=when_of(key[4]),
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


def when_of(opening: Opening) -> When:
    """Return the permit sets with what they share said once."""
    terms = [frozenset(term) for term in opening.permits]
    shared = frozenset.intersection(*terms) if terms else frozenset[str]()
    rest = sorted(
        (tuple(sorted(term - shared, key=rank)) for term in terms), key=lambda t: (len(t), t)
    )
    return When(
        always=tuple(sorted(word for word in shared if not word.startswith(NOT))),
        never=tuple(sorted(word.removeprefix(NOT) for word in shared if word.startswith(NOT))),
        one_of=tuple(rest) if any(rest) else (),
    )
