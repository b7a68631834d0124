"""What a follow-up is called elsewhere, and back, without losing why: ``words.csv``.

A word of another system that says less than our code has a note beside it (our code, and why). A
word alone is read as what it says at least.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mappings.loop.machine import STATES
from mappings.loop.tables import LoopTableError, one_of, rows_of, unique

WHY: Final = ("", "capacity", "eligibility", "area", "fit")
"""Why a provider declined; "" where it does not say, or the code says it itself."""
_COLUMNS: Final = ("system", "business", "why", "word", "reads")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A follow-up code, and why."""

    business: str
    why: str = ""

    def __str__(self) -> str:
        """Return it as a note: ``declined-by-provider/capacity``."""
        return f"{self.business}/{self.why}" if self.why else self.business


@dataclass(frozen=True, slots=True)
class Word:
    """What another system says, and the note that says what the word leaves out ("" for none)."""

    word: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One system's words, both ways."""

    words: Mapping[Outcome, Word]
    reads: Mapping[str, Outcome]

    def outcome(self, said: Word) -> Outcome:
        """Return what a word with its note says.

        Raises:
            KeyError: the system has no such word, or the note is none of ours.
        """
        if not said.note:
            return self.reads[said.word]
        business, _, why = said.note.partition("/")
        outcome = Outcome(business, why)
        if self.words[outcome].word != said.word:
            raise KeyError(said.word)
        return outcome


def read_words(text: str | None = None) -> dict[str, Vocabulary]:
    """Read ``words.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken, or a system lacks an outcome another has.
    """
    codes = {row.follow_up for row in STATES.values()}
    words: dict[str, dict[Outcome, Word]] = {}
    reads: dict[str, dict[str, Outcome]] = {}
    lines: dict[object, int] = {}
    for number, row in enumerate(rows_of("words", _COLUMNS, text), 2):
        place = ("words", number)
        outcome = Outcome(one_of(codes, row["business"], place), one_of(WHY, row["why"], place))
        system, back = row["system"], one_of(("", "yes"), row["reads"], place) == "yes"
        unique(lines, (system, outcome), place)
        lines[system, outcome] = number
        if back:
            unique(lines, (system, row["word"]), place)
            lines[system, row["word"]] = number
            reads.setdefault(system, {})[row["word"]] = outcome
        words.setdefault(system, {})[outcome] = Word(row["word"], "" if back else str(outcome))
    if len({frozenset(known) for known in words.values()}) > 1:
        raise LoopTableError("words", len(lines), "every system needs every outcome")
    return {system: Vocabulary(known, reads.get(system, {})) for system, known in words.items()}


VOCABULARIES: Final[Mapping[str, Vocabulary]] = read_words()
