"""Identifiers the bridge issues: stable, opaque, unguessable.

An identifier is a keyed hash (HMAC-SHA-256 under the deployment's secret) of what it names. The
same source row imported twice gets the same identifier, which makes every import idempotent;
without the secret nobody can tell which student or referral an identifier belongs to, nor count
them (docs/adr: identifiers are keyed hashes).
"""

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Issues identifiers under one deployment's secret."""

    secret: str

    def issue(self, *names: str) -> str:
        """Return a UUID-shaped identifier (RFC 9562 version 8) for a list of names."""
        digest = bytearray(self._digest("identifier", *names)[:16])
        digest[6] = (digest[6] & 0x0F) | 0x80
        digest[8] = (digest[8] & 0x3F) | 0x80
        text = digest.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def pseudonym(self, hub: str, identifier: str) -> str:
        """Return the pseudonym of an identifier for one hub; two hubs cannot link theirs."""
        return self._digest("pseudonym", hub, identifier).hex()[:32]

    def seal(self, *parts: str) -> str:
        """Return a message authentication code over parts, for cursors and entity tags."""
        return self._digest("seal", *parts).hex()[:32]

    def _digest(self, *parts: str) -> bytes:
        framed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.new(self.secret.encode(), framed, hashlib.sha256).digest()
