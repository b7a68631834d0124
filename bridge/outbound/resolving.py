"""Names are looked up beside the call, which waits no longer than it has time.

``getaddrinfo`` knows no deadline: with a name server that does not answer it takes half a minute.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from bridge.outbound.errors import OutboundBusyError

Resolver = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; raises OSError where there are none."""
AT_ONCE: Final = 16
OF_ONE: Final = 4
"""So many look-ups of one partner are under way: it may have any number of slow names."""


def system_addresses(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system's resolver knows them.

    Raises:
        OSError: the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Lookups:
    """Look-ups under way, one a name: a name whose servers are slow takes no more than that.

    It goes on when its call has ended, for as long as the system's resolver waits.
    """

    def __init__(self, resolver: Resolver, at_once: int = AT_ONCE) -> None:
        self._resolver = resolver
        self._at_once = at_once
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Sequence[str]]] = {}
        self._whose: dict[tuple[str, int], str] = {}

    def addresses(self, host: str, port: int, seconds: float, whose: str = "") -> Sequence[str]:
        """Return the addresses of a host, looked up now.

        Args:
            host: its name.
            port: where on it.
            seconds: how long to wait.
            whose: the partner who named it; "" where the host stands for itself.

        Raises:
            OSError: they cannot be had within the time, or too many of that partner's names are
                being looked up.
            OutboundBusyError: too many look-ups are under way.
        """
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            return self._begun((host, port), whose or host).result(timeout=seconds)

    def _begun(self, key: tuple[str, int], whose: str) -> Future[Sequence[str]]:
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            if list(self._whose.values()).count(whose) >= OF_ONE:
                raise OSError("too many names of one partner are being looked up")
            if len(self._under_way) >= self._at_once:
                raise OutboundBusyError("too many names are being looked up")
            begun: Future[Sequence[str]] = Future()
            self._under_way[key], self._whose[key] = begun, whose
        # A daemon: a name server that never answers does not keep the process from ending.
        threading.Thread(target=self._look_up, args=(key, begun), daemon=True).start()
        return begun

    def _look_up(self, key: tuple[str, int], begun: Future[Sequence[str]]) -> None:
        try:
            found = self._resolver(*key)
        except (OSError, ValueError) as error:
            self._ended(key)
            begun.set_exception(OSError(f"not looked up: {type(error).__name__}"))
        else:
            self._ended(key)
            begun.set_result(found)

    def _ended(self, key: tuple[str, int]) -> None:
        # Before the answer is given: who asks after it has come starts a look-up of its own.
        with self._lock:
            del self._under_way[key], self._whose[key]
