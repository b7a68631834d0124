"""``init``, ``doctor``."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.database import ABSENT
from bridge.cli.running import AsJson, Home, print_line, tell

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bridge.settings import Settings

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

# What GET /metrics asks for as bearer token, at least 32 characters; without one there is no such
# page, and nothing is counted. Better given as SCHOOLBRIDGE_METRICS_TOKEN.
# metrics_token = "..."

# How many exports of one client may be there at once; one is there for an hour, or until it is
# cancelled. Who begins more is told to wait.
# exports_per_client = 100

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

# A district's own Ed-Fi ODS that is told who is in services (schoolbridge edfi push); one table a
# district. What each line means: docs/operations.md.
# [ods.millbrook]
# resources = "https://ods.millbrook.example/data/v3/ed-fi"
# token = "https://ods.millbrook.example/oauth/token"
# client_id = "..."
# client_secret = "..."
# role = "counselor"
# student_id = "local"
# education_organization = 255901
# program = "Community services"
# program_type = "uri://ed-fi.org/ProgramTypeDescriptor#Counseling Services"

# The mail server that tells people that referrals wait (schoolbridge notifications mail). TLS is
# required; a password is better given as SCHOOLBRIDGE_MAIL_PASSWORD.
# [mail]
# host = "mail.millbrook.example"
# port = 587
# from = "schoolbridge@millbrook.example"
# username = "schoolbridge"

# The gateway that sends text messages to families who want to be told so. What each line means:
# docs/operations.md; the password is better given as SCHOOLBRIDGE_TEXT_PASSWORD.
# [text]
# url = "https://texts.millbrook.example/accounts/42/messages"
# username = "42"
# to = "To"
# words = "Body"
# fields = {{ From = "+12035550100" }}
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
    """Check the deployment and say what is wrong; exit code 1 if anything is."""
    from bridge.settings import read_settings
    from bridge.store.database.copies import absent

    settings = read_settings(home)
    if name := absent(settings.database_url):
        result: dict[str, Any] = {"database": "none", "wrong": [ABSENT.format(name=name)]}
    else:
        result = _examined(settings)
    tell(result, as_json=as_json)
    if result["wrong"]:
        raise typer.Exit(1)


def _examined(settings: "Settings") -> dict[str, Any]:
    from bridge.app import clock_of
    from bridge.ledger.append import head, logs
    from bridge.ledger.clocks import doubt
    from bridge.ledger.halting import halted_logs
    from bridge.migrations.state import WHAT_TO_DO, State, revisions, state_within
    from bridge.store.database.engine import database_time, durability, open_engine, read

    clock = clock_of(settings)
    with read(open_engine(settings.database_url)) as connection:
        current = (state := state_within(connection)) is State.CURRENT
        heads = [head(connection, log) for log in logs(connection)] if current else []
        halted = [each.log for each in halted_logs(connection)] if current else []
        more = _kept_wrong(connection) if current else []
        product, settings_of_it, durable = durability(connection)
        clock.hear(database_time(connection) or clock.real_now())
    said = doubt(max((h.time for h in heads if h.time), default=None), clock)
    wrong = {
        "acknowledged work may be lost in a power cut": not durable,
        WHAT_TO_DO.get(state, ""): not current,
        f"{said}; nothing leaves": bool(said),
        **{f"{log} is halted: schoolbridge ledger halted": True for log in halted},
        **dict.fromkeys(more, True),
    }
    return {
        "database": product,
        "durability": settings_of_it,
        "acknowledged_means_on_disk": durable,
        "tables": f"{state.value}, this version has {revisions()[-1]}",
        "clock": clock.now().isoformat(timespec="seconds"),
        "ledger": {h.log: h.size for h in heads},
        "wrong": [what for what, so in wrong.items() if so],
    }


def _kept_wrong(connection: "Connection") -> list[str]:
    """Return what is wrong with what is kept, each with what to do."""
    from bridge.journeys.running.look_for_faults import faults_of

    return faults_of(connection)
