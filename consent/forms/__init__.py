"""Forms that families sign, written from the agreement: what each law asks for, in plain words.

Pure, like the rest of the folder. The words are data (``words.csv``, ``sentences.csv``), in English
and Spanish, so that a translator can review them; ``wording-versions.csv`` numbers them.
"""

from consent.forms.passing import FormKind, Passing, passings
from consent.forms.release_form import (
    LANGUAGES,
    Line,
    ReleaseForm,
    Section,
    last_day,
    release_form,
)
from consent.forms.wording import FormError, plain_words

__all__ = [
    "LANGUAGES",
    "FormError",
    "FormKind",
    "Line",
    "Passing",
    "ReleaseForm",
    "Section",
    "last_day",
    "passings",
    "plain_words",
    "release_form",
]
