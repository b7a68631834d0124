"""The list of bridges a hub collects from.

In TOML::

[bridge.millbrook]
fhir-base = "https://bridge.millbrook.example/fhir"
client-id = "state-hub"
group = "all"                # optional
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.errors import SettingsError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NEEDED: Final = ("fhir-base", "client-id")


@dataclass(frozen=True, slots=True)
class Source:
    """One bridge: its name in the hub's folder, where it is, who the hub is there."""

    name: str
    fhir_base: str
    client_id: str
    group: str = ""


def read_bridges(file: Path) -> list[Source]:
    """Return the bridges of a list, in its order.

    Raises:
        SettingsError: the list cannot be read; the text says where.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{file.name}: there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file.name} is not valid TOML: {error}") from None
    tables = raw.get("bridge")
    if set(raw) != {"bridge"} or not isinstance(tables, dict):
        raise SettingsError(f"{file.name}: give each bridge a table [bridge.NAME], nothing else")
    return [_source(file, name, table) for name, table in tables.items()]


def _source(file: Path, name: str, table: Any) -> Source:  # noqa: ANN401 - as TOML reads it
    where = f"{file.name}, bridge {name}"
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: a name has small letters, digits and hyphens")
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise SettingsError(f"{where}: every value is a text")
    if missing := [key for key in _NEEDED if not table.get(key)]:
        raise SettingsError(f"{where}: {missing[0]} is missing")
    if unknown := sorted(set(table) - {*_NEEDED, "group"}):
        raise SettingsError(f"{where}: unknown setting {unknown[0]}")
    base = table["fhir-base"].rstrip("/")
    return Source(name, base, table["client-id"], table.get("group", ""))
