"""What the gate gives a school: all of its follow-up, or a page of it."""

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.authorise import Viewer
from bridge.gate.follow_pages import Board, CalendarOf, Wanted
from bridge.gate.follow_up import follow_ups
from bridge.gate.kept_lines import Changed, Known, made_until_it_stands
from bridge.gate.released import GATE_MARK, ReleasedFollowUps, ReleasedPage
from bridge.gate.side import Side
from bridge.identity import Caller
from bridge.store.engine import write


class SchoolSide(Side):
    """The part of :class:`bridge.gate.gate.Gate` that is for schools."""

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

        def make(connection: Connection) -> ReleasedPage | None:
            viewer = self._viewer(connection, caller)
            return self._page(connection, viewer, (calendar_of, wanted), request)

        return made_until_it_stands(self._engine, make)

    def _page(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[CalendarOf, Wanted],
        request: str,
    ) -> ReleasedPage | None:
        """Return a page; None where lines are left to be made anew in another transaction.

        Raises:
            Changed: the transaction is to be undone.
        """
        calendar_of, wanted = asked
        if not viewer.agreements:
            return ReleasedPage(mark=GATE_MARK)
        calendar = calendar_of(viewer.agreements[-1])
        known = Known.of(connection, self._clock.now())
        board = Board(connection, viewer, self._identifiers, known, calendar)
        counts = board.brought_up()
        if counts is None:
            return None
        page = board.page(wanted)
        if page is None:
            raise Changed(board.whose)
        rows, told, more = page
        self._entered(connection, viewer, told, request)
        if not board.stands():
            raise Changed(board.whose)
        counts |= more
        return ReleasedPage(tuple(rows), counts, calendar.today(known.now), GATE_MARK)


def _for_schools(caller: Caller) -> None:
    if caller.party != "lea":
        raise GateError("follow-up is for schools")
