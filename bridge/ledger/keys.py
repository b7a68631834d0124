"""The key that signs heads, in a file for its owner alone: the keeper's, and each party's.

Source: Ed25519 as in C2SP signed-note; the file is ours: the signer's name and the 32 secret bytes.
"""

import json
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.files import written_whole
from bridge.ledger.errors import LedgerError
from bridge.ledger.notes import Signer


def signer_in(file: Path, name: str = "") -> Signer:
    """Return the signer a file keeps; where there is none, make one of that name and keep it.

    Of several processes that begin at once all have the key of the first. A name once given stays:
    it is part of the public key that others hold.

    Raises:
        LedgerError: there is no file and no name was given, a note cannot carry the name, or the
            file keeps no such key.
    """
    if name and not file.exists():
        _make(file, name)
    try:
        kept = json.loads(file.read_bytes())
        return Signer.from_seed(kept["name"], bytes.fromhex(kept["seed"]))
    except FileNotFoundError:
        raise LedgerError(f"{file.name} is not there; a name makes a new key") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LedgerError(f"{file.name} keeps no key that signs heads") from None


def _make(file: Path, name: str) -> None:
    key = Ed25519PrivateKey.generate()
    try:
        made = Signer(name, key)
    except ValueError as error:
        raise LedgerError(str(error)) from None
    kept = {"name": made.name, "seed": key.private_bytes_raw().hex()}
    with suppress(FileExistsError), written_whole(file, replace=False) as new:
        new.write_text(json.dumps(kept), encoding="utf-8")
