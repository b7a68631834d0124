"""The bytes of maps and value tables."""

from pathlib import Path

MAX_DOCUMENT = 2_000_000


def read_document(path: Path) -> bytes:
    """Return the bytes of a map or of a value table beside it.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is larger than a map can be.
    """
    with path.open("rb") as stream:
        data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise ValueError(f"{path.name} is larger than {MAX_DOCUMENT:,} bytes")
    return data
