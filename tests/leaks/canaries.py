"""Unique texts that are put where nobody may see them, and the search for them in any disguise."""

import base64
import contextlib
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MARK = "Zqcan4ry"
_DIGITS = 6
_HEX_RUN = re.compile(rb"[0-9a-fA-F]{32,}")
_DIGEST_SIZES = (32, 40, 64)


@dataclass(frozen=True, slots=True)
class Label:
    """What a canary stands for: whose record (``state``), and where it stands in it."""

    state: str
    path: str


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A canary that was found: which one (-1 where the disguise hides it) and how written."""

    number: int
    disguise: str


@dataclass
class Canaries:
    """Every canary of a world, in the order they were made."""

    labels: list[Label] = field(default_factory=list)
    _digests: dict[bytes, int] = field(default_factory=dict)

    def new(self, state: str, path: str, *, plain: bool = False) -> str:
        """Make a canary; one that is not ``plain`` has a letter beyond ASCII."""
        number = len(self.labels)
        self.labels.append(Label(state, path))
        text = f"{MARK}{number:0{_DIGITS}x}{'' if plain else 'é'}"
        for spelled in (text.encode(), text.encode("utf-16-le"), text.lower().encode()):
            for name in ("sha256", "sha1", "md5"):
                digest = hashlib.new(name, spelled).hexdigest().encode()
                self._digests[digest] = number
        return text

    def found_in(self, raw: bytes) -> set[Hit]:
        """Return every canary in some bytes: plain, escaped, encoded, hashed or compressed."""
        hits = {Hit(int(m[1], 16), _disguise(m[0])) for m in _SPELLED.finditer(raw)}
        hits |= {Hit(-1, name) for name, pattern in _ENCODED if pattern.search(raw)}
        for digest in _digests_in(raw):
            if (number := self._digests.get(digest)) is not None:
                hits.add(Hit(number, f"hashed to {len(digest)} digits"))
        for inner in _unpacked(raw):
            hits |= {Hit(hit.number, "compressed") for hit in self.found_in(inner)}
        return hits


def _digests_in(raw: bytes) -> Iterator[bytes]:
    for run in _HEX_RUN.findall(raw):
        low = run.lower()
        for size in _DIGEST_SIZES:
            yield from (low[start : start + size] for start in range(len(low) - size + 1))


def _ways(letter: str) -> str:
    code = ord(letter)
    html = rf"&#0*{code};|&#x0*{code:x};"
    return rf"(?:{re.escape(letter)}|%{code:02x}|\\u{code:04x}|\\x{code:02x}|{html})"


# The mark letter by letter, each as itself or escaped for JSON, an address, Python or HTML.
_SPELLED = re.compile(
    ("".join(map(_ways, MARK)) + rf"([0-9a-f]{{{_DIGITS}}})").encode(), re.IGNORECASE
)


def _disguise(spelled: bytes) -> str:
    return "plain" if spelled.lower().startswith(MARK.lower().encode()) else "escaped"


def _encoded() -> Iterator[tuple[str, re.Pattern[bytes]]]:
    raw = MARK.encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        # The first letters mix with what stands before, the last ones with what follows.
        inner = text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        safe = inner.replace(b"+", b"-").replace(b"/", b"_")
        yield f"base64 at {shift}", re.compile(re.escape(inner) + b"|" + re.escape(safe))
    yield "hex", re.compile(raw.hex().encode(), re.IGNORECASE)
    yield "utf-16-le", re.compile(re.escape(MARK.encode("utf-16-le")))
    yield "utf-16-be", re.compile(re.escape(MARK.encode("utf-16-be")))
    yield "backwards", re.compile(re.escape(raw[::-1]))


_ENCODED = tuple(_encoded())


def _unpacked(raw: bytes) -> Iterator[bytes]:
    start = raw.find(b"\x1f\x8b\x08")
    while start >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw[start:], 10_000_000)
        start = raw.find(b"\x1f\x8b\x08", start + 1)


def disguises(text: str) -> dict[str, bytes]:
    """Write a text in every way the search must see through (for its own test)."""
    raw = text.encode()
    made = {
        "plain": raw,
        "lower case": text.lower().encode(),
        "JSON": "".join(f"\\u{ord(letter):04x}" for letter in text[:8]).encode() + raw[8:],
        "address": "".join(f"%{byte:02X}" for byte in raw[:8]).encode() + raw[8:],
        "HTML": "".join(f"&#{ord(letter)};" for letter in text[:8]).encode() + raw[8:],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16 LE": text.encode("utf-16-le"),
        "UTF-16 BE": text.encode("utf-16-be"),
        "SHA-256": hashlib.sha256(raw).hexdigest().encode(),
        "SHA-1": hashlib.sha1(raw, usedforsecurity=False).hexdigest().upper().encode(),
        "MD5": hashlib.md5(raw, usedforsecurity=False).hexdigest().encode(),
        "gzip": gzip.compress(b"a page with " + raw),
        "backwards": raw[::-1],
    }
    for before in ("", "a", "ab"):
        packed = base64.b64encode(before.encode() + raw)
        made[f"base64 after {len(before)}"] = packed
        made[f"base64url after {len(before)}"] = base64.urlsafe_b64encode(before.encode() + raw)
    return made
