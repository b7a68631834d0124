"""The bridge's long-lived parts, made once per process and passed in."""

from dataclasses import dataclass

from sqlalchemy import Engine

from bridge.clock import Clock
from bridge.identifiers import Identifiers


@dataclass(frozen=True, slots=True)
class Parts:
    """Database, time and identifiers: what every journey needs."""

    engine: Engine
    clock: Clock
    identifiers: Identifiers
