"""The words of the forms, by key and language; and the number of each wording."""

import csv
import io
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

LANGUAGES = ("en", "es")


class FormError(ValueError):
    """A form that cannot be written from an agreement; the text says what is missing."""


@cache
def plain_words(lang: str) -> Mapping[str, str]:
    """Return what elements and purposes are called, by ``element:ID`` and ``purpose:ID``.

    Raises:
        KeyError: for a language the table does not have.
    """
    return {row["key"]: row[lang] for row in _rows("words.csv")}


@cache
def sentences(lang: str) -> Mapping[str, str]:
    """Return the sentences of the forms by key.

    Raises:
        KeyError: for a language the table does not have.
    """
    return {row["key"]: row[lang] for row in _rows("sentences.csv")}


def word_of(key: str, lang: str) -> str:
    """Return what one thing is called.

    Raises:
        FormError: it has no words: nobody can agree to what is not said.
    """
    try:
        return plain_words(lang)[key]
    except KeyError:
        raise FormError(f"{key} has no words in {lang}; add them to forms/words.csv") from None


@cache
def wording() -> str:
    """Return the number of the wording in use."""
    return _rows("wording-versions.csv")[-1]["version"]


def wording_digest() -> str:
    """Return the SHA-256 of both tables of words, which ``wording-versions.csv`` names."""
    text = "".join(_text(name) for name in ("words.csv", "sentences.csv"))
    return sha256(text.encode()).hexdigest()


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_text(name))))


def _text(name: str) -> str:
    return files("consent.forms").joinpath(name).read_text(encoding="utf-8")
