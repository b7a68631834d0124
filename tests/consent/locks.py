"""The lock files of the shipped documents."""

from importlib.resources import files
from pathlib import Path

from consent.mou import shipped_bound
from consent.surface import Surface, read_lock, surfaces_of

FOLDER = Path(str(files("consent.mou") / "surface"))


def lock_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.lock.yaml").read_bytes()


def shipped_locks(document: str) -> tuple[Surface, ...]:
    """Return the locked surfaces of a document, as they lie in the tree."""
    names = [surface.name for surface in surfaces_of(shipped_bound(document))]
    return tuple(read_lock(lock_bytes(name), f"{name}.lock.yaml") for name in names)
