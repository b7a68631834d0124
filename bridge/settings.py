"""One frozen set of settings, read once and passed in; nothing else reads the environment.

A deployment is a folder with ``schoolbridge.toml`` (``schoolbridge init DIR`` writes a commented
one). Each setting can be overridden by ``SCHOOLBRIDGE_<NAME>`` in the environment.
"""

import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.directories import (
    LOOPBACK,
    Directory,
    is_loopback,
    is_protected,
    read_directories,
)
from bridge.errors import SettingsError
from bridge.information_systems import InformationSystem, read_information_systems
from bridge.text_gateways import TextGateway, read_text_gateway

FILE_NAME = "schoolbridge.toml"
EXPORTS_PER_CLIENT = 100
"""Far more than a client that waits for one before it begins the next; an export lasts an hour."""
MOST_EXPORTS = 10_000
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's mail server; ``sender`` is the address mails come from."""

    host: str
    port: int
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment decides.

    Attributes:
        home: the deployment's folder; relative paths below are relative to it.
        database_url: ``sqlite:///bridge.sqlite3`` (relative to home) or ``postgresql+psycopg://``.
        base_url: the address clients use, without a trailing slash; tokens are bound to it.
        host, port: where ``serve`` listens.
        secret: at least 32 characters; keys of identifiers and pseudonyms are derived from it.
            INVARIANT: changing it changes every identifier the bridge issues.
        demo_start, demo_began: the demo's clock read ``demo_start`` when it really was
            ``demo_began`` (ISO 8601); both empty for real time.
        directories: the sign-ins of districts (:mod:`bridge.directories`).
        information_systems: the student information systems that are told who is in services.
        mail: the mail server; without one no mail is sent.
        text: the gateway of text messages; without one none is sent, and no family is asked by one.
        metrics_token: what ``GET /metrics`` asks for; empty for none, and then nothing is counted.
        exports_per_client: how many exports of one client may be there at once.
        development_issuer: serve a sign-in that lets anybody in as anybody; for the demo alone.
    """

    home: Path
    database_url: str = field(repr=False)  # it may hold a password
    base_url: str
    host: str
    port: int
    secret: str = field(repr=False)
    demo_start: str = ""
    demo_began: str = ""
    directories: tuple[Directory, ...] = ()
    information_systems: tuple[InformationSystem, ...] = ()
    development_issuer: bool = False
    mail: MailServer | None = None
    text: TextGateway | None = None
    metrics_token: str = field(default="", repr=False)
    exports_per_client: int = EXPORTS_PER_CLIENT

    @property
    def local(self) -> bool:
        """Whether the bridge is served to this machine alone: a demonstration or a test."""
        return _local(self.host, self.base_url)

    @property
    def fhir_base(self) -> str:
        """The FHIR service base URL."""
        return f"{self.base_url}/fhir"

    @property
    def heads_file(self) -> Path:
        """The file that keeps the heads of the ledger outside of the database."""
        return self.home / "ledger-heads.json"

    @property
    def signing_key_file(self) -> Path:
        """The key that signs what the bridge sends; its public half is published."""
        return self.home / "signing-key.json"

    @property
    def ledger_key_file(self) -> Path:
        """The key that signs the heads of the ledger; made when it is first asked for."""
        return self.home / "ledger-key.json"

    @property
    def metrics_folder(self) -> Path:
        """Where the processes of one server keep what they counted, while it runs."""
        return self.home / "metrics"

    @property
    def calendars_folder(self) -> Path:
        """The folder of the districts' closures, ``KEY.csv`` each."""
        return self.home / "calendars"


