"""Where tests write what nobody reads after them: memory, where the machine has enough of it.

A process that is killed loses nothing it wrote, there as on a disk; only a power cut tells the two
apart, and no test makes one.
"""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - each test makes a folder of its own in it
_ENOUGH = 4 * 1024**3


def in_memory() -> Path | None:
    """Return a folder in memory; None where there is none with 4 GiB free."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ENOUGH:
        return None
    return _MEMORY


def keep_folders_in_memory() -> None:
    """Let the folders pytest makes for tests be in memory, unless it was told where."""
    if folder := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))  # noqa: TID251 - pytest's own
