"""The portal's languages: gettext catalogues, dates and numbers as people there write them.

English stands in the code and the templates. Another language is ``locale/LANG/LC_MESSAGES``: every
``.po`` file in it, one for each part of the portal, so that a translator reviews one at a time.
They are read when the bridge starts; nothing compiled is kept.
"""

import gettext
import io
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from jinja2 import Environment
from markupsafe import Markup, escape

LANGUAGES = {"en": "English", "es": "Español"}
_PLACES = {"en": "en_US", "es": "es_US"}


def say(text: str) -> str:
    """Mark a text of the code as one to translate; templates show it with ``_()``."""
    return text


def catalogues(lang: str) -> Iterator[tuple[str, Catalog]]:
    """Yield each catalogue of a language with the name of its file."""
    folder = files("bridge.portal").joinpath("locale", lang, "LC_MESSAGES")
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        if path.name.endswith(".po"):
            with path.open("rb") as file:
                yield path.name, read_po(file, locale=lang)


@cache
def translations_of(lang: str) -> gettext.NullTranslations:
    """Return the words of a language."""
    if lang == "en":
        return gettext.NullTranslations()
    whole = Catalog(locale=lang)
    for _, catalogue in catalogues(lang):
        # How many plural forms there are is the translator's word, in the head of the file.
        whole.mime_headers = catalogue.mime_headers
        for message in catalogue:
            _add(whole, message)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def speak(templates: Environment, lang: str) -> None:
    """Let templates say texts in a language, with ``_()`` and ``ngettext()``.

    INVARIANT: no text is mark-up, and none is a format unless something is put into it. The name of
    a service, which a provider types, may stand where a text of ours does.
    """
    translations = translations_of(lang)

    def said(text: str, **values: object) -> Markup:
        told = escape(translations.gettext(text) if text else "")
        return told % values if values else told

    def counted(one: str, many: str, num: int, **values: object) -> Markup:
        return escape(translations.ngettext(one, many, num)) % {"num": num, **values}

    templates.install_gettext_callables(said, counted, newstyle=False)  # type: ignore[attr-defined] # of the i18n extension
    templates.globals["_"] = said  # itself: the extension's looks it up by name each time


def _add(whole: Catalog, message: Message) -> None:
    if message.id:
        whole.add(message.id, message.string, flags=message.flags, context=message.context)


# A page has the same few days in all its rows, and putting one together takes as long as a row.
@lru_cache(maxsize=4096)
def day_in(lang: str, value: date | str) -> str:
    """Return a day in words: ``November 27, 2026``, ``27 de noviembre de 2026``."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(day, "long", locale=_PLACES[lang])


@lru_cache(maxsize=4096)
def short_day_in(lang: str, value: date | str) -> str:
    """Return a day for a narrow column, its month a word: ``Nov 27, 2026``."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(day, "medium", locale=_PLACES[lang])


def moment_in(lang: str, at: datetime, zone: str) -> str:
    """Return an instant in words, by the clocks of a zone."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{day_in(lang, local.date())}, {format_time(local, 'short', locale=_PLACES[lang])}"


@lru_cache(maxsize=1024)
def number_in(lang: str, value: int) -> str:
    """Return a number with the separators of a language."""
    return format_decimal(value, locale=_PLACES[lang])
