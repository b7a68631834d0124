"""What waits for an answer, and what holds for all that are answered in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection

from bridge.gate.hot.known import Epoch
from bridge.gate.hot.pages import Page
from bridge.gate.hot.permits import Permit, Who
from bridge.gate.released import Released, ReleasedResource
from bridge.gate.scope_limits import within_scopes
from bridge.identity import Caller
from bridge.store.standing import Numbered, Stood
from bridge.store.vault import Query

Search = tuple[Query, tuple[str, ...]]
"""What to look for, and the names of what to include."""


@dataclass(slots=True, eq=False)
class Asked:
    """One read or search that waits for its answer.

    Attributes:
        bearer: the token as it came.
        kind, record_id: what to read; of a search the type alone.
        request: id of the request, for the ledger.
        answered: called from another thread with those of a batch that have the same, once
            ``found`` or ``error`` is there.
        waiting: what ``answered`` needs to know who waits.
        search: understands a search once it is known who asks, or refuses it.
        found: what leaves; None where there is no such record, or not for who asks.
    """

    bearer: str = field(repr=False)
    kind: str
    record_id: str
    request: str
    answered: "Callable[[Sequence[Asked]], None]" = field(repr=False)
    waiting: Any = field(repr=False)
    search: Callable[[Caller], Search] | None = field(default=None, repr=False)
    found: ReleasedResource | Released | None = None
    error: Exception | None = None


class Reached(Enum):
    """How far a token's scopes reach into a type; what they do not reach at all counts as false."""

    ALL = "all"
    LIMITED = "within limits"
    NOTHING = ""

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(slots=True)
class Reach:
    """What was found out of a caller's scopes, by type."""

    caller: Caller
    who: Who
    _found: dict[str, Reached] = field(default_factory=dict)
    _whole: dict[tuple[str, str], bool] = field(default_factory=dict)

    def of(self, kind: str) -> Reached:
        """Tell how far they reach into a type."""
        found = self._found.get(kind)
        if found is None:
            limits = self.caller.limits(kind, "read")
            some = Reached.LIMITED if limits else Reached.NOTHING
            found = self._found[kind] = Reached.ALL if () in limits else some
        return found

    def within(self, query: Query) -> Query | None:
        """Return a query that finds only what they reach; None: they reach nothing."""
        asked = (query.type, query.interaction)
        whole = self._whole.get(asked)
        if whole is None:
            whole = self._whole[asked] = self.caller.allows(*asked)
        return query if whole else within_scopes(self.caller, query)


@dataclass(slots=True)
class Moment:
    """What holds for everybody in one transaction."""

    connection: Connection
    identity: int
    versions: dict[str, int]
    now: datetime
    epoch: Epoch = field(init=False)
    """The counters of agreements and of facts about anybody."""

    def __post_init__(self) -> None:
        self.epoch = (self.versions["agreement"], self.versions["evidence"])


@dataclass(frozen=True, slots=True)
class Hit:
    """One that is answered from memory, if what that rests on still stands.

    Attributes:
        kept: the permit of a read, the page of a search.
        released: what is given then.
        query: of a search, what was asked for.
    """

    asked: Asked
    caller: Caller
    kept: Permit | Page
    released: Released | ReleasedResource
    query: Query | None = None

    def needed(self, dialect: str) -> tuple[Sequence[Stood], Sequence[Numbered]]:
        """Return what has still to be asked for: what a search matched was found in this state."""
        if isinstance(self.kept, Permit):
            return (self.kept.stood,), ()
        if dialect == "sqlite":
            return self.kept.beside, self.kept.numbers
        return (*self.kept.matched, *self.kept.included), ()
