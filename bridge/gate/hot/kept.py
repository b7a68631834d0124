"""What a process keeps in memory, of a size that is bounded: the least used goes first."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that says about how many bytes it takes."""

    @property
    def size(self) -> int:
        """The bytes."""


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Sized)


class Kept(Generic[K, V]):
    """At most so many bytes of something; safe for several threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0
        self._guard = Lock()

    def find(self, key: K) -> V | None:
        """Return what is kept under a key."""
        with self._guard:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def keep(self, some: Sequence[tuple[K, V]]) -> None:
        """Keep; what was kept under the same keys is forgotten."""
        with self._guard:
            for key, each in some:
                self._drop(key)
                self._put(key, each)
            while self._bytes > self._most:
                self._drop(next(iter(self._held)))

    def forget(self, key: K) -> None:
        """Forget what is kept under a key."""
        with self._guard:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything: something was erased, and it may be among it."""
        with self._guard:
            self._held.clear()
            self._bytes = 0

    def _put(self, key: K, each: V) -> None:
        self._held[key] = each
        self._bytes += each.size

    def _drop(self, key: K) -> None:
        gone = self._held.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size
