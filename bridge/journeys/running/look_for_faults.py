"""What is wrong with what a deployment keeps, for whoever runs it, and what to do about each.

INVARIANT: keys of organisations and counts alone; nothing about a person.
"""

from itertools import combinations

from sqlalchemy import Connection

from bridge.store.directory import agreements, organizations, written_alike
from bridge.store.facts.openings import all_set_aside


def faults_of(connection: Connection) -> list[str]:
    """Return what is wrong, one line each, the same in the same state."""
    return [*_one_name(connection), *_set_aside(connection)]


def _one_name(connection: Connection) -> list[str]:
    """Name pairs of providers that a district's people cannot tell apart."""
    known, bound = organizations(connection), agreements(connection)
    found = []
    for lea in sorted({each.lea for each in bound}):
        providers = sorted({each.provider for each in bound if each.lea == lea})
        found += [
            f"{lea} has two providers of one name, {one} and {other}: give one of them a name that "
            f'tells them apart: schoolbridge party rename {other} "..."'
            for one, other in combinations(providers, 2)
            if written_alike(known[one].name, known[other].name)
        ]
    return found


def _set_aside(connection: Connection) -> list[str]:
    waits = all_set_aside(connection)
    if not waits.students or waits.next_at is None:
        return []
    who = "1 student" if waits.students == 1 else f"{waits.students} students"
    at = waits.next_at.isoformat(timespec="seconds")
    return [
        (
            f"{who} could not be looked at for what others may see since (tried {waits.tries} "
            f"times, next {at}): what opened is not found by time; see the log of bridge.seen"
        )
    ]
