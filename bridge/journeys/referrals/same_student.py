"""Two student records that may be one child: nothing of either leaves until a person has looked.

A wrong merge tells one family of another's child. So records are never merged here: a doubt holds
both back, whoever asks and under whatever agreement, and a person says what is true. *Different*:
each goes on as before. *The same*: one number is kept, under its own forms alone; the other's
records never leave again, and the refusals and orders on file for it hold for the kept one too.
So what may leave after a merge is never more than either let leave before. It can be taken back.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, literal_column, select

from bridge.errors import BridgeError
from bridge.gate import agreements_of, seen_anew
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.guardian_blocks import kept_out
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import student_of_id, student_of_key
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence, supersede
from bridge.store.intake import take_turn
from consent.facts import IfUnknown, load_facts

SOURCE: Final = "same-student"
# What speaks against a disclosure, whichever of its numbers a child was known by.
OBJECTIONS: Final = frozenset({"dissent", "recipient_blocked"})


class OrderMissingError(BridgeError):
    """An order keeps a guardian out under the number that goes, and not under the one to keep."""


class Said(StrEnum):
    """What is said of two students; of different ones nothing has to be kept."""

    NOTHING = "nothing"
    DOUBTED = "doubted"
    FIRST_GOES = "first-goes"
    SECOND_GOES = "second-goes"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two of a district's numbers, and who says something about them."""

    lea: str
    numbers: tuple[str, str]
    by: str


def doubt(parts: Parts, pair: Pair) -> None:
    """Hold back all that is about either student, until :func:`settle`.

    Raises:
        BridgeError: the district knows no such student, or both are one number.
    """
    with write(parts.engine) as connection:
        held = _locked(connection, parts, pair)
        for student_id in held:
            _hold(connection, parts, student_id, _source(parts, pair))
        _enter(connection, parts, pair, ("doubted", held))


def settle(parts: Parts, pair: Pair, keep: str | None) -> None:
    """Say that two doubted students are different, or the same and known by ``keep`` from now on.

    May be said again, otherwise than before: what it changed is undone first.

    Raises:
        BridgeError: they were never doubted, or ``keep`` is neither number.
        OrderMissingError: a guardian is kept out under the other number alone.
    """
    _settle(parts, pair, keep, "same" if keep else "different")


def undo(parts: Parts, pair: Pair) -> None:
    """Take back what was said of two students: each goes on as if nothing had been.

    Raises:
        BridgeError: nothing is said of them.
    """
    _settle(parts, pair, None, "undone")


def _settle(parts: Parts, pair: Pair, keep: str | None, said: str) -> None:
    if keep not in (None, *pair.numbers):
        raise BridgeError("the number to keep is one of the two")
    with write(parts.engine) as connection:
        both = _locked(connection, parts, pair)
        with seen_anew(connection, parts, both):
            _say(connection, parts, (pair, both), keep)
        _enter(connection, parts, pair, (said, both))


def _say(
    connection: Connection, parts: Parts, of: tuple[Pair, tuple[str, str]], keep: str | None
) -> None:
    (pair, both), now = of, parts.clock.now()
    source = _source(parts, pair)
    if not sum(supersede(connection, source, student, now) for student in both):
        raise BridgeError("nobody has doubted these two: schoolbridge student doubt")
    if keep is not None:
        kept, gone = both if keep == pair.numbers[0] else both[::-1]
        _check_orders(connection, parts, gone, kept)
        _carry(connection, parts, (gone, kept), source)
        _hold(connection, parts, gone, source)


def standing(parts: Parts, pair: Pair) -> Said:
    """Return what is said of two students now.

    Raises:
        BridgeError: the district knows no such student, or both are one number.
    """
    row, now = EVIDENCE.c, parts.clock.now()
    with read(parts.engine) as connection:
        both = _known(connection, parts, pair)
        query = select(row.student_id).where(
            row.source_id == _source(parts, pair),
            row.student_id.in_(both),
            row.superseded_at.is_(None),
            row.valid_to > now,
            row.fact == "enrolled",
        )
        held = set(connection.scalars(query))
    if held == set(both):
        return Said.DOUBTED
    if held:
        return Said.SECOND_GOES if both[1] in held else Said.FIRST_GOES
    return Said.NOTHING


