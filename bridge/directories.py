"""The sign-ins of districts, as a deployment's settings describe them.

A district's people sign in where they always do (OpenID Connect); what the directory says of a
person there decides which of the agreement's roles they act in here. One table a district::

    [directory.millbrook]                      # the organisation's short name
    issuer = "https://login.millbrook.example"
    client_id = "schoolbridge"
    client_secret = "..."                      # left out where the sign-in wants none
    claim = "roles"                            # of the id_token: a text or a list of texts
    purposes = ["follow"]

    [directory.millbrook.roles]                # what it says = role in the agreement
    "District Counselor" = "counselor"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.errors import SettingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_KNOWN = {"issuer", "client_id", "client_secret", "claim", "purposes", "roles"}


@dataclass(frozen=True, slots=True)
class Directory:
    """One district's sign-in.

    Attributes:
        name: short name of the organisation whose people sign in there.
        issuer: its identifier, compared character by character.
        client_id, client_secret: how the bridge is registered there; no secret is "".
        claim: the claim of the id_token that says what a person is.
        roles: role in the agreement by what the claim says; in the order of preference.
        purposes: purposes of use of every person.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    roles: tuple[tuple[str, str], ...]
    purposes: tuple[str, ...]


def read_directories(tables: object) -> tuple[Directory, ...]:
    """Read the ``directory`` tables of the settings.

    Raises:
        SettingsError: something is missing, unknown or out of range; the message names it.
    """
    if not isinstance(tables, Mapping):
        raise SettingsError("directory: write one table [directory.NAME] a district")
    return tuple(_read(str(name), table) for name, table in tables.items())


def is_loopback(url: str) -> bool:
    """Tell whether an address is one of this machine."""
    return urlsplit(url).hostname in LOOPBACK


def is_protected(url: str) -> bool:
    """Tell whether an address begins with https://, or is one of this machine."""
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and is_loopback(url)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc and (parts.scheme == "https" or local)


def _read(name: str, table: object) -> Directory:
    place = f"directory.{name}"
    if not _NAME.fullmatch(name) or not isinstance(table, Mapping):
        raise SettingsError(
            f"{place}: a district's table has its short name, of letters and digits"
        )
    if unknown := sorted(set(table) - _KNOWN):
        raise SettingsError(f"{place}: unknown setting {unknown[0]}")
    issuer = _text(place, table, "issuer")
    _check_issuer(place, issuer)
    return Directory(
        name=name,
        issuer=issuer,
        client_id=_text(place, table, "client_id"),
        client_secret=_text(place, table, "client_secret", ""),
        claim=_text(place, table, "claim", "roles"),
        roles=_roles(place, table.get("roles")),
        purposes=_purposes(place, table.get("purposes", ["follow"])),
    )


def _text(place: str, table: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = table.get(name, default)
    if not isinstance(value, str) or (not value and default is None):
        raise SettingsError(f"{place}.{name}: write a text")
    return value


def _check_issuer(place: str, issuer: str) -> None:
    if not is_protected(issuer) or "?" in issuer or "#" in issuer:
        raise SettingsError(f"{place}.issuer: an address that begins with https://, without ? or #")


def _roles(place: str, roles: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(roles, Mapping) or not roles:
        raise SettingsError(f"{place}.roles: say which role each entry of the claim stands for")
    if not all(isinstance(role, str) and role for role in roles.values()):
        raise SettingsError(f"{place}.roles: a role is a text")
    return tuple((str(said), str(role)) for said, role in roles.items())


def _purposes(place: str, purposes: object) -> tuple[str, ...]:
    words = purposes if isinstance(purposes, list) else []
    if not words or not all(isinstance(word, str) and word.isascii() for word in words):
        raise SettingsError(f"{place}.purposes: a list of purposes of use")
    if any(not word or " " in word for word in words):
        raise SettingsError(f"{place}.purposes: a purpose is one word")
    return tuple(words)
