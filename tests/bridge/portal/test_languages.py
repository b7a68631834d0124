"""Whatever the portal says it says in Spanish too, and the translations hold what they must."""

import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from babel.messages.catalog import Message

from bridge.portal.languages import (
    LANGUAGES,
    catalogues,
    day_in,
    moment_in,
    number_in,
    translations_of,
)
from bridge.portal.visits import environment
from tests.support.portal_words import texts

PLACEHOLDER = re.compile(r"%\(\w+\)s")


def messages() -> list[Message]:
    return [message for _, one in catalogues("es") for message in one if message.id]


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_no_text_is_without_its_translation() -> None:
    known = {message.id for message in messages()}
    used = texts()

    assert len(used) > 50
    assert sorted({f"{text.place}: {text.id}" for text in used if text.id not in known}) == []


def test_no_translation_is_of_a_text_that_is_gone_and_none_stands_twice() -> None:
    used = {text.id for text in texts()}

    assert [message.id for message in messages() if message.id not in used] == []
    assert [i for i, n in Counter(message.id for message in messages()).items() if n > 1] == []


def test_no_translation_is_empty_or_doubtful() -> None:
    assert [m.id for m in messages() if not all(strings(m)) or m.fuzzy] == []
    assert [name for name, one in catalogues("es") if one.num_plurals != 2] == []


def test_what_is_put_into_a_text_is_put_into_its_translation() -> None:
    for message in messages():
        wanted = {frozenset(PLACEHOLDER.findall(text)) for text in ids(message)}
        found = {frozenset(PLACEHOLDER.findall(text)) for text in strings(message)}
        assert found == wanted, message.id


def test_a_text_that_counts_has_its_two_forms() -> None:
    spanish = translations_of("es")
    one, many = "%(num)s referral.", "%(num)s referrals."
    said = [spanish.ngettext(one, many, n) % {"num": n} for n in (0, 1, 2, 21)]

    assert said == ["0 derivaciones.", "1 derivación.", "2 derivaciones.", "21 derivaciones."]


def test_days_times_and_numbers_are_written_as_people_write_them() -> None:
    at = datetime(2026, 11, 27, 19, 5, tzinfo=UTC)

    assert day_in("en", "2026-11-27") == "November 27, 2026"
    assert day_in("es", "2026-11-27") == "27 de noviembre de 2026"
    assert moment_in("en", at, "America/New_York").replace("\u202f", " ") == (
        "November 27, 2026, 2:05 PM"
    )
    assert moment_in("es", at, "America/New_York").startswith("27 de noviembre de 2026, 2:05")
    assert (number_in("en", 12345), number_in("es", 12345)) == ("12,345", "12,345")


@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_what_others_typed_is_neither_mark_up_nor_a_format(lang: str) -> None:
    page = environment(lang).from_string("{{ _(text) }}|{{ _('Page %(page)s', page=text) }}")
    said, put = page.render(text="<b>50% off, 100%").split("|")
    assert said == "&lt;b&gt;50% off, 100%"
    assert put.endswith(" &lt;b&gt;50% off, 100%")
    assert environment(lang).from_string("{{ _(text) }}").render(text="") == ""
