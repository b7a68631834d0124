"""Ids of requests that are made by the thousand."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Final

_BYTES: Final = 4
_AT_ONCE: Final = 1024


class RequestIds:
    """Ids in the order of time; those of one millisecond are told apart by chance.

    Entries of the ledger are looked up by them: one that stood anywhere in that index would cost a
    page of its own. Chance is drawn for many at once, since asking the system for four bytes takes
    longer than all the rest. One thread uses it.
    """

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        self._drawn: Iterator[str] = iter(())

    def next(self, now: datetime) -> str:
        """Return the id of one more request, which came at an instant."""
        chance = next(self._drawn, None)
        if chance is None:
            self._drawn = _draw()
            chance = next(self._drawn)
        return f"{int(now.timestamp() * 1000):012x}{chance}"


def _draw() -> Iterator[str]:
    drawn, width = secrets.token_hex(_BYTES * _AT_ONCE), 2 * _BYTES
    return (drawn[at : at + width] for at in range(0, len(drawn), width))
