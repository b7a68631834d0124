"""What the gate gives a school: all of its follow-up, or a page of it."""

from collections.abc import Iterator

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.authorise import Viewer
from bridge.gate.people.follow_pages import PART, Board, CalendarOf, Wanted
from bridge.gate.people.follow_up import follow_ups
from bridge.gate.people.kept_lines import Changed, Known, made_until_it_stands
from bridge.gate.people.side import Side
from bridge.gate.people.told_again import Learned, ToldRows
from bridge.gate.released import GATE_MARK, ReleasedFollowUps, ReleasedPage
from bridge.identity import Caller
from bridge.store.database.engine import write
from bridge.store.people.follow_lines import Sent

_Paged = tuple[ReleasedPage, Learned]
_Parted = tuple[ReleasedFollowUps, Sent | None]


class SchoolSide(Side):
    """The part of :class:`bridge.gate.gate.Gate` that is for schools."""

    _told_rows: ToldRows

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

        def make(connection: Connection) -> _Paged | None:
            viewer = self._viewer(connection, caller)
            return self._page(connection, viewer, (calendar_of, wanted), request)

        page, learned = made_until_it_stands(self._engine, make)
        self._told_rows.keep(learned)
        return page

    def follow_up_parts(
        self, caller: Caller, calendar_of: CalendarOf, request: str = ""
    ) -> Iterator[ReleasedFollowUps]:
        """Release what a school may learn of each of its referrals, part by part.

        Each part is decided, entered and released when it is asked for, in a transaction of its
        own; a referral that is there all the while is in one part, and in one alone.

        Raises:
            GateError: as :meth:`follow_up_page` does; what was released before stays so.
        """
        _for_schools(caller)
        after: Sent | None = None
        while True:

            def make(connection: Connection, after: Sent | None = after) -> _Parted | None:
                viewer = self._viewer(connection, caller)
                return self._part(connection, viewer, (calendar_of, after), request)

            part, after = made_until_it_stands(self._engine, make)
            yield part
            if after is None:
                return

    def _part(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[CalendarOf, Sent | None],
        request: str,
    ) -> _Parted | None:
        """Do :meth:`_page` for a part."""
        calendar_of, after = asked
        if not viewer.agreements:
            return ReleasedFollowUps((), GATE_MARK), None
        board = self._board(connection, viewer, calendar_of)
        if board.brought_up() is None:
            return None
        part = board.part(after, PART)
        if part is None:
            raise Changed(board.whose)
        rows, told, ends = part
        self._entered(connection, viewer, told, request)
        if not board.stands():
            raise Changed(board.whose)
        return ReleasedFollowUps(tuple(one.row for one in rows), GATE_MARK), ends

    def _board(self, connection: Connection, viewer: Viewer, calendar_of: CalendarOf) -> Board:
        known = Known.of(connection, self._clock.now())
        calendar = calendar_of(viewer.agreements[-1])
        return Board(connection, viewer, self._identifiers, known, calendar, self._told_rows)

    def _page(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[CalendarOf, Wanted],
        request: str,
    ) -> _Paged | None:
        """Return a page, and what to remember of it.

        None where lines are left to be made anew in another transaction.

        Raises:
            Changed: the transaction is to be undone.
        """
        calendar_of, wanted = asked
        if not viewer.agreements:
            return ReleasedPage(mark=GATE_MARK), []
        board = self._board(connection, viewer, calendar_of)
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
        return ReleasedPage(tuple(rows), counts, board.today, GATE_MARK), board.learned


def _for_schools(caller: Caller) -> None:
    if caller.party != "lea":
        raise GateError("follow-up is for schools")
