"""Addresses by which a partner could try to make us call something inside: more than 500."""

import ipaddress
from collections.abc import Iterator

RANGES_4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32"),
    *("192.0.0.10/32", "192.0.0.170/31", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32", "224.0.0.0/4", "168.63.129.16/32"),
)
RANGES_6 = (
    *("::1/128", "::/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
    *(
        "100:0:0:1::/64",
        "2001::/23",
        "2001::/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
    ),
    *("2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28"),
    *("2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16"),
    *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "::/96"),
)
"""IANA's special-purpose registries as of 2025, with multicast and what was withdrawn."""

TARGETS = (
    *("127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1", "172.16.0.9", "0.0.0.0"),  # noqa: S104 - an address to be refused
    *("127.9.9.9", "10.255.255.1", "100.100.100.200", "192.0.0.192", "172.31.255.254"),
)


def inner_hosts() -> list[str]:
    """Return hosts as they can stand in an address, each once."""
    every = [*_spelled_4(), *_spelled_6(), *_edges()]
    return list(dict.fromkeys(every))


def inner_urls(port: int) -> list[str]:
    """Return whole addresses, where they lead to this machine with a port that listens."""
    hosts = [f"https://{host}:{port}/notify" for host in inner_hosts()]
    return [*hosts, *_schemes(port), *_misread(port)]


def _spelled_4() -> Iterator[str]:
    for target in TARGETS:
        number, parts = int(ipaddress.ip_address(target)), [int(p) for p in target.split(".")]
        yield from (target, f"{target}.", str(number), hex(number), oct(number).replace("o", ""))
        yield ".".join(hex(p) for p in parts)
        yield ".".join(f"0{p:o}" for p in parts)
        yield ".".join(f"{p:04o}" for p in parts)
        yield f"{parts[0]}.{number & 0xFFFFFF}"
        yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
        yield f"0x{parts[0]:x}.{number & 0xFFFFFF}"
        yield target.replace(".", "。")
        yield target.translate(str.maketrans("0123456789", "０１２３４５６７８９"))  # noqa: RUF001 - digits that look like ours
        yield target.translate(str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨"))


def _spelled_6() -> Iterator[str]:
    for target in TARGETS:
        number = int(ipaddress.ip_address(target))
        high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
        for prefix in ("::ffff:", "::", "64:ff9b::", "::ffff:0:", "0:0:0:0:0:ffff:"):
            yield from (f"[{prefix}{target}]", f"[{prefix}{high}:{low}]")
        yield f"[2002:{high}:{low}::1]"
        yield f"[2001:0:1:1::{int(high, 16) ^ 0xFFFF:x}:{int(low, 16) ^ 0xFFFF:x}]"
        yield f"[2606:4700::5efe:{high}:{low}]"
        yield f"[2606:4700::200:5efe:{high}:{low}]"
        yield f"[64:ff9b:1::{high}:{low}]"
    yield from ("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::1%25lo]", "[fe80::1%25eth0]", "[fe80::1]")
    yield from ("[fd00:ec2::254]", "[fd00::1]", "[fec0::1]", "[ff02::1]", "localhost", "LOCALHOST")


def _edges() -> Iterator[str]:
    """The first, a middle and the last address of every range."""
    for text in RANGES_4:
        network = ipaddress.IPv4Network(text)
        middle = network[network.num_addresses // 2]
        yield from (str(network[0]), str(middle), str(network[-1]))
    for text in RANGES_6:
        wide = ipaddress.IPv6Network(text)
        middle6 = wide[wide.num_addresses // 2]
        yield from (f"[{wide[0]}]", f"[{middle6}]", f"[{wide[-1]}]")


def _schemes(port: int) -> Iterator[str]:
    for scheme in ("http", "ftp", "file", "gopher", "dict", "ldap", "unix", "jar", "data", "ws"):
        yield f"{scheme}://127.0.0.1:{port}/"
        yield f"{scheme}:127.0.0.1:{port}/"
        yield f"{scheme.upper()}://clinic.example.org@127.0.0.1:{port}/"


def _misread(port: int) -> Iterator[str]:
    """Addresses that two readers may read in two ways."""
    inner, outer = f"127.0.0.1:{port}", "clinic.example.org"
    yield from (f"https://{outer}@{inner}/", f"https://{outer}:x@{inner}/", f"https://@{inner}/")
    yield from (
        f"https://{inner}#@{outer}/",
        f"https://{inner}?@{outer}/",
        f"https://{inner}/@{outer}",
    )
    yield from (
        f"https://{inner}\\@{outer}/",
        f"https://{outer}\\@{inner}/",
        f"https:\\\\{inner}\\",
    )
    yield from (
        f"https://{inner}\t/",
        f"https://{inner}\r\nHost: x/",
        f"https://{inner}\0/",
        "https://",
    )
    yield from (
        f"https:{inner}/",
        f"https:///{inner}/",
        f"//{inner}/",
        f"https://127.0.0.1:{port}:80/",
    )
    yield from (f" https://{inner}/", f"https://127.0.0.1 :{port}/", f"https://{inner}%2f@{outer}/")
    yield from (
        f"https://127.0.0.1%00.{outer}:{port}/",
        f"https://[{inner}]/",
        f"https://[::1:{port}/",
    )
    yield from (
        f"https://%31%32%37.0.0.1:{port}/",
        f"https://127.0.0.1:{port + 65536}/",
        "https://:80/",
    )
