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


def system_addresses(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system's resolver knows them.

    Raises:
        OSError: the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Lookups:
    """Look-ups under way, one a name: a name whose servers are slow takes no more than that."""

    def __init__(self, resolver: Resolver, at_once: int = AT_ONCE) -> None:
        self._resolver = resolver
        self._at_once = at_once
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Sequence[str]]] = {}

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses of a host, looked up now.

        Raises:
            OSError: they cannot be had within the time.
            OutboundBusyError: too many look-ups are under way.
        """
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            return self._begun(host, port).result(timeout=seconds)

    def _begun(self, host: str, port: int) -> Future[Sequence[str]]:
        key = (host, port)
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            if len(self._under_way) >= self._at_once:
                raise OutboundBusyError("too many names are being looked up")
            begun: Future[Sequence[str]] = Future()
            self._under_way[key] = begun
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
            del self._under_way[key]
