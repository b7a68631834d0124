"""Where a call may go: names are resolved, every address is looked at, and one is connected to.

``ipaddress.is_global`` calls several ways to write an inner address global (NAT64 and 6to4 of a
loopback address, IPv4-compatible IPv6, multicast), so the table here is our own.
"""

import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_INNER_4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own service, on an address that looks public
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# Of IPv6 only what is handed out to the world, without what wraps an IPv4 address or is set apart.
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_INNER_6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def is_loopback_name(host: str) -> bool:
    """Tell whether a host, as written in an address, is this machine."""
    return host.lower().strip("[]") in _LOOPBACK


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return is_public(mapped)
        return address in _GLOBAL_6 and not any(address in network for network in _INNER_6)
    return not any(address in network for network in _INNER_4)


def resolved(host: str, port: int) -> str:
    """Return the address to connect to for a host.

    INVARIANT: what was looked at is what is connected to; the name is not resolved again.

    Raises:
        OSError: the name does not resolve, or any of its addresses is an inner one. A name of this
            machine resolves to loopback addresses and to nothing else.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if is_loopback_name(host):
        fitting = all(address.is_loopback for address in addresses)
    else:
        fitting = all(is_public(address) for address in addresses)
    if not addresses or not fitting:
        raise OSError("the name leads to an inner address")
    return str(addresses[0])
