"""Check a receipt or a whole log without the bridge. Needs Python and ``cryptography`` only.

This file may be copied out and read on its own; nothing of the bridge is imported::

    python verifier.py receipt RECEIPT.json --key VKEY
    python verifier.py log EXPORT.ndjson CHECKPOINT.txt --key VKEY

Exit code 0: everything holds. 1: something does not. 2: wrong use or unreadable input.

Sources: RFC 9162 section 2.1.1 (hashes), 2.1.3.2 (inclusion), 2.1.4.2 (consistency), which agree
with RFC 6962; C2SP signed-note and tlog-checkpoint (heads and keys).
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Refused(Exception):  # noqa: N818 - reads as what happened
    """The evidence does not hold. The text says which part, never what an entry says."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head that carries the signature of every key it was opened with."""

    origin: str
    size: int
    root: bytes
    time: str


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def entry_leaf(salt: bytes, body: bytes) -> bytes:
    """Return the leaf of an entry: it commits to the body and, without the salt, tells nothing."""
    return leaf_hash(hashlib.sha256(salt + body).digest())


def row_digest(salt: bytes, body: bytes) -> bytes:
    """Return the digest of one of several releases an entry lists."""
    return hashlib.sha256(salt + body).digest()


def rows_digest(digests: Iterable[bytes]) -> str:
    """Return what an entry commits to its rows by: their digests, in order."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root a leaf and its path lead to (RFC 9162, 2.1.3.2).

    Raises:
        Refused: if the path has the wrong length for that index and size.
    """
    if not 0 <= index < size:
        raise Refused("the index lies outside the log")
    here, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise Refused("the path is too long")
        if here & 1 or here == last:
            root = node_hash(step, root)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            root = node_hash(root, step)
        here, last = here >> 1, last >> 1
    if last != 0:
        raise Refused("the path is too short")
    return root


def check_consistency(
    old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]
) -> None:
    """Check that a log of size and root ``new`` begins with the one of ``old`` (RFC 9162, 2.1.4.2).

    Raises:
        Refused: if it does not, or the path does not show it.
    """
    (first, first_root), (second, second_root) = old, new
    if first > second:
        raise Refused("the log has become shorter")
    if first in (0, second):  # nothing to walk: the roots themselves must be right
        expected = EMPTY_ROOT if first == 0 else second_root
        if path or first_root != expected:
            raise Refused("the log was rewritten")
        return
    if _roots_from_consistency(first, second, first_root, path) != (first_root, second_root):
        raise Refused("the log was rewritten")


def _roots_from_consistency(
    first: int, second: int, first_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    whole = first & (first - 1) == 0  # RFC 9162, 2.1.4.2 step 2
    steps = [first_root, *path] if whole else list(path)
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    if not path or not steps:
        raise Refused("the path is too short")
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Refused("the path is too long")
        if here & 1 or here == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, step)
        here, last = here >> 1, last >> 1
    if last != 0:
        raise Refused("the path is too short")
    return old, new