def held_back(parts: Parts, lea: str) -> list[str]:
    """Return the district's numbers of students of whom nothing leaves, by number."""
    row, now = EVIDENCE.c, parts.clock.now()
    # Written in: few facts are of this source, and have an index of their own.
    query = select(row.student_id).where(row.source == literal_column(f"'{SOURCE}'"))
    # What was lifted stands with an end; what holds has none yet.
    query = query.where(row.superseded_at.is_(None), row.fact == "enrolled", row.valid_to > now)
    with read(parts.engine) as connection:
        held = set(connection.scalars(query))
        known = [student_of_id(connection, student) for student in held]
    return sorted(each.local_key for each in known if each is not None and each.lea == lea)


def _source(parts: Parts, pair: Pair) -> str:
    return f"{SOURCE}/{parts.identifiers.issue(SOURCE, pair.lea, *sorted(pair.numbers))}"


def _locked(connection: Connection, parts: Parts, pair: Pair) -> tuple[str, str]:
    take_turn(connection)
    both = _known(connection, parts, pair)
    lock_students(connection, both, share=False)
    return both


def _known(connection: Connection, parts: Parts, pair: Pair) -> tuple[str, str]:
    first, second = (parts.identifiers.issue("student", pair.lea, n) for n in pair.numbers)
    known = [student_of_key(connection, pair.lea, number) for number in pair.numbers]
    if first == second or [each.id if each else "" for each in known] != [first, second]:
        raise BridgeError("two different numbers of students of this district are needed")
    return first, second


def _hold(connection: Connection, parts: Parts, student_id: str, source: str) -> None:
    """Put in doubt every fact a permit may need, and every fact that would refuse one beyond doubt.

    INVARIANT: a permit needs a fact that nobody doubts, so no other row can outweigh these.
    """
    facts = ((name, fact.if_unknown is not IfUnknown.FALSE) for name, fact in load_facts().items())
    _record(connection, parts, student_id, (source, (_Fact(str(n), value=v) for n, v in facts)))


def _check_orders(connection: Connection, parts: Parts, gone: str, kept: str) -> None:
    """Refuse to go on where a guardian would be kept out no longer.

    An order keeps its guardian's name as a hash that is made with the student's number, so it
    cannot be carried over: the guardian's signature would count under the number to keep.
    """
    count = (
        kept_out(connection, parts.identifiers, each, parts.clock.now()) for each in (gone, kept)
    )
    if next(count) > next(count):
        raise OrderMissingError(
            "an order keeps a guardian out under the number that goes: enter it under the number "
            "to keep too (schoolbridge student order record), then say this again"
        )


def _carry(connection: Connection, parts: Parts, students: tuple[str, str], source: str) -> None:
    """Let what was objected under one number hold for the other, as widely as it can be meant."""
    (gone, kept), row, now = students, EVIDENCE.c, parts.clock.now()
    query = select(row.fact, row.recipient).where(
        row.student_id == gone,
        row.fact.in_(sorted(OBJECTIONS)),
        row.value.is_not(False),
        row.superseded_at.is_(None),
        row.valid_to > now,
        row.source != SOURCE,
    )
    found = {(fact, recipient) for fact, recipient in connection.execute(query)}
    objections = (_Fact(fact, value=True, recipient=who) for fact, who in sorted(found))
    _record(connection, parts, kept, (source, objections))


@dataclass(frozen=True, slots=True)
class _Fact:
    name: str
    value: bool
    recipient: str = ""


def _record(
    connection: Connection, parts: Parts, student_id: str, said: tuple[str, Iterable[_Fact]]
) -> None:
    (source, facts), now = said, parts.clock.now()
    rows = [
        NewEvidence(
            id=f"{SOURCE}/{secrets.token_hex(16)}",  # what was lifted may be said again
            fact=fact.name,
            value=fact.value,
            recipient=fact.recipient,
            valid_from=now,
            recorded_at=now,
            source=SOURCE,
            source_id=source,
            student_id=student_id,
        )
        for fact in facts
    ]
    record_evidence(connection, rows)


def _enter(
    connection: Connection, parts: Parts, pair: Pair, said: tuple[str, tuple[str, str]]
) -> None:
    what, students = said
    entries = [
        Entry(
            log=agreement.id,
            kind=Kind.EVIDENCE,
            request=f"{pair.by}: {what}",
            subject=subject_of(parts.identifiers, student),
            evidence=(_source(parts, pair),),
        )
        for agreement in agreements_of(connection, "lea", pair.lea)
        for student in students
    ]
    append(connection, entries, parts.clock)
