"""What the gate gives a school: all of its follow-up, or a page of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from bridge.clock import Clock
from bridge.errors import GateError
from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure
from bridge.gate.follow_pages import MOST_TRIES, Board, CalendarOf, Known, Wanted
from bridge.gate.follow_up import follow_ups
from bridge.gate.released import GATE_MARK, ReleasedFollowUps, ReleasedPage
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.entry import Receipt
from bridge.store.engine import write
from bridge.store.follow_lines import await_writers


class _Changed(Exception):  # noqa: N818 - never leaves this module
    """What a page rests on changed while it was made."""

    def __init__(self, whose: str) -> None:
        super().__init__("a page is made again")
        self.whose = whose


class SchoolSide(ABC):
    """The part of :class:`bridge.gate.gate.Gate` that is for schools."""

    _engine: Engine
    _clock: Clock
    _identifiers: Identifiers

    @abstractmethod
    def _viewer(self, connection: Connection, caller: Caller) -> Viewer:
        """Return who asks."""

    @abstractmethod
    def _entered(
        self, connection: Connection, viewer: Viewer, told: Sequence[Disclosure], request: str
    ) -> list[Receipt]:
        """Enter disclosures in the ledger."""

    def follow_up(self, caller: Caller, request: str = "") -> ReleasedFollowUps:
        """Release what a school may learn of each of its referrals.

        Raises:
            GateError: the caller is no school, or the decision could not be taken.
        """
        _for_schools(caller)
        with write(self._engine) as connection:
            viewer = self._viewer(connection, caller)
            rows, told = follow_ups(connection, viewer, self._clock, self._identifiers)
            self._entered(connection, viewer, told, request)
            return ReleasedFollowUps(tuple(rows), GATE_MARK)

    def follow_up_page(
        self, caller: Caller, calendar_of: CalendarOf, wanted: Wanted, request: str = ""
    ) -> ReleasedPage:
        """Release some of a school's referrals, and how many there are in each choice of rows.

        Args:
            caller: somebody of the school.
            calendar_of: reads the calendar of an agreement's district.
            wanted: which referrals.
            request: id of the request, for the ledger.

        Raises:
            GateError: the caller is no school, the decision could not be taken, or what it rests
                on went on changing.
        """
        _for_schools(caller)
        tries = 0
        while tries < MOST_TRIES:
            try:
                with write(self._engine) as connection:
                    viewer = self._viewer(connection, caller)
                    page = self._page(connection, viewer, (calendar_of, wanted), request)
                if page is not None:
                    return page
            except _Changed as changed:
                tries += 1
                with write(self._engine) as connection:
                    await_writers(connection, changed.whose)
        raise GateError("what a page rests on went on changing; nothing was released")

    def _page(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[CalendarOf, Wanted],
        request: str,
    ) -> ReleasedPage | None:
        """Return a page; None where lines are left to be made anew in another transaction.

        Raises:
            _Changed: the transaction is to be undone.
        """
        calendar_of, wanted = asked
        if not viewer.agreements:
            return ReleasedPage(mark=GATE_MARK)
        calendar = calendar_of(viewer.agreements[-1])
        known = Known.of(connection, self._clock.now())
        board = Board(connection, viewer, self._identifiers, calendar, known)
        counts = board.brought_up()
        if counts is None:
            return None
        page = board.page(wanted)
        if page is None:
            raise _Changed(board.whose)
        rows, told, more = page
        self._entered(connection, viewer, told, request)
        if not board.stands():
            raise _Changed(board.whose)
        counts |= more
        return ReleasedPage(tuple(rows), counts, calendar.today(known.now), GATE_MARK)


def _for_schools(caller: Caller) -> None:
    if caller.party != "lea":
        raise GateError("follow-up is for schools")
