"""The bridge's long-lived parts, made once per process and passed in."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from bridge.clock import Clock
from bridge.identifiers import Identifiers


@dataclass(frozen=True, slots=True)
class Parts:
    """Database, time and identifiers: what every journey needs."""

    engine: Engine
    clock: Clock
    identifiers: Identifiers


class HasParts(Protocol):
    """Anything that has the parts, such as a whole :class:`bridge.context.Bridge`."""

    @property
    def engine(self) -> Engine:
        """The database."""

    @property
    def clock(self) -> Clock:
        """The clock."""

    @property
    def identifiers(self) -> Identifiers:
        """The issuer of identifiers."""


def parts_of(whole: HasParts) -> Parts:
    """Return the parts of something that has them."""
    return Parts(whole.engine, whole.clock, whole.identifiers)
