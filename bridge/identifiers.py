"""Identifiers the bridge issues: stable, opaque, unguessable.

An identifier is a keyed hash (HMAC-SHA-256 under the deployment's secret) of what it names. The
same source row imported twice gets the same identifier, which makes every import idempotent;
without the secret nobody can tell which student or referral an identifier belongs to, nor count
them (docs/adr: identifiers are keyed hashes).
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE = 12
_WIDTH = 26  # with nonce and tag 54 bytes: a text of 72 letters without padding
_BLOCK: Final = 64  # bytes SHA-256 takes at a time
_LONGEST_BEGUN: Final = 1024  # the state of a hash is kept by the length of what is to follow
_LETTERS: Final = 64  # of a digest, in hexadecimal
# The two high bits of the variant of RFC 9562, whatever the digit's own two low bits.
_VARIANT: Final = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}


class _Begun(dict[int, Any]):
    """The state of a hash by the length of what is to follow, which is hashed before it."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - a hash of hashlib's
        super().__init__()
        self._inner = inner

    def __missing__(self, length: int) -> Any:  # noqa: ANN401 - the same
        begun = self._inner.copy()
        begun.update(length.to_bytes(4, "big"))
        if length <= _LONGEST_BEGUN:
            self[length] = begun
        return begun


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Issues identifiers under one deployment's secret."""

    secret: str = field(repr=False)

    def issue(self, *names: str) -> str:
        """Return a UUID-shaped identifier (RFC 9562 version 8) for a list of names."""
        return _uuid(self._digest("identifier", *names).hex())

    def issuer(self, *names: str) -> Callable[[str, str], str]:
        """Return what issues, for a kind and a key, what ``issue(*names, kind, key)`` does.

        It is for many keys of few kinds, three times as fast: what goes before the key is hashed
        once for each kind, where HMAC (RFC 2104: a hash within a hash) starts anew for each key.
        The last ones are kept, as of :meth:`sealer`.
        """
        return _issuer_of(self, names)

    def _issuer(self, *names: str) -> Callable[[str, str], str]:
        started: dict[str, Callable[[bytes], str]] = {}

        def issue(kind: str, key: str) -> str:
            if kind not in started:
                started[kind] = self._keyed("identifier", *names, kind)
            return _uuid(started[kind](key.encode()))

        return issue

    def _keyed(self, *names: str, letters: int = 64) -> Callable[[bytes], str]:
        """Return what gives the digest of ``names`` and one more: so many hexadecimal letters."""
        begun, outer = self._begun(*names)

        def digest(last: bytes) -> str:
            within, without = begun[len(last)].copy(), outer.copy()
            within.update(last)
            without.update(within.digest())
            hexed: str = without.hexdigest()[:letters]
            return hexed

        return digest

    def _keyed_many(self, *names: str, letters: int) -> Callable[[Iterable[bytes]], list[bytes]]:
        """Return what does :meth:`_keyed` for many at once: a call for each took a third of it."""
        begun, outer = self._begun(*names)

        def digests(lasts: Iterable[bytes]) -> list[bytes]:
            copied, found, length, started = outer.copy, list[bytes](), -1, outer.copy
            for last in lasts:
                if len(last) != length:  # most are as long as the one before
                    length = len(last)
                    started = begun[length].copy
                within, without = started(), copied()
                within.update(last)
                without.update(within.digest())
                found.append(without.digest())
            hexed = binascii.hexlify(b"".join(found))
            return [hexed[at : at + letters] for at in range(0, len(hexed), _LETTERS)]

        return digests

    def _begun(self, *names: str) -> tuple["_Begun", Any]:
        """Return the inner hash of HMAC behind ``names``, and the outer hash."""
        secret = self.secret.encode()
        block = (sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        inner = sha256(bytes(byte ^ 0x36 for byte in block))
        inner.update(self._frame(*names))
        return _Begun(inner), sha256(bytes(byte ^ 0x5C for byte in block))

    def pseudonym(self, hub: str, identifier: str) -> str:
        """Return the pseudonym of an identifier for one hub; two hubs cannot link theirs."""
        return self._digest("pseudonym", hub, identifier).hex()[:32]

    def seal(self, *parts: str) -> str:
        """Return a message authentication code over parts, for entity tags."""
        return self._digest("seal", *parts).hex()[:32]

    def pseudonymiser(self, hub: str) -> Callable[[bytes], str]:
        """Return what does :meth:`pseudonym` for many identifiers, each in UTF-8, of one hub."""
        return self._keyed("pseudonym", hub, letters=32)

    def pseudonyms(self, hub: str) -> Callable[[Iterable[bytes]], list[bytes]]:
        """Return what does :meth:`pseudonymiser` for many at once; what it gives is ASCII."""
        return self._keyed_many("pseudonym", hub, letters=32)

    def seals(self, *parts: str) -> Callable[[Iterable[bytes]], list[bytes]]:
        """Return what does :meth:`sealer` for many at once; what it gives is ASCII."""
        return self._keyed_many("seal", *parts, letters=32)

    def sealer(self, *parts: str) -> Callable[[bytes], str]:
        """Return what does :meth:`seal` for many texts, each in UTF-8, behind the same parts.

        The last of them are kept: for parts that few can be, such as organisation and role.
        """
        return _sealer_of(self, parts)

    def hide(self, number: int, *bound: str) -> str:
        """Return a number as a text that tells nothing of it, for page links.

        It is another text each time, of one length, and opens only with the same ``bound``.
        """
        nonce = secrets.token_bytes(_NONCE)
        hidden = self._cipher().encrypt(nonce, number.to_bytes(_WIDTH, "big"), self._frame(*bound))
        return base64.urlsafe_b64encode(nonce + hidden).decode()

    def reveal(self, text: str, *bound: str) -> int | None:
        """Return the number that :meth:`hide` hid, or None: forged, or bound to something else."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            number = self._cipher().decrypt(raw[:_NONCE], raw[_NONCE:], self._frame(*bound))
        except (binascii.Error, ValueError, InvalidTag):
            return None
        return int.from_bytes(number, "big")

    def lock(self, plain: bytes, *bound: str) -> str:
        """Return bytes as a text that opens under the deployment's secret and ``bound`` alone."""
        nonce = secrets.token_bytes(_NONCE)
        hidden = self._cipher("draft key").encrypt(nonce, plain, self._frame(*bound))
        return base64.urlsafe_b64encode(nonce + hidden).decode()

    def unlock(self, text: str, *bound: str) -> bytes | None:
        """Return what :meth:`lock` locked, or None: forged, or bound to something else."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            return self._cipher("draft key").decrypt(
                raw[:_NONCE], raw[_NONCE:], self._frame(*bound)
            )
        except (binascii.Error, ValueError, InvalidTag):
            return None

    def _cipher(self, key: str = "page key") -> ChaCha20Poly1305:
        return _cipher_of(self, key)

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self.secret.encode(), self._frame(*parts), "sha256")

    @staticmethod
    def _frame(*parts: str) -> bytes:
        # With their lengths, so that two lists of parts never become the same bytes.
        encoded = [part.encode() for part in parts]
        return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


# Made once: making it took as long as hiding a number with it. It holds no state of a message.
@lru_cache(maxsize=16)
def _cipher_of(identifiers: Identifiers, key: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(identifiers._digest(key))  # noqa: SLF001 - of this module


@lru_cache(maxsize=64)
def _sealer_of(identifiers: Identifiers, parts: tuple[str, ...]) -> Callable[[bytes], str]:
    return identifiers._keyed("seal", *parts, letters=32)  # noqa: SLF001 - of this module


@lru_cache(maxsize=64)
def _issuer_of(identifiers: Identifiers, names: tuple[str, ...]) -> Callable[[str, str], str]:
    return identifiers._issuer(*names)  # noqa: SLF001 - of this module


def _uuid(digest: str) -> str:
    """Return the first 16 bytes of a digest, in hexadecimal, shaped as a UUID of version 8."""
    return (
        f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}"
        f"-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"
    )
