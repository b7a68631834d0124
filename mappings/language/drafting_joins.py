"""Which columns two sources could be joined by: every pair is tried, the best one is suggested.

A pair is rated as a join is run: by the share of rows of the main source that match exactly one row
of the other. What is suggested is never decided; a person knows which numbers mean a student.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from mappings.language.document import Compare
from mappings.language.drafting_columns import DraftColumn, quoted
from mappings.language.joining import name_key
from mappings.language.reading import OPEN
from mappings.language.value_tables import normal

_COMPARE: Final = {Compare.TEXT: normal, Compare.NAME: name_key}
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class JoinGuess:
    """A pair of columns, how they are compared, and how many rows of the main source match."""

    column: str
    matches: str
    compare: Compare
    matched: int

    def alike(self) -> float:
        """Return how alike the headings are, which only decides between equal rates."""
        return SequenceMatcher(None, normal(self.column), normal(self.matches)).ratio()


def guess_joins(main: Sequence[DraftColumn], other: Sequence[DraftColumn]) -> list[JoinGuess]:
    """Return the pairs of columns that match at all, the best one first."""
    found = [guess for way in Compare for guess in _guesses(main, other, way)]
    # Where the texts are the same, comparing them as names says nothing more.
    found.sort(key=lambda guess: (-guess.matched, guess.compare is Compare.NAME, -guess.alike()))
    best: dict[tuple[str, str], JoinGuess] = {}
    for guess in found:
        best.setdefault((guess.column, guess.matches), guess)
    return list(best.values())


def _guesses(
    main: Sequence[DraftColumn], other: Sequence[DraftColumn], way: Compare
) -> Iterator[JoinGuess]:
    keys = [(column, _unique(column, way)) for column in other if _fits(column, way)]
    for column in main:
        if not _fits(column, way):
            continue
        counts: dict[str, int] = {}
        for text, count in column.texts.items():
            key = _COMPARE[way](text)
            counts[key] = counts.get(key, 0) + count
        for theirs, known in keys:
            if matched := sum(counts[key] for key in counts.keys() & known):
                yield JoinGuess(column.heading, theirs.heading, way, matched)


def _fits(column: DraftColumn, way: Compare) -> bool:
    """Whether a column may tell people apart; names are words with something between them."""
    if way is Compare.TEXT:
        return bool(column.texts)
    return any(any(map(str.isalpha, text)) and len(text.split()) > 1 for text in column.texts)


def _unique(column: DraftColumn, way: Compare) -> set[str]:
    """Return the keys that exactly one row has."""
    counts: dict[str, int] = {}
    for text, count in column.texts.items():
        key = _COMPARE[way](text)
        counts[key] = counts.get(key, 0) + count
    return {key for key, count in counts.items() if count == 1 and key}


def draft_join(role: str, guesses: Sequence[JoinGuess], rows: int) -> Iterator[str]:
    """Yield the lines of a join; ``rows`` are those of the main source that were looked at."""
    yield f"  - source: {role}"
    for guess in guesses[:_SHOWN]:
        rate = f"{guess.matched} of {rows} rows match one row ({guess.matched / rows:.0%})"
        how = f", compared as {guess.compare}" if guess.compare is Compare.NAME else ""
        yield f"    # {quoted(guess.column)} with {quoted(guess.matches)}: {rate}{how}"
    if not guesses:
        yield "    # no column of the first source matches one of this one"
    best = guesses[0] if guesses else JoinGuess("", "", Compare.TEXT, 0)
    yield "    on:"
    yield f"      - column: {quoted(f'{OPEN} {best.column}'.strip())}"
    yield f"        matches: {quoted(f'{OPEN} {best.matches}'.strip())}"
    if best.compare is Compare.NAME:
        yield f'        compare: "{OPEN} name"'
    yield f'    match-rate-floor: "{OPEN}"'
