"""The operator's gateway for text messages: a web address that takes a number and a few words.

What nearly every provider of text messages has, in one table; a provider with fields ``To`` and
``Body``, as a form, under a name and a password::

    [text]
    url = "https://texts.millbrook.example/accounts/42/messages"
    username = "42"                                # or token = "...": sent as a bearer token
    password = "..."
    to = "To"                                      # the field of the number
    words = "Body"                                 # the field of the words
    fields = { From = "+12035550100" }             # sent along each time
    json = false                                   # true: one JSON object in place of a form
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.directories import is_protected
from bridge.errors import SettingsError

_TEXTS: Final = ("url", "username", "password", "token", "to", "words")
_KNOWN: Final = frozenset({*_TEXTS, "fields", "json"})


@dataclass(frozen=True, slots=True)
class TextGateway:
    """What sends text messages, and what it wants to be told.

    Attributes:
        url: where a message is posted to; it may hold an account.
        to, words: names of the fields of the number and of the words.
        fields: what is sent along each time, such as the number it comes from.
        json: whether one JSON object is sent in place of a form.
    """

    url: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    to: str = "To"
    words: str = "Body"
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: bool = False


def read_text_gateway(table: object, secrets: Mapping[str, str]) -> TextGateway | None:
    """Read the ``text`` table of the settings; None if there is none.

    Args:
        table: as it is written.
        secrets: a password or a token that stands in its place.

    Raises:
        SettingsError: something is missing, unknown or out of range; the message names it.
    """
    if table is None:
        return None
    if not isinstance(table, Mapping) or set(table) - _KNOWN:
        raise SettingsError(f"text: write {', '.join(sorted(_KNOWN))} and nothing else")
    told = {"to": "To", "words": "Body", **table, **secrets}
    texts = {name: told.get(name, "") for name in _TEXTS}
    fields, json = told.get("fields", {}), told.get("json", False)
    if wrong := next(_wrong(texts, fields, json), ""):
        raise SettingsError(wrong)
    return TextGateway(**texts, fields=dict(fields), json=json)


def _wrong(texts: Mapping[str, object], fields: object, json: object) -> Iterator[str]:
    for name, value in texts.items():
        if not isinstance(value, str):
            yield f"text.{name}: write a text"
    if not is_protected(str(texts["url"])):
        yield "text.url: an address that begins with https://"
    if bool(texts["token"]) == bool(texts["username"]):
        yield "text: write a token, or a username and its password"
    if not isinstance(json, bool):
        yield "text.json: true or false"
    if not isinstance(fields, Mapping) or not all(isinstance(v, str) for v in fields.values()):
        yield "text.fields: names and texts"
    if len({"", texts["to"], texts["words"]}) < 3:
        yield "text.to and text.words: two names"
