"""Access tokens that were looked up, remembered by one process for as long as nothing changed.

Not a store of decisions: what is kept is who holds a token and until when. An entry is good for
the identity version it was read at (:mod:`bridge.identity.version`) and until its token expires.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bridge.identity.model import Caller

MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a token, and until when (real time)."""

    caller: Caller
    expires_at: datetime


@dataclass(slots=True)
class TokenCache:
    """What one process knows of tokens, by their digests; safe for several threads.

    Attributes:
        most: how many tokens are remembered; the one kept longest makes room.
    """

    most: int = MOST
    _version: int = 0
    _held: dict[str, Held] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def look(self, digest: str, version: int, now: datetime) -> Caller | None:
        """Return who holds a token, if that is remembered of this version and not expired.

        Args:
            digest: of the token.
            version: as read in the transaction that goes by the answer.
            now: real time.
        """
        with self._lock:
            held = self._held.get(digest) if version == self._version else None
        return held.caller if held is not None and now < held.expires_at else None

    def keep(self, digest: str, held: Held, version: int) -> None:
        """Remember who holds a token.

        Args:
            digest: of the token.
            held: what was found.
            version: as read before it was found, in the same transaction.
        """
        with self._lock:
            if version < self._version:
                return  # found in an older state of the database than others have seen
            if version > self._version:
                self._version = version
                self._held.clear()
            self._held[digest] = held
            if len(self._held) > self.most:
                del self._held[next(iter(self._held))]
