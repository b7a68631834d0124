"""Which counts of a table may be shown, so that none that is hidden can be worked out.

A cell counts a part of the students whom a district referred to a provider. It is shown where

* it is of at least the minimum of students (CMS cell size policy, ResDAC 1506: no cell of 1 to 10,
  nor one from which it can be derived);
* at least as many were referred and are not in it: *all* or *none*, or all but a few, tells about
  each (PTAC 2012, NCES 2011-603: the bottom and the top of percentages are not shown);
* what was shown of it before differs by nothing, or by at least the minimum: two tables would tell
  of the few who came between (:mod:`bridge.hub.published`).

Of a modality that is hidden no row stands there, as for one nobody had. Of a provider with such a
modality no total is shown, from which it would follow; and where the total of those served is one
of few or of nearly all, none of its parts is shown, from which it would follow too. That nobody
had a modality may be seen where everything else is shown (CMS lets zeros stand).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.hub.counts import WHOLE, CountRow

HIDDEN: Final = "not shown"
NOTES: Final = (
    (
        "Not shown: counts of fewer than {minimum} students, the agreements' minimum, of none, and "
        "of all but fewer than {minimum} of those referred."
    ),
    (
        "Not shown: what differs by less than {minimum} from a table given out before; a modality "
        "of which a count is not shown, and the totals it is part of."
    ),
)
COLUMNS: Final = ("district", "provider", "modality", "referrals", "served", "sessions")

# Whether a count may be shown after what was shown before in its place and column.
Before = Callable[[tuple[str, str, str], str, int], bool]


@dataclass(frozen=True, slots=True)
class Suppression:
    """What one table is made by.

    Attributes:
        minimum: the smallest number of students of whom a count may tell.
        before: whether a count may follow what was given out earlier.
    """

    minimum: int
    before: Before

    def table(self, rows: Sequence[CountRow]) -> list[dict[str, str]]:
        """Return the rows that may be shown as text, what may not be hidden."""
        groups = itertools.groupby(rows, key=lambda row: row.place[:2])
        return [shown for _, group in groups for shown in self._group(list(group))]

    def _group(self, rows: Sequence[CountRow]) -> Iterator[dict[str, str]]:
        whole = next(row for row in rows if row.modality == WHOLE)
        parts = [row for row in rows if row is not whole]
        of = whole.students or 0
        shown = [row for row in parts if self._is_shown(row, of)] if self._has_parts(whole) else []
        total = self._is_shown(whole, of) and self._covers(shown, parts)
        yield _as_text(whole, referrals=self._has_referrals(whole, of), served=total)
        yield from (_as_text(row, referrals=False, served=True) for row in shown)

    def _is_shown(self, row: CountRow, of: int) -> bool:
        told = {"served": row.served, "sessions": row.sessions}
        return self._is_of_many(row.served, of) and self._may_follow(row, **told)

    def _has_parts(self, whole: CountRow) -> bool:
        return self._is_of_many(whole.served, whole.students or 0)

    def _is_of_many(self, served: int, of: int) -> bool:
        return self._is_many(served) and self._leaves_many(served, of)

    def _has_referrals(self, whole: CountRow, of: int) -> bool:
        referrals = whole.referrals or 0
        return self._is_many(of) and self._may_follow(whole, referrals=referrals)

    def _is_many(self, students: int) -> bool:
        return students >= self.minimum

    def _leaves_many(self, served: int, of: int) -> bool:
        return of - served >= self.minimum

    def _covers(self, shown: Sequence[CountRow], parts: Sequence[CountRow]) -> bool:
        # A total is shown beside all of its parts or not at all: the one left out would follow.
        return len(shown) == len(parts)

    def _may_follow(self, row: CountRow, **counts: int) -> bool:
        return all(self.before(row.place, column, count) for column, count in counts.items())


def notes(minimum: int) -> tuple[str, ...]:
    """Return what stands under the table."""
    return tuple(note.format(minimum=minimum) for note in NOTES)


def _as_text(row: CountRow, *, referrals: bool, served: bool) -> dict[str, str]:
    of_a_part = row.referrals is None
    district, provider, modality = row.place
    return {
        "district": district,
        "provider": provider,
        "modality": modality,
        "referrals": "" if of_a_part else str(row.referrals) if referrals else HIDDEN,
        "served": str(row.served) if served else HIDDEN,
        "sessions": str(row.sessions) if served else HIDDEN,
    }
