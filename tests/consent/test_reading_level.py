"""Reading levels: published examples, and pyphen as a second counter of syllables."""

import re

import pyphen
import pytest

from consent.forms import FormKind, last_day, release_form
from consent.forms.reading_level import (
    count,
    english_syllables,
    reading_level,
    spanish_syllables,
)
from consent.mou import shipped_bound

# Worked examples of the article "Flesch-Kincaid readability tests" (Wikipedia), with its counts.
PUBLISHED = [
    ("The cat sat on the mat.", 6, 6),
    (
        "This sentence, taken as a reading passage unto itself, is being used to prove a point.",
        *(16, 23),
    ),
    (
        "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.",
        *(13, 24),
    ),
]
ENGLISH = """
    safety 2, someone 2, guardian 3, permission 3, agreement 3, creature 2, shared 1, needed 2,
    uses 2, names 1, people 2, table 2, idea 3, information 4, student's 2, questionnaire 3,
    interpreter 4, 2027 1"""
SPANISH = """
    aéreo 4, cuídate 3, hacía 3, hacia 2, escuela 3, qué 1, guitarra 3, pingüino 3, información 4,
    día 2, tutor 2, y 1, leer 2, ley 1, atención 3, estudiante 4, cualquier 2, años 2, europeo 4,
    averiguáis 4"""


def counted(words: str) -> list[list[str]]:
    return [pair.split() for pair in words.split(",")]


@pytest.mark.parametrize(("text", "words", "syllables"), PUBLISHED)
def test_published_examples_are_counted_as_published(text: str, words: int, syllables: int) -> None:
    found = count(text, "en")
    assert (found.sentences, found.words) == (1, words)
    assert abs(found.syllables - syllables) <= 2  # it joins li-an
    published = 0.39 * words + 11.8 * syllables / words - 15.59
    assert reading_level(text, "en") == pytest.approx(published, abs=2)


@pytest.mark.parametrize(("word", "syllables"), counted(ENGLISH))
def test_english_words(word: str, syllables: str) -> None:
    assert english_syllables(word) == int(syllables)


@pytest.mark.parametrize(("word", "syllables"), counted(SPANISH))
def test_spanish_words(word: str, syllables: str) -> None:
    assert spanish_syllables(word) == int(syllables)


@pytest.mark.parametrize(("lang", "dictionary"), [("en", "en_US"), ("es", "es")])
def test_a_second_counter_agrees_over_a_whole_form(lang: str, dictionary: str) -> None:
    bound = shipped_bound("millbrook-harbor-2026")
    pair = (bound.template, bound.agreements[0])
    last = last_day(*pair, FormKind.SHARE, pair[1].effective.first)
    text = release_form(pair, FormKind.SHARE, lang, last).prose()
    places = pyphen.Pyphen(lang=dictionary)
    # A word is never parted after a single letter, so pyphen finds a few syllables too few.
    second = sum(len(places.positions(w)) + 1 for w in re.findall(r"[^\W\d_]+", text))
    assert 0.90 < second / count(text, lang).syllables <= 1.0


def test_a_text_without_words_or_in_another_language_has_no_level() -> None:
    with pytest.raises(ValueError, match="no words"):
        reading_level("... ?", "en")
    with pytest.raises(ValueError, match="en and es"):
        reading_level("Bonjour", "fr")
