"""Of whom something changed: known from the numbers of changes, not asked for each subscriber.

Asked one by one, each change cost a look for each subscription there is, and the look went through
all that had changed since that subscriber was last told anything.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from bridge.store.partners.subscriptions import Waiting, changed_after


class WhoseMoved:
    """The last change of what concerns each organisation, for one worker."""

    def __init__(self) -> None:
        self._known_from: int | None = None
        self._through = 0
        self._last: dict[tuple[str, str], int] = {}

    def look(self, connection: Connection, change: int, waiting: Sequence[Waiting]) -> None:
        """Take note of what has changed.

        Args:
            connection: it sees every change up to ``change``.
            change: the number of the last change, read before ``waiting`` was.
            waiting: whom :meth:`has` will be asked about.
        """
        lowest = min((each.changed_through for each in waiting), default=change)
        if self._known_from is None or lowest < self._known_from:
            self._known_from = self._through = lowest
        if change <= self._through:
            return
        for kind, audience, custodian, last in changed_after(connection, self._through):
            for whose in ((audience, kind), (custodian, kind)):
                self._last[whose] = max(last, self._last.get(whose, 0))
        self._through = change

    def has(self, each: Waiting) -> bool:
        """Tell whether anything between the organisation and another changed since it was told.

        It may say so where what changed is another's by now, and never the other way.
        """
        return self._last.get((each.organization, each.kind), 0) > each.changed_through
