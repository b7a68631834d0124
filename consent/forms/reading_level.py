"""How hard a text is to read: a school grade for English, the INFLESZ scale for Spanish.

* English: Flesch-Kincaid grade level, ``0.39 words/sentences + 11.8 syllables/words - 15.59``
  (Kincaid and others, Naval Technical Training Command, 1975).
* Spanish: Szigriszt-Pazos, ``206.835 - 62.3 syllables/words - words/sentences``, on the INFLESZ
  scale (Barrio-Cantalejo and others, 2008): 55 to 65 is normal, over 65 fairly easy.

A line ends a sentence, as the items of a list do. A word with anything but letters in it (a year,
an address) counts as one of one syllable. A formula is a floor and no proof: people read it too.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

ENGLISH_AT_MOST: Final = 6.0
SPANISH_AT_LEAST: Final = 65.0

_END: Final = re.compile(r"[.!?:;]+(?=\s|$)|\n+")
_WORD: Final = re.compile(r"[^\s.,;:!?()¿¡«»\"“”]+(?:[.@][^\s.,;:!?()]+)*")
# Two vowels that are said apart, where no spelling of one sound (tion, cial) joins them.
_APART: Final = re.compile(
    r"(?<![tscg])i(?=[aou])|(?<=[bdlmnprv])ua|(?<!p)eo(?!u)|(?<=r)ea(?=t[eio]n)|(?<=d)ea$"
)
_STRONG: Final = "aeoáéó"
_STRESSED: Final = "íú"


@dataclass(frozen=True, slots=True)
class Count:
    """What the formulas are worked out from."""

    sentences: int
    words: int
    syllables: int


def reading_level(text: str, lang: str) -> float:
    """Return the grade of an English text, or the INFLESZ value of a Spanish one.

    Raises:
        ValueError: there are no words, or the language is another.
    """
    if lang not in ("en", "es"):
        raise ValueError("a reading level is known for en and es")
    found = count(text, lang)
    long, heavy = found.words / found.sentences, found.syllables / found.words
    if lang == "en":
        return 0.39 * long + 11.8 * heavy - 15.59
    return 206.835 - 62.3 * heavy - long


def is_plain(text: str, lang: str) -> bool:
    """Tell whether a text is as easy as what a family gets must be."""
    level = reading_level(text, lang)
    return level <= ENGLISH_AT_MOST if lang == "en" else level >= SPANISH_AT_LEAST


def count(text: str, lang: str) -> Count:
    """Count sentences, words and syllables.

    Raises:
        ValueError: there are no words.
    """
    sentences = [words for part in _END.split(text) if (words := _WORD.findall(part))]
    if not sentences:
        raise ValueError("there are no words")
    syllables = english_syllables if lang == "en" else spanish_syllables
    every = [word for words in sentences for word in words]
    return Count(len(sentences), len(every), sum(syllables(word) for word in every))


def english_syllables(word: str) -> int:
    """Return the syllables of an English word, by its spelling; within one of how it is said."""
    letters = re.sub(r"'s?$", "", word.casefold().replace("\u2019", "'")).replace("'", "")
    parts = letters.split("-")
    if not all(part.isalpha() for part in parts):
        return 1
    return sum(_english(part) for part in parts)


def _english(word: str) -> int:
    if len(word) <= 3:
        return max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[aeiouy].)e$", "", word))))
    spoken = re.sub(r"(?<=[^aeiouytd])ed$|(?<=[aeiouy])ed$", "d", word)
    spoken = re.sub(r"(?<=[^aeiousxzgc])es$", "s", spoken)
    # A silent e: at the end, or before an ending.
    spoken = re.sub(r"(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$|(?<=[iouy])e$", "", spoken)
    spoken = re.sub(r"(?<=[^aeiou])e(?=(?:ly|ty|ment|less|ful|on)s?$)", "", spoken)
    return max(1, len(re.findall(r"[aeiouy]+", spoken)) + len(_APART.findall(spoken)))


def spanish_syllables(word: str) -> int:
    """Return the syllables of a Spanish word (Ortografía de la lengua española, RAE 2010)."""
    letters = word.casefold()
    if not letters.isalpha():
        return 1
    letters = re.sub(r"y(?![aeiouáéíóú])", "i", re.sub(r"(?<=[qg])u(?=[eiéí])", "", letters))
    return max(1, sum(_nuclei(group) for group in re.findall(r"[aeiouüáéíóú]+", letters)))


def _nuclei(vowels: str) -> int:
    """Return the syllables in a row of vowels: two strong ones part, a weak one joins."""
    parts = 1
    for before, after in pairwise(vowels):
        apart = before in _STRONG and after in _STRONG
        stressed = (before in _STRESSED and after in _STRONG) or (
            before in _STRONG and after in _STRESSED
        )
        parts += apart or stressed
    return parts
