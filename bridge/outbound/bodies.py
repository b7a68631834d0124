"""What an answer may hold: how long, how slow, how much once it is unpacked."""

import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import httpcore

from bridge.outbound.errors import OutboundError

HEAD_BYTES: Final = 131_072
_STEP: Final = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take.

    Attributes:
        seconds: all of it, the look-up of the name included.
        patience: seconds that the look-up, the connection and the answer's head may take together,
            then that one wait for the other side may last, and after which ``least_rate`` counts.
        least_rate: bytes a second that have to come, on average over the time waited.
        max_bytes: of the body as it comes.
        max_unpacked: of the body once it is unpacked; 0: a packed one is refused.
    """

    seconds: float = 5.0
    patience: float = 5.0
    least_rate: int = 0
    max_bytes: int = 65_536
    max_unpacked: int = 0


@dataclass(slots=True)
class Budget:
    """What is left of one call's limits."""

    limits: Limits
    began: float = field(default_factory=time.monotonic)
    headed: bool = False
    sent: bool = False
    came: int = 0
    waited: float = 0.0

    def answered(self) -> None:
        """Go on to the body: the answer's head has come."""
        self.headed, self.came, self.waited = True, 0, 0.0

    def wait(self) -> float:
        """Return for how many seconds the next step may wait.

        Raises:
            httpcore.ReadTimeout: the time is over.
        """
        limits = self.limits
        most = limits.seconds if self.headed else min(limits.seconds, limits.patience)
        left = most - (time.monotonic() - self.began)
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return min(left, limits.patience)

    def take(self, size: int, waited: float) -> None:
        """Count what came, and the time it took to come.

        Raises:
            OutboundError: it is too much, or too little for the time.
        """
        self.came += size
        self.waited += waited
        if self.came > HEAD_BYTES + (self.limits.max_bytes if self.headed else 0):
            raise OutboundError("the answer is too long")
        slow = self.came < self.waited * self.limits.least_rate
        if self.waited > self.limits.patience and slow:
            raise OutboundError("the answer is too slow")


def unpacked(parts: Iterable[bytes], encoding: str, limits: Limits) -> Iterator[bytes]:
    """Yield a body as it is meant, never more than the limits allow.

    Raises:
        OutboundError: it is too long, or packed in a way that was not asked for.
    """
    if encoding in ("", "identity"):
        return _counted(parts, limits.max_bytes)
    if encoding != "gzip" or not limits.max_unpacked:
        raise OutboundError("the answer is compressed")
    return _counted(_gunzipped(_counted(parts, limits.max_bytes)), limits.max_unpacked)


def _counted(parts: Iterable[bytes], most: int) -> Iterator[bytes]:
    read = 0
    for part in parts:
        read += len(part)
        if read > most:
            raise OutboundError("the answer is too long")
        yield part


def _gunzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    # A small body may unpack to a thousand times its size: it comes in steps, each one counted.
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for part in parts:
            rest = part
            while rest and not unpacker.eof:
                yield unpacker.decompress(rest, _STEP)
                rest = unpacker.unconsumed_tail
    except zlib.error:
        raise OutboundError("the answer cannot be unpacked") from None
    if not unpacker.eof or unpacker.unused_data:
        raise OutboundError("the answer cannot be unpacked")
