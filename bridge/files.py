"""Files that are whole or not there: written beside their place, on disk, then put in it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(file: Path, *, replace: bool) -> Iterator[Path]:
    """Yield a new empty file beside ``file``, for its owner alone; put it in place at the end.

    After a power cut ``file`` is what it was or what was written. Where the work fails nothing is
    left behind.

    Args:
        file: where it goes.
        replace: whether a file that is there is replaced.

    Raises:
        FileExistsError: it is there already and is not to be replaced.
    """
    made = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}.new")
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield made
        _on_disk(made)
        if replace:
            made.replace(file)
        else:
            os.link(made, file)  # unlike a renaming this fails where something is
        _on_disk(file.parent)
    finally:
        made.unlink(missing_ok=True)


def _on_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
