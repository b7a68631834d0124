"""Answers that left, remembered with the records they are made of (docs/adr/0042).

An answer to a search is a function of who asks, of what was to be included, and of the records on
its page with all that the decisions on them rest on: the permits' counters and instants
(:mod:`bridge.gate.hot.permits`). So it is found by those, not by what was asked for.

INVARIANTS
* The query runs each time, with the consent filter inside it; what it finds with its counters is
  the key. A record that may not be known is in no key, and changes of it move nothing here.
* What was included is asked for with its counters in the releasing transaction; on PostgreSQL so
  is what matched, once the students are locked.
* Only an answer in which nothing that was asked for is missing is remembered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from bridge.gate.disclosures import Disclosure
from bridge.gate.hot.kept import Kept
from bridge.gate.hot.known import Epoch
from bridge.gate.hot.memory import Given
from bridge.gate.hot.permits import Key, Permit, Who, repeated, who
from bridge.gate.released import GATE_MARK, Released
from bridge.identity import Scope
from bridge.ledger.append import Filled
from bridge.ledger.repeating import Span, spans_of
from bridge.ledger.templates import Template
from bridge.store.search.stands import Place, in_one_text, last_of
from bridge.store.standing import Numbered, Stood
from bridge.store.vault import Query, placed

MOST_BYTES: Final = 64 * 1024 * 1024
_OVERHEAD: Final = 1500  # of the objects of one record, its place in the key among them

_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)  # of what rests on no decision

PageKey = tuple[Who, tuple[Scope, ...], str, tuple[str, ...], str]
"""Who asks, with which scopes; the type, what is to be included, and what the query found."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, as long as nothing it rests on has changed.

    Attributes:
        released: the answer, but for its time and how many match in all.
        matched, included: what has to stand of the records in it.
        beside: the same of what was included, where what matched was found in its state in this
            transaction and nobody else writes; but for
        numbers: those of what was included of students that are also of a match, whose versions
            were compared.
        epoch, made, until: as of permits.
        again: per log, the entry that says that it left once more, and what that repeats.
    """

    released: Released
    matched: tuple[Stood, ...] = ()
    included: tuple[Stood, ...] = ()
    beside: tuple[Stood, ...] = ()
    numbers: tuple[Numbered, ...] = ()
    epoch: Epoch = (0, 0)
    made: datetime = _EVER
    until: datetime = _EVER
    again: tuple[tuple[Template, Span], ...] = ()

    def holds(self, epoch: Epoch, now: datetime) -> bool:
        """Tell whether it is good at an instant, as far as can be told without its records."""
        return not self.matched or (self.epoch == epoch and self.made <= now < self.until)

    def given(self, query: Query, rows: str, told: tuple[int | None, datetime]) -> Released:
        """Return the answer to a query that found its records at their places.

        Args:
            query: what was asked for.
            rows: what it found.
            told: how many match in all, where that is to be told, and the instant as of which.
        """
        place = (0, "")
        if rows:
            last = last_of(rows)
            at = (last.place, last.change, self.released.matches[-1].id)
            place = placed(query.order, at)
        of, (total, as_of) = self.released, told
        # What is written of it is kept with the page. By hand: the library looks at every field.
        return Released(of.matches, of.included, total, place, as_of, of.mark, of.written)

    def entries(self, request: str) -> list[Filled]:
        """Return what the ledger is to say when it leaves once more."""
        return [Filled(template, request, span) for template, span in self.again]

    @property
    def size(self) -> int:
        """About how many bytes it takes, with what is written of it."""
        every = (*self.released.matches, *self.released.included)
        return sum(2 * len(each.body) + _OVERHEAD for each in every)


NOTHING: Final = Page(Released((), mark=GATE_MARK))
"""The page on which a query found nothing."""


class Pages(Kept[PageKey, Page]):
    """The answers of one process."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(most_bytes)


@dataclass
class Learned:
    """What is to be remembered once it is on disk."""

    permits: dict[Key, Permit] = field(default_factory=dict)
    pages: list[tuple[PageKey, Page]] = field(default_factory=list)


def page_of(
    connection: Connection, given: Given, permit: Callable[[Key], Permit | None], epoch: Epoch
) -> tuple[PageKey, Page] | None:
    """Return an answer as it may be remembered, in the transaction it was given in.

    Args:
        connection: the database.
        given: the answer.
        permit: finds the permit of a record; an answer with one that has none is not remembered.
        epoch: the counters as they stand.
    """
    (caller, viewer), (matches, extra) = given.asking, given.found
    whose = who(viewer)
    permits = [permit((whose, e.stored.type, e.stored.id)) for e in (*matches, *extra)]
    good = [each for each in permits if each is not None and each.epoch == epoch]
    if not matches or len(good) != len(permits) or not _same(good, (*matches, *extra)):
        return None
    again = _again(connection, given)
    if again is None:
        return None
    beside, numbers = _beside(good[: len(matches)], good[len(matches) :])
    page = Page(
        released=Released(
            matches=tuple(each.released for each in matches),
            included=tuple(each.released for each in extra),
            mark=GATE_MARK,
        ),
        matched=tuple(each.stood for each in good[: len(matches)]),
        included=tuple(each.stood for each in good[len(matches) :]),
        beside=beside,
        numbers=numbers,
        epoch=epoch,
        made=max(each.made for each in good),
        until=min(each.until for each in good),
        again=again,
    )
    rows = in_one_text(_place(d, p) for d, p in zip(matches, good, strict=False))
    return (whose, caller.scopes, *given.asked, rows), page


def _same(permits: Sequence[Permit], told: Sequence[Disclosure]) -> bool:
    """Tell whether what was released is what the permits say."""
    return all(p.released == d.released for p, d in zip(permits, told, strict=True))


def _beside(
    matched: Sequence[Permit], included: Sequence[Permit]
) -> tuple[tuple[Stood, ...], tuple[Numbered, ...]]:
    """Return what has to stand of what was included: what in full, and what by its number."""
    compared = {(each.stored.student_id, each.version) for each in matched}
    whole: list[Stood] = []
    numbers: dict[str, list[int]] = {}
    for each in included:
        kind, _, change, version = each.stood
        if (each.stored.student_id, version) in compared:
            numbers.setdefault(kind, []).append(change)
        else:
            whole.append(each.stood)
    return tuple(whole), tuple((kind, tuple(some)) for kind, some in numbers.items())


def _place(found: Disclosure, permit: Permit) -> Place:
    stored = found.stored
    return Place(stored.written, permit.version, stored.place, stored.change)


def _again(connection: Connection, given: Given) -> tuple[tuple[Template, Span], ...] | None:
    spans = spans_of(connection, given.receipts)
    if spans is None:
        return None
    viewer = given.asking[1]
    return tuple(
        repeated(log, span, (viewer.organization, viewer.role))
        for log, span in sorted(spans.items())
    )
