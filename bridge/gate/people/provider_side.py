"""What the gate gives a provider without an API of its own: pages of what was sent to it."""

from abc import abstractmethod
from collections.abc import Sequence

import orjson
from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure
from bridge.gate.people.kept_lines import Changed, Known, made_until_it_stands
from bridge.gate.people.sent_pages import Desk, Sent, place_of
from bridge.gate.people.side import Side
from bridge.gate.released import GATE_MARK, Released
from bridge.identity import Caller
from bridge.store.search.query import Query


class ProviderSide(Side):
    """The part of :class:`bridge.gate.gate.Gate` that is for providers alone."""

    @abstractmethod
    def _reached(
        self, connection: Connection, asking: tuple[Caller, Viewer], query: Query
    ) -> tuple[list[Disclosure], int | None]:
        """Search within the limits of the caller's scopes, and decide."""

    def sent_page(self, caller: Caller, wanted: Sent, request: str = "") -> Released:
        """Release some of the Tasks sent to a provider; ``total`` is how many its choice has.

        Args:
            caller: somebody of the provider.
            wanted: which Tasks.
            request: id of the request, for the ledger.

        Raises:
            GateError: the caller is no provider, the decision could not be taken, or what it rests
                on went on changing.
        """
        if caller.party != "provider":
            raise GateError("what was sent to a provider is for providers")

        def make(connection: Connection) -> Released | None:
            return self._sent(connection, caller, wanted, request)

        return made_until_it_stands(self._engine, make)

    def _sent(
        self, connection: Connection, caller: Caller, wanted: Sent, request: str
    ) -> Released | None:
        """Return a page; None where lines are left to be made anew in another transaction.

        Raises:
            Changed: the transaction is to be undone.
        """
        viewer = self._viewer(connection, caller)
        if not viewer.agreements:
            return Released((), mark=GATE_MARK)
        known = Known.of(connection, self._clock.now())
        desk = Desk(connection, viewer, self._identifiers, known)
        counts = desk.brought_up()
        if counts is None:
            return None
        ids = desk.places(wanted)
        told = self._told(connection, (caller, viewer), ids)
        if not _as_kept(wanted, ids, told):
            raise Changed(desk.whose)
        self._entered(connection, viewer, told, request)
        if not desk.stands():
            raise Changed(desk.whose)
        rows = tuple(each.released for each in told)
        return Released(rows, total=counts[wanted.choice], mark=GATE_MARK)

    def _told(
        self, connection: Connection, asking: tuple[Caller, Viewer], ids: Sequence[str]
    ) -> list[Disclosure]:
        """Return what leaves of some Tasks, in their order; without those that may not be known."""
        if not ids:
            return []
        query = Query("Task", ids=tuple(ids), limit=len(ids))
        found = {each.stored.id: each for each in self._reached(connection, asking, query)[0]}
        return [found[each] for each in ids if each in found]


def _as_kept(wanted: Sent, ids: Sequence[str], told: Sequence[Disclosure]) -> bool:
    """Tell whether what leaves stands as the lines it was found by say."""
    tasks = [orjson.loads(each.released.body) for each in told]
    order = [place_of(task) for task in tasks]
    in_it = all(task.get("status") in wanted.statuses for task in tasks)
    return len(told) == len(ids) and in_it and order == sorted(order)
