"""Errors of reading a document.

DocumentError
    one or more :class:`Problem` in one document, each with line and column.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a document, where it stands and what to do about it.

    ``line`` and ``column`` count from 1. The text never holds a value of a person's record:
    documents hold rules and headings only.
    """

    document: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}:{self.column}: {self.text}"


class DocumentError(Exception):
    """A document that cannot be used; carries every problem found, in order of position."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
