"""A real name server on loopback, which may say something else each time, and one who asks it."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address

from tests.support.background import in_background

A, AAAA = 1, 28


@dataclass
class NameServer:
    """The server: what it answers for a name (a list for each time it is asked; the last stays)."""

    port: int
    answers: Mapping[str, Sequence[Sequence[str]]]
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Ask the server, as a resolver does: once for every kind of address."""
        turn = self.asked.count(host)
        found = [each for kind in (A, AAAA) for each in self._told(host, kind, turn)]
        self.asked.append(host)
        if not found:
            raise OSError("no such name")
        return found

    def _told(self, host: str, kind: int, turn: int) -> list[str]:
        labels = b"".join(bytes([len(each)]) + each.encode() for each in host.split("."))
        question = labels + b"\0" + struct.pack("!HH", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(30)
            asking.connect(("127.0.0.1", self.port))
            asking.send(struct.pack("!6H", turn, 0x0100, 1, 0, 0, 0) + question)
            return _read(asking.recv(4096), 12 + len(question), kind)


def _read(message: bytes, at: int, kind: int) -> list[str]:
    found = []
    for _ in range(struct.unpack_from("!H", message, 6)[0]):
        size = struct.unpack_from("!H", message, at + 10)[0]
        found.append(str(ip_address(message[at + 12 : at + 12 + size])))
        at += 12 + size
    return found


@contextmanager
def name_server(answers: Mapping[str, Sequence[Sequence[str]]]) -> Iterator[NameServer]:
    """Run a name server for as long as the block lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.05)
        made = NameServer(listening.getsockname()[1], answers)
        with in_background(partial(_serve, listening, made)):
            yield made


def _serve(listening: socket.socket, made: NameServer, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            asked, who = listening.recvfrom(4096)
        except TimeoutError:
            continue
        if not made.silent:
            listening.sendto(_answer(made, asked), who)


def _answer(made: NameServer, asked: bytes) -> bytes:
    turn, labels, at = struct.unpack_from("!H", asked)[0], [], 12
    while asked[at]:
        labels.append(asked[at + 1 : at + 1 + asked[at]].decode())
        at += 1 + asked[at]
    kind = struct.unpack_from("!H", asked, at + 1)[0]
    turns = made.answers.get(".".join(labels), [[]])
    said = [ip_address(each) for each in turns[min(turn, len(turns) - 1)]]
    told = [each.packed for each in said if (each.version == 4) == (kind == A)]
    head = struct.pack("!6H", turn, 0x8180, 1, len(told), 0, 0)
    records = (b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(p)) + p for p in told)
    return head + asked[12 : at + 5] + b"".join(records)
