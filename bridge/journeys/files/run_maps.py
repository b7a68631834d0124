"""A map is found, proved and run over files."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bridge.errors import BridgeError
from documents import DocumentError, Problem
from mappings.language import (
    CompiledMap,
    MapDocument,
    Run,
    check_map,
    compile_map,
    exported_at,
    load_map,
    lock_differences,
)


def run_of(map_id: str, files: Sequence[Path], exported: str | None = None) -> Run:
    """Return a run of a map over files, given in order or as ROLE=FILE.

    Args:
        map_id: a shipped map's id, or a map's file.
        files: the files.
        exported: when the files were made, in the map's zone: sessions that had not ended by then
            are no visits.

    Raises:
        DocumentError: the map has mistakes.
        SourceError: a file cannot be used, a needed one is missing, too few rows match.
        BridgeError: the moment of the export cannot be read.
    """
    compiled = compiled_map(map_id)
    moment = _exported(compiled, exported)
    return compiled.run(named(files), moment)


def named(files: Sequence[Path]) -> dict[str, Path] | Sequence[Path]:
    """Return files by role where they were given as ROLE=FILE, else as they are."""
    parts = [str(file).partition("=") for file in files]
    if all(mark for _, mark, _ in parts):
        return {role: Path(name) for role, _, name in parts}
    return files


def _exported(compiled: CompiledMap, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return exported_at(text, ZoneInfo(compiled.document.zone.text))
    except ValueError as error:
        raise BridgeError(str(error)) from None


def compiled_map(map_id: str, *, locked: bool = True) -> CompiledMap:
    """Return a map that runs.

    Args:
        map_id: id of a shipped map, or a map's file.
        locked: whether a map that does otherwise than its lock approves is refused.

    Raises:
        DocumentError: the map has mistakes, or does what nobody approved.
    """
    document = load_map(map_id)
    if problems := check_map(document):
        raise DocumentError(problems)
    compiled = compile_map(document)
    used = (document, *(part.document for part in compiled.parts.values())) if locked else ()
    told = [Problem(each.document, 1, 1, text) for each in used for text in unapproved(each)]
    if told:
        advice = "the map runs again once it is changed back, or approved with: map lock"
        raise DocumentError([*told, Problem(document.document, 2, 1, advice)])
    return compiled


def unapproved(document: MapDocument) -> tuple[str, ...]:
    """Return what a sound map does otherwise than its lock says; nothing where it has none.

    Raises:
        DocumentError: its lock cannot be read.
    """
    try:
        return lock_differences(document)
    except ValueError as error:
        raise DocumentError([Problem(document.document, 1, 1, str(error))]) from None
