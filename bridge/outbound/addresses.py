"""Where a call may go: to an address of the public internet, looked at before it is connected to.

``ipaddress.is_global`` calls several ways to write an inner address global (NAT64 and 6to4 of a
loopback address, IPv4-compatible IPv6, multicast), so the table here is our own: every range of
IANA's special-purpose registries (RFC 6890) and of multicast, and every form of IPv6 that carries
an IPv4 address. No partner has its server in one of them, also where a range is routed.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from bridge.outbound.errors import OutboundError

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
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# Of IPv6 only what is handed out to the world, without what wraps an IPv4 address (Teredo in
# 2001::/23, 6to4) or is set apart. Mapped, compatible and NAT64 forms lie outside of 2000::/3.
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_INNER_6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
# ISATAP (RFC 5214 6.1) writes an IPv4 address behind these middle 32 bits of any prefix.
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})


def is_loopback_name(host: str) -> bool:
    """Tell whether a host, as written in an address, is this machine."""
    return host.lower().strip("[]") in _LOOPBACK


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _INNER_4)
    inner = any(address in network for network in _INNER_6)
    wraps = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    return address in _GLOBAL_6 and not inner and not wraps


def host_of(url: str, *, loopback: bool) -> str:
    """Return the host of an address that may be called: https, or on this machine.

    Args:
        url: the address.
        loopback: whether this machine may be called at all, then also without TLS.

    Raises:
        OutboundError: it may not be called.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise OutboundError("not an address") from None
    local = loopback and parts.scheme == "http" and is_loopback_name(host)
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not host or not plain or "@" in parts.netloc or not (parts.scheme == "https" or local):
        raise OutboundError("an address begins with https://")
    return host


def checked(host: str, found: Sequence[str], *, loopback: bool) -> tuple[str, ...]:
    """Return the addresses of a host, all of which may be connected to.

    One inner address among them refuses all: no server of the public has one.

    Raises:
        OSError: there is none, or any of them is an inner one. A name of this machine, where it may
            be called, leads to loopback addresses and to nothing else.
    """
    addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
    if loopback and is_loopback_name(host):
        fitting = all(address.is_loopback for address in addresses)
    else:
        fitting = all(is_public(address) for address in addresses)
    if not addresses or not fitting:
        raise OSError("the name leads to an inner address")
    return tuple(str(address) for address in addresses)
