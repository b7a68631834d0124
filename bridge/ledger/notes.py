"""Signed heads: the C2SP checkpoint note, and what the other party does before adding its name.

A head signed by us alone binds only us. Each party of an agreement keeps the last head it saw and
countersigns the next one only if it extends that; then nobody can rewrite the log or show two
versions of it without the other party's key.

Sources: C2SP signed-note (key names, key ids, signature lines) and tlog-checkpoint (origin, size,
root, then lines of our own: here the time).
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.ledger.append import Head
from bridge.ledger.entry import spelled
from bridge.ledger.errors import ForkDetected
from bridge.ledger.verifier import (
    ED25519,
    Checkpoint,
    Refused,
    check_consistency,
    key_id,
    open_note,
)


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A name and the Ed25519 key behind it. Its text form shows no key.

    Attributes:
        name: who signs, best a host name ("bridge.district.example"); no space, no plus sign.

    Raises:
        ValueError: for a name that a note cannot carry.
    """

    name: str
    key: Ed25519PrivateKey

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(sign.isspace() for sign in self.name):
            raise ValueError("a signer's name has no space and no plus sign")

    def __repr__(self) -> str:
        return f"Signer({self.name})"

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Make the signer from the 32 secret bytes kept for it.

        Raises:
            ValueError: if there are not 32.
        """
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """The public key as others are given it: ``name+hash+key``."""
        encoded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{key_id(self.name, self.public).hex()}+{encoded}"

    def line(self, text: str) -> str:
        """Return the line that signs a note's text."""
        signed = key_id(self.name, self.public) + self.key.sign(text.encode())
        return f"\u2014 {self.name} {base64.b64encode(signed).decode()}\n"


def sign_head(head: Head, signer: Signer) -> str:
    """Return the head as a signed note; its origin is ``signer/log``.

    Raises:
        ValueError: if the log's name does not fit on one line.
    """
    if not head.log or not head.log.isprintable():
        raise ValueError("a log's name stands on one line")
    root = base64.b64encode(head.root).decode()
    time = "-" if head.time is None else spelled(head.time)
    text = f"{signer.name}/{head.log}\n{head.size}\n{root}\n{time}\n"
    return f"{text}\n{signer.line(text)}"


def head_in(note: str, signer: Signer) -> tuple[str, Checkpoint]:
    """Return the log and the head of a note of the signer's own, also where others signed it too.

    Raises:
        Refused: if the signer has not signed it.
    """
    seen = open_note(note, [signer.vkey])
    return seen.origin.removeprefix(f"{signer.name}/"), seen


def countersign(
    note: str,
    keeper: str,
    remembered: Checkpoint | None,
    path: Sequence[bytes],
    signer: Signer,
) -> str:
    """Add a party's signature to a head that extends the one the party remembers.

    Args:
        note: the head, signed by who keeps the log.
        keeper: the keeper's key (``name+hash+key``).
        remembered: the head last countersigned; None at the first.
        path: the consistency proof from the remembered size to the new one.
        signer: the party.

    Raises:
        ForkDetected: if the head does not extend the remembered one.
        Refused: if the keeper has not signed it.
    """
    seen = open_note(note, [keeper])
    if remembered is not None:
        if seen.origin != remembered.origin:
            raise ForkDetected("the head is of another log")
        try:
            check_consistency((remembered.size, remembered.root), (seen.size, seen.root), path)
        except Refused as reason:
            raise ForkDetected(f"{seen.origin}: {reason}") from None
    text, _, _ = note.rpartition("\n\n")
    return note + signer.line(text + "\n")
