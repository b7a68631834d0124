"""SMART scopes: reading both spellings, and cutting what is asked down to what was granted.

Source: SMART App Launch 2.2, *Scopes and Launch Context*: ``system/Type.cruds?param=value``; the
older ``.read`` means ``.rs``, ``.write`` means ``.cud``. A backend service has ``system/`` scopes
only.

Clients ask for what they might need ("one scope for each of twenty types"), so an unknown or
ungranted scope is left out of the answer and is no error (RFC 6749 3.3 allows a narrower grant).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, quote

_FORM: Final = re.compile(
    r"system/(?P<type>\*|[A-Z][A-Za-z]{1,60})\.(?P<acts>[a-z*]{1,6})(?:\?(?P<query>\S{1,500}))?",
    re.ASCII,
)
_OLD: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_MOST: Final = 200


class Interaction(StrEnum):
    """FHIR's restful interactions (code system ``restful-interaction``) that a scope speaks of."""

    CREATE = "create"
    READ = "read"
    VREAD = "vread"
    HISTORY_INSTANCE = "history-instance"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    SEARCH = "search-type"
    HISTORY_TYPE = "history-type"

    @property
    def letter(self) -> str:
        """The letter of the scope that allows it."""
        match self:
            case Interaction.CREATE:
                return "c"
            case Interaction.READ | Interaction.VREAD | Interaction.HISTORY_INSTANCE:
                return "r"
            case Interaction.UPDATE | Interaction.PATCH:
                return "u"
            case Interaction.DELETE:
                return "d"
            case Interaction.SEARCH | Interaction.HISTORY_TYPE:
                return "s"


Limits = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One scope: a resource type or ``*``, letters of ``cruds`` in that order, and limits.

    ``limits`` are search parameters that every resource reached must also match.
    """

    type: str
    acts: str
    limits: Limits = ()

    def __str__(self) -> str:
        query = "&".join(f"{name}={quote(value, safe='|:/,')}" for name, value in self.limits)
        return f"system/{self.type}.{self.acts}{'?' if query else ''}{query}"


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Read a scope parameter, leaving out what is not a system scope we understand."""
    read = (_read(word) for word in text.split(" ")[:_MOST])
    return _merged(scope for scope in read if scope is not None)


def narrowed(asked: Iterable[Scope], granted: Iterable[Scope]) -> tuple[Scope, ...]:
    """Return what both allow. INVARIANT: the result reaches nothing that either does not."""
    held = tuple(granted)
    both = (_both(one, other) for one in asked for other in held)
    return _merged(scope for scope in both if scope is not None)


def spelled(scopes: Iterable[Scope]) -> str:
    """Write scopes as one parameter, in the newer spelling."""
    return " ".join(str(scope) for scope in scopes)


def _read(word: str) -> Scope | None:
    found = _FORM.fullmatch(word)
    if found is None:
        return None
    acts = _OLD.get(found["acts"], found["acts"])
    if re.fullmatch("c?r?u?d?s?", acts) is None:
        return None
    try:
        limits = parse_qsl(found["query"] or "", keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None if found["query"] else Scope(found["type"], acts)
    return Scope(found["type"], acts, tuple(sorted(set(limits))))


def _both(one: Scope, other: Scope) -> Scope | None:
    if "*" not in (one.type, other.type) and one.type != other.type:
        return None
    acts = "".join(letter for letter in one.acts if letter in other.acts)
    kind = other.type if one.type == "*" else one.type
    limits = tuple(sorted({*one.limits, *other.limits}))
    return Scope(kind, acts, limits) if acts else None


def _merged(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    # One scope per type and limits; the letters of several are put together.
    letters: dict[tuple[str, Limits], str] = {}
    for scope in scopes:
        place = (scope.type, scope.limits)
        letters[place] = letters.get(place, "") + scope.acts
    return tuple(
        Scope(kind, "".join(letter for letter in "cruds" if letter in acts), limits)
        for (kind, limits), acts in letters.items()
    )
