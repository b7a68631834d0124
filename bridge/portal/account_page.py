"""The accounting of disclosures as a page a family can read, in English or Spanish.

One file without scripts or addresses, to print or to send. The words are data
(``account-words.csv``; elements and purposes are called as on the forms a family signs), so that a
translator can review them.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, select_autoescape

from bridge.gate.released import ReleasedAccount
from bridge.portal.languages import day_in, moment_in
from consent.forms import plain_words

LANGUAGES = ("en", "es")


@cache
def account_words(lang: str) -> Mapping[str, str]:
    """Return the words of one language by key.

    Raises:
        KeyError: for a language the table does not have.
    """
    text = files("bridge.portal").joinpath("account-words.csv").read_text(encoding="utf-8")
    own = {row["key"]: row[lang] for row in csv.DictReader(io.StringIO(text))}
    return {**own, **plain_words(lang)}


def account_page(account: ReleasedAccount, lang: str = "en") -> str:
    """Return the page; takes only what the gate released.

    An id that has no words yet is shown as it is: hiding a line would be worse.

    Raises:
        KeyError: for a language the table does not have.
    """
    words, made = account_words(lang), account.asked_at.astimezone(ZoneInfo(account.tz))

    def say(key: str) -> str:
        return words.get(key, key.partition(":")[2] or key)

    def moment(at: datetime) -> str:
        return moment_in(lang, at, account.tz)

    def day(on: date | str) -> str:
        return day_in(lang, on)

    page, told = _pages().get_template("account.html"), {"say": say, "moment": moment, "day": day}
    return page.render(account=account, lang=lang, made=made.date(), **told)


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("bridge.portal", "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