def read_settings(home: Path) -> Settings:
    """Read the settings of the deployment in ``home``.

    Raises:
        SettingsError: no file, not TOML, a setting missing, unknown or out of range.
    """
    path = home / FILE_NAME
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"no {FILE_NAME} here; make one with: schoolbridge init DIR") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE_NAME} is not valid TOML: {error}") from None
    directories = read_directories(raw.pop("directory", {}))
    systems = read_information_systems(raw.pop("ods", {}))
    mail = _mail(raw.pop("mail", None))
    text = read_text_gateway(raw.pop("text", None), _secrets_of_text())
    known = {"database_url", "base_url", "host", "port", "secret", "demo_start", "demo_began"}
    known |= {"development_issuer", "metrics_token", "exports_per_client"}
    if unknown := sorted(set(raw) - known):
        raise SettingsError(f"{FILE_NAME}: unknown setting {unknown[0]}")
    values = {name: _overridden(name, raw.get(name, "")) for name in known}
    checked = _checked(home, values)
    return replace(
        checked, directories=directories, information_systems=systems, mail=mail, text=text
    )


def _mail(written: object) -> MailServer | None:
    if written is None:
        return None
    known = {"host", "port", "from", "username", "password"}
    if not isinstance(written, dict) or set(written) - known or "from" not in written:
        raise SettingsError(f"{FILE_NAME}: [mail] has host, port, from, username and password")
    host, port, sender = written.get("host"), written.get("port", 587), written["from"]
    if not host or not isinstance(port, int) or not 0 < port < 65536 or "@" not in str(sender):
        raise SettingsError(f"{FILE_NAME}: [mail] needs a host, a port, and an address as from")
    login = (
        _overridden(f"mail_{name}", written.get(name, "")) for name in ("username", "password")
    )
    return MailServer(str(host), port, str(sender), *login)


def _secrets_of_text() -> dict[str, str]:
    named = {name: _overridden(f"text_{name}", "") for name in ("password", "token")}
    return {name: value for name, value in named.items() if value}


def _overridden(name: str, written: object) -> str:
    return os.environ.get(f"SCHOOLBRIDGE_{name.upper()}", str(written))  # noqa: TID251 - settings may be overridden there


def _checked(home: Path, values: dict[str, str]) -> Settings:
    for name in ("database_url", "base_url", "host", "port", "secret"):
        if not values[name]:
            raise SettingsError(f"{FILE_NAME}: setting {name} is missing")
    if len(values["secret"]) < 32:
        raise SettingsError(f"{FILE_NAME}: secret must have at least 32 characters")
    if values["metrics_token"] and not _TOKEN.fullmatch(values["metrics_token"]):
        raise SettingsError(f"{FILE_NAME}: metrics_token is 32 letters or digits, - or _, or more")
    if not values["port"].isdecimal() or int(values["port"]) > 65535:
        raise SettingsError(f"{FILE_NAME}: port must be a number from 0 to 65535")
    if not is_protected(values["base_url"]):
        raise SettingsError(
            f"{FILE_NAME}: base_url begins with https:// (http:// on loopback only)"
        )
    if values["demo_start"] and values["host"] not in LOOPBACK:
        raise SettingsError(f"{FILE_NAME}: demo_start is for a bridge on loopback only")
    return Settings(
        home=home,
        database_url=_absolute(home, values["database_url"]),
        base_url=values["base_url"].rstrip("/"),
        host=values["host"],
        port=int(values["port"]),
        secret=values["secret"],
        demo_start=values["demo_start"],
        demo_began=values["demo_began"],
        development_issuer=_development(values),
        metrics_token=values["metrics_token"],
        exports_per_client=_exports(values["exports_per_client"]),
    )


def _exports(written: str) -> int:
    if not written:
        return EXPORTS_PER_CLIENT
    if not written.isdecimal() or not 0 < int(written) <= MOST_EXPORTS:
        raise SettingsError(f"{FILE_NAME}: exports_per_client is a number from 1 to {MOST_EXPORTS}")
    return int(written)


def _development(values: dict[str, str]) -> bool:
    written = values["development_issuer"].lower()
    if written not in ("", "false", "true"):
        raise SettingsError(f"{FILE_NAME}: development_issuer is true or false")
    local = _local(values["host"], values["base_url"])
    if written == "true" and not (local and values["demo_start"]):
        raise SettingsError(f"{FILE_NAME}: development_issuer is for the demo on loopback only")
    return written == "true"


def _local(host: str, base_url: str) -> bool:
    return host in LOOPBACK and is_loopback(base_url)


def _absolute(home: Path, url: str) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((home / url.removeprefix(prefix)).resolve())
    return url