def root_of(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """Return size and root of a log, from its leaf hashes (RFC 9162, 2.1.1)."""
    size, peaks = 0, list[bytes]()
    for leaf in leaves:
        here, bits = leaf, size
        while bits & 1:
            here, bits = node_hash(peaks.pop(), here), bits >> 1
        peaks.append(here)
        size += 1
    root = peaks.pop() if peaks else EMPTY_ROOT
    while peaks:
        root = node_hash(peaks.pop(), root)
    return size, root


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that tell which key signed (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def open_note(note: str, keys: Sequence[str]) -> Checkpoint:
    """Read a signed head and check that *every* key (``name+hash+key``, C2SP) has signed it.

    Raises:
        Refused: if a signature is missing or wrong, or the note is not a checkpoint.
    """
    if not keys:
        raise Refused("no key was given, so nothing would be checked")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Refused("not a signed note")
    for key in keys:
        _check_signed(text + "\n", signatures.splitlines(), key)
    return _checkpoint(text)


def _check_signed(text: str, signatures: Sequence[str], vkey: str) -> None:
    name, public = read_vkey(vkey)
    mark = key_id(name, public)
    for line in signatures:
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        raw = _base64(encoded)
        if dash != "\u2014" or signer != name or raw[:4] != mark:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature:
            raise Refused(f"the signature of {name} is wrong") from None
        return
    raise Refused(f"{name} has not signed")


def read_vkey(vkey: str) -> tuple[str, bytes]:
    """Read a key of the form ``name+hash+key``.

    Raises:
        Refused: if it is not one, or its parts disagree.
    """
    name, _, rest = vkey.strip().partition("+")
    mark, _, encoded = rest.partition("+")
    raw = _base64(encoded)
    if len(raw) != 33 or raw[:1] != ED25519 or key_id(name, raw[1:]).hex() != mark:
        raise Refused("not a key of the form name+hash+key")
    return name, raw[1:]


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[1].isascii() or not lines[1].isdigit():
        raise Refused("not a checkpoint")
    return Checkpoint(lines[0], int(lines[1]), _base64(lines[2]), lines[3])


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("not base64") from None


def check_receipt(document: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Check a receipt against its signed head; return the entry, of a sealed one place and leaf.

    Raises:
        Refused: if any part does not hold.
    """
    try:
        path = [bytes.fromhex(step) for step in document["path"]]
        (entry, leaf), index = _entry_of(document), document["index"]
        note, place = document["checkpoint"], (document["log"], index)
        same = (entry["log"], entry["index"]) == place
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise Refused("not a receipt") from None
    head, logs = open_note(note, keys), [f"{read_vkey(key)[0]}/{entry['log']}" for key in keys]
    if not same or type(index) is not int or head.origin not in logs:
        raise Refused("the entry belongs to another place")
    if root_from_inclusion(index, head.size, leaf, path) != head.root:
        raise Refused("the entry is not in the log")
    return _with_row(entry, document) if entry.get("kind") == "releases" else dict(entry)


def _entry_of(document: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if "leaf" in document:  # sealed: nothing else it holds is proved, so nothing else is returned
        sealed = {name: document[name] for name in ("log", "index", "leaf")}
        return sealed, bytes.fromhex(sealed["leaf"])
    body = document["body"].encode()
    return json.loads(body), entry_leaf(bytes.fromhex(document["salt"]), body)


def _with_row(entry: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of several releases, with the row that the receipt shows, if it shows one."""
    row, same = dict[str, Any](), False
    with suppress(KeyError, TypeError, ValueError, AttributeError, RecursionError):
        digests, shown = list(map(bytes.fromhex, document["digests"])), document.get("row")
        row = {"row": json.loads(shown["body"])} if shown else {}
        nth = digests.index(_digest_of(shown["salt"], shown["body"])) if shown else None
        listed = rows_digest(digests) == entry["resource"]["digest"]
        same = listed and nth == (shown or {}).get("nth")
    if not same:
        raise Refused("the row is not one that the entry lists")
    return entry | row


def check_export(lines: Iterable[str], head: Checkpoint) -> int:
    """Check every line of an exported log against a head; return how many entries were erased.

    A line holds ``body`` and ``salt``; where an entry was erased by law, only ``leaf``, and a later
    entry must say that it was. An entry ``again`` stands for one more disclosure of each entry it
    names; they must be earlier releases. An entry ``releases`` stands for one of each of its
    ``rows``, which have ``body`` and ``salt``, or only ``digest`` where they were erased.

    Raises:
        Refused: if a line does not hold, or the whole does not lead to the head's root.
    """
    empty, allowed = set[int](), set[int]()
    if root_of(_leaves(lines, empty, allowed)) != (head.size, head.root):
        raise Refused("the entries do not lead to the signed head")
    if empty - allowed:
        raise Refused("an entry was left out without an erasure that says so")
    return len(empty)


def _leaves(lines: Iterable[str], empty: set[int], allowed: set[int]) -> Iterable[bytes]:
    releases = bytearray()
    for index, line in enumerate(lines):
        row = json.loads(line)
        if "leaf" in row:
            empty.add(index)
            releases.append(1)  # an erased one may have been: nobody can tell any more
            yield bytes.fromhex(row["leaf"])
            continue
        entry = json.loads(row["body"])
        releases.append(entry["kind"] == "release")
        if entry["index"] != index:
            raise Refused(f"entry {index} is out of place")
        if entry["kind"] == "erasure":
            allowed.update(at for at in entry["refers"] if at < index)
        if entry["kind"] == "releases" and not _lists(entry, row.get("rows", ()), empty):
            raise Refused(f"entry {index} lists other rows")
        earlier = [0 <= at < index and releases[at] for at in entry["refers"]]
        if entry["kind"] == "again" and not (earlier and all(earlier)):
            raise Refused(f"entry {index} repeats what is no earlier release")
        yield entry_leaf(bytes.fromhex(row["salt"]), row["body"].encode())


def _lists(entry: dict[str, Any], rows: Sequence[dict[str, str]], empty: set[int]) -> bool:
    if any("digest" in row for row in rows):
        empty.add(entry["index"])
    found = [row.get("digest") or _digest_of(row["salt"], row["body"]).hex() for row in rows]
    return bool(rows) and rows_digest(map(bytes.fromhex, found)) == entry["resource"]["digest"]


def _digest_of(salt: str, body: str) -> bytes:
    return row_digest(bytes.fromhex(salt), body.encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Check evidence of a disclosure ledger.")
    what = parser.add_subparsers(dest="what", required=True)
    receipt = what.add_parser("receipt", help="one entry, its path and a signed head")
    log = what.add_parser("log", help="every entry of a log against a signed head")
    for command in (receipt, log):
        command.add_argument("file", type=Path)
        command.add_argument("--key", action="append", required=True, help="name+hash+key")
    log.add_argument("checkpoint", type=Path)
    asked = parser.parse_args(arguments)
    try:
        if asked.what == "receipt":
            document = json.loads(asked.file.read_text(encoding="utf-8"))
            said = json.dumps(check_receipt(document, asked.key), indent=2)
        else:
            head = open_note(asked.checkpoint.read_text(encoding="utf-8"), asked.key)
            with asked.file.open(encoding="utf-8") as lines:
                erased = check_export(lines, head)
            said = f"{head.origin}: {head.size} entries hold, {erased} erased, head of {head.time}"
    except Refused as reason:
        sys.stdout.write(f"REFUSED: {reason}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError):
        sys.stdout.write("cannot read the input\n")
        return 2
    sys.stdout.write(said + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
