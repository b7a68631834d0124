"""Commands given as an operator gives them, and what they ended with and printed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.nursery import born


@dataclass
class Said:
    """What a command ended with and printed."""

    returncode: int
    stdout: str
    stderr: str


def said(folder: Path, *words: str) -> Said:
    """Give a command in a folder, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="schoolbridge-") as printed:
        out, err = Path(printed) / "out", Path(printed) / "err"
        code = born(words, out, err, folder).wait(60)
        return Said(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
