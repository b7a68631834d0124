"""What a party does with a signed head: compare it with the one it kept, add its name, keep it.

INVARIANT: what was countersigned is kept, on disk, before anybody is given it: a party that forgot
one could put its name to two versions of a log.

Source: C2SP tlog-witness, the request of ``add-checkpoint``: ``old SIZE``, the consistency path, an
empty line, the signed head.
"""

import base64
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.files import written_whole
from bridge.ledger.errors import LedgerError
from bridge.ledger.notes import Signer, countersign
from bridge.ledger.verifier import Checkpoint, Refused, open_note


def extension(note: str, old: int, path: Sequence[bytes]) -> str:
    """Return a signed head together with the proof that it extends the one of size ``old``."""
    steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"old {old}\n{steps}\n{note}"


def read_extension(text: str) -> tuple[int | None, list[bytes], str]:
    """Return the earlier size, the path and the head; a head alone has no size and no path.

    Raises:
        Refused: it is neither.
    """
    if not text.startswith("old "):  # no origin begins so: a signer's name has no space
        return None, [], text
    proof, blank, note = text.partition("\n\n")
    size, *steps = proof.removeprefix("old ").split("\n")
    if not (blank and size.isascii() and size.isdigit()):
        raise Refused("not a head with a proof")
    try:
        return int(size), [base64.b64decode(step, validate=True) for step in steps], note
    except ValueError:
        raise Refused("not a head with a proof") from None


def countersign_kept(
    kept: Path, text: str, keeper: str, signer: Signer, *, first: bool
) -> Checkpoint:
    """Countersign a head if it extends the one kept, and keep it in that one's place.

    Args:
        kept: the file of the head countersigned last.
        text: the new head, with its proof unless none is needed.
        keeper: the key of who keeps the log (``name+hash+key``).
        signer: the party.
        first: the party knows that it has not countersigned a head of this log before.

    Raises:
        ForkDetected: the head does not extend the one kept.
        LedgerError: a head is kept although this is the first, or none although it is not; or the
            proof begins at another size.
        Refused: a signature is missing or wrong, of the new head or of the one kept.
    """
    with _alone(kept):
        remembered = _remembered(kept, [keeper, signer.vkey], first=first)
        old, path, note = read_extension(text)
        if remembered is not None and old not in (None, remembered.size):
            raise LedgerError(f"the proof is from size {old}; ask for one from {remembered.size}")
        both = countersign(note, keeper, remembered, path if remembered else [], signer)
        # What came may carry a false line in our name; then nobody could open it again.
        seen = open_note(both, [keeper, signer.vkey])
        with written_whole(kept, replace=True) as new:
            new.write_text(both, encoding="utf-8")
        return seen


def _remembered(kept: Path, keys: Sequence[str], *, first: bool) -> Checkpoint | None:
    try:
        note = kept.read_text(encoding="utf-8")
    except FileNotFoundError:
        if first:
            return None
        raise LedgerError(
            f"{kept.name} is not there; only a first head is taken as it is"
        ) from None
    if first:
        raise LedgerError(f"{kept.name} keeps a head already")
    return open_note(note, keys)


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Let no other process countersign meanwhile: two could each take one side of a fork."""
    with kept.with_name(f"{kept.name}-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
