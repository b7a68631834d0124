"""Making the lines of pages ready before somebody looks: nothing is released here.

A page makes anew what is to be made anew itself, so it is right without this; it then waits for it.
After an import, an upgrade or an amended agreement that would be all of a district.
"""

from sqlalchemy import Connection

from bridge.gate.authorise import Viewer
from bridge.gate.people.follow_pages import Board, CalendarOf
from bridge.gate.people.kept_lines import Known
from bridge.gate.people.sent_pages import Desk
from bridge.gate.people.side import Side
from bridge.gate.viewers import viewer_of
from bridge.identity import Caller, Standing
from bridge.store.database.engine import read, write
from bridge.store.facts.agreement_changes import take_effect


class ReadySide(Side):
    """The part of :class:`bridge.gate.gate.Gate` that works ahead for pages."""

    def make_ready(
        self,
        standing: Standing,
        calendar_of: CalendarOf,
        most: int,
        *,
        begun: bool = False,
    ) -> tuple[int, int]:
        """Make some lines anew for whoever has a standing, where a page would wait for them.

        Args:
            standing: of people of a school or of a provider.
            calendar_of: reads the calendar of an agreement's district.
            most: of how many students at once.
            begun: whether some were made already, and the last few are to be too.

        Returns:
            Of how many students it did, and how many are left; (0, 0) where nobody would wait.

        Raises:
            GateError: a decision could not be taken.
            SettingsError: a calendar cannot be read.
        """
        with read(self._engine) as connection:
            viewer = viewer_of(connection, Caller("", standing))
            if not viewer.agreements:
                return 0, 0
            if not begun and not self._lines(connection, viewer, calendar_of).is_behind():
                return 0, 0
        with write(self._engine) as connection:
            take_effect(connection, self._clock.now())
            viewer = viewer_of(connection, Caller("", standing))
            return self._lines(connection, viewer, calendar_of).made_ready(most)

    def _lines(
        self, connection: Connection, viewer: Viewer, calendar_of: CalendarOf
    ) -> Board | Desk:
        known = Known.of(connection, self._clock.now())
        if viewer.party == "provider":
            return Desk(connection, viewer, self._identifiers, known)
        calendar = calendar_of(viewer.agreements[-1])
        return Board(connection, viewer, self._identifiers, known, calendar)
