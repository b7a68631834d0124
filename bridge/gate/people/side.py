"""What the parts of the gate share that are for one side: who asks, and what is entered."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from bridge.clock import Clock
from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.entry import Receipt


class Side(ABC):
    """A part of :class:`bridge.gate.gate.Gate`."""

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
