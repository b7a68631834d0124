"""``init``, ``doctor``."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

_SETTINGS = """\
# Settings of one schoolbridge deployment. Each can be overridden by SCHOOLBRIDGE_<NAME>.

# Where records are kept: a SQLite file in this folder, or postgresql+psycopg://user@host/database
database_url = "{database_url}"

# The address partners use, without a slash at the end; access tokens are bound to it.
base_url = "http://127.0.0.1:{port}"

# Where the server listens.
host = "127.0.0.1"
port = {port}

# Keys of identifiers and pseudonyms are derived from this. Keep it secret, never change it: another
# secret means another identifier for every student and referral.
secret = "{secret}"

# Where a district's people sign in (OpenID Connect); one table a district, by its short name.
# The address to come back to, to be registered there, is base_url + /portal/callback.
# [directory.millbrook]
# issuer = "https://login.millbrook.example"
# client_id = "schoolbridge"
# client_secret = "..."
# claim = "roles"
# purposes = ["follow"]
# [directory.millbrook.roles]
# "District Counselor" = "counselor"
"""


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    port: Annotated[int, typer.Option(help="Port the server listens on.")] = 8020,
    database_url: Annotated[str, typer.Option(help="Database.")] = "sqlite:///bridge.sqlite3",
) -> None:
    """Write a new deployment with commented settings."""
    from bridge.errors import SettingsError
    from bridge.settings import FILE_NAME

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE_NAME
    if file.exists():
        raise SettingsError(f"{FILE_NAME} is there already; nothing was changed")
    text = _SETTINGS.format(port=port, database_url=database_url, secret=secrets.token_urlsafe(48))
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    print_line(f"wrote {FILE_NAME}; next: schoolbridge party add, client add, serve")


def doctor(home: Home = Path(), as_json: AsJson = False) -> None:
    """Check the deployment and say what is wrong."""
    from sqlalchemy import text

    from bridge.store.engine import read

    bridge = open_at(home)
    with read(bridge.engine) as connection:
        if bridge.engine.dialect.name == "sqlite":
            version = connection.execute(text("select sqlite_version()")).scalar_one()
            durable = connection.execute(text("pragma synchronous")).scalar_one() == 2
        else:
            version = connection.execute(text("show server_version")).scalar_one()
            durable = connection.execute(text("show synchronous_commit")).scalar_one() == "on"
    result = {
        "database": f"{bridge.engine.dialect.name} {version}",
        "acknowledged_means_on_disk": durable,
    }
    tell(result, as_json=as_json)
    if not durable:
        raise typer.Exit(1)
