"""A map is found, proved and run over files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from documents import DocumentError
from mappings.language import (
    WHOLE,
    CompiledMap,
    Run,
    Share,
    check_map,
    compile_map,
    load_map,
)


def run_of(map_id: str, files: Sequence[Path], share: Share = WHOLE) -> Run:
    """Return a run of a map over files, given in order or as ROLE=FILE.

    Raises:
        DocumentError: the map has mistakes.
        SourceError: a file cannot be used, a needed one is missing, too few rows match.
    """
    compiled = replace(compiled_map(map_id), share=share)
    named = [str(file).partition("=") for file in files]
    if all(mark for _, mark, _ in named):
        return compiled.run({role: Path(name) for role, _, name in named})
    return compiled.run(files)


def compiled_map(map_id: str) -> CompiledMap:
    """Return a map that runs.

    Raises:
        DocumentError: the map has mistakes.
    """
    document = load_map(map_id)
    if problems := check_map(document):
        raise DocumentError(problems)
    return compile_map(document)
