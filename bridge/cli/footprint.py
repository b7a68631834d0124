"""What a server takes of memory beyond what it needs, and how little of that can be (Linux, glibc).

Measured on the server that a state exports from (benchmarks/exported.py): see the figures beside
each step. Where the system is another, the steps do nothing.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ARENA_MAX: Final = -8
"""``M_ARENA_MAX`` (malloc.h): by itself each thread gets a heap of its own, eight times the cores,
and what one gave back the others cannot use."""
_ARENAS: Final = 2
_ORNAMENTS: Final = ("rich", "watchfiles")
"""Coloured tracebacks and reloading: for who develops. Our log does without both (4.5 MB)."""


@contextmanager
def without_ornaments() -> Iterator[None]:
    """Import libraries as if what only adorns them were not installed."""
    hidden = [name for name in _ORNAMENTS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # an import of it fails (PEP 328)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def share_heaps() -> None:
    """Let the threads of this process share few heaps; before they begin."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENA_MAX, _ARENAS)


def settle(objects: int) -> None:
    """Give back what starting took, and leave what is there now alone: it stays for good.

    Args:
        objects: so many new ones before the collector looks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects)
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
