"""What to look for, as data: the parser makes it, the gate asks it, the store compiles it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.store.search.ranges import Range


@dataclass(frozen=True, slots=True)
class Match:
    """One criterion on tokens, references or texts: any of the values.

    Attributes:
        values: pairs of system and value; a system of None means any, a value of None means any
            value of that system.
        begins: whether a value stands for everything that begins with it (texts).
        negated: whether nothing of a record may match (``:not``); one without any value passes.
    """

    param: str
    values: tuple[tuple[str | None, str | None], ...]
    begins: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class DateMatch:
    """One criterion on dates: any of the (comparator, range) pairs (R4 search.html#prefix)."""

    param: str
    values: tuple[tuple[str, Range], ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether a record has no value of a parameter at all (``:missing``)."""

    param: str
    missing: bool
    dates: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Whose reference leads to a record of a type that meets a criterion and may be known itself.

    INVARIANT: it finds what two searches would: the type's own, by the same caller, then this one.
    """

    param: str
    type: str
    match: Match


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Alternatives, of which one must hold with every criterion it has."""

    alternatives: tuple[tuple[Match, ...], ...]


Criterion = Match | DateMatch | Missing | Chain | AnyOf


@dataclass(frozen=True, slots=True)
class Order:
    """The order of what is found, and where a page begins.

    Attributes:
        param: a date parameter, or "" for the order of change.
        descending: whether the latest comes first.
        after: key of the last of the page before, None for the first page.
        after_tie: what breaks a tie of dates, of that one: its opaque id, or the number of its
            change.
        tie: what breaks a tie of dates.
        tie_descending: the way of that; None for the way of the dates.
    """

    param: str = ""
    descending: bool = False
    after: int | None = None
    after_tie: str | int = ""
    tie: Literal["id", "change"] = "id"
    tie_descending: bool | None = None

    @property
    def directions(self) -> tuple[str, str]:
        """The ways of the dates (or of change) and of ties, as SQL says them."""
        tied = self.descending if self.tie_descending is None else self.tie_descending
        first, second = ("DESC" if each else "ASC" for each in (self.descending, tied))
        return first, second


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, once the caller is authorised.

    Attributes:
        ids: any of these; all where empty.
        matches: criteria that must all hold.
        updated: bounds (gt, ge, lt, le) on when the caller's view of a record last changed.
        not_updated: spans in which it must not have changed.
        after_change, upto_change: bounds on the number of the change.
        limit: at most so many.
        counted: whether to count all that match, where the page does not tell.
        reverse: types, each with the parameter, whose references to what matches are included.
        most_bytes: a page ends with the row that reaches so many bytes as stored; 0 for no bound.
        agreement_id: only what stands under it; "" for all.
        interaction: FHIR's name of what is done with what is found; scopes are asked for it.
    """

    type: str
    ids: tuple[str, ...] = ()
    matches: tuple[Criterion, ...] = ()
    updated: tuple[tuple[str, datetime], ...] = ()
    not_updated: tuple[tuple[datetime, datetime], ...] = ()
    after_change: int = 0
    upto_change: int | None = None
    limit: int = 50
    order: Order = field(default_factory=Order)
    counted: bool = False
    reverse: tuple[tuple[str, str], ...] = ()
    most_bytes: int = 0
    agreement_id: str = ""
    interaction: str = "search-type"
