"""What a command asks for and does not take as an argument: names, and words about a child.

A command's own words stay in the shell's history, and every user of the machine reads them in the
list of processes.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

GUARDIAN: Final = "Name of the guardian, as on the form"
NameFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="File of one line, the name as on the form."),
]


def asked_for(what: str, file: Path | None, *, needed: bool = True) -> str:
    """Return one line from a file, or ask for it.

    Args:
        what: the line, in words.
        file: where it stands; None to ask.
        needed: it may not be empty; where it may, an empty answer is "".

    Raises:
        typer.BadParameter: the file holds no line, or more than one.
    """
    if file is None:
        # Asked for on standard error: with --json standard output is the result alone.
        default = None if needed else ""
        return str(typer.prompt(what, default=default, show_default=False, err=True)).strip()
    try:
        lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    if len(lines) != 1:
        raise typer.BadParameter(f"{file.name}: a text file (UTF-8) of one line")
    return lines[0].strip()
