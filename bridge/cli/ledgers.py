"""``ledger verify|head|halted|remember|resume|mend|events|requests``; the rest: evidence.py."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.ledger.halting import Halted, KnownHead

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(home: Home = Path(), as_json: AsJson = False) -> None:
    """Recompute every log from its entries; exit code 1 if anything is not as written."""
    from bridge.ledger.append import logs
    from bridge.ledger.check import verify_log
    from bridge.store.database.engine import read

    with read(open_at(home).engine) as connection:
        reports = {log: verify_log(connection, log) for log in logs(connection)}
    result = {
        log: {
            "entries": r.size,
            "root": r.root.hex(),
            "verified": r.sound,
            "faults": [str(f) for f in r.findings],
        }
        for log, r in reports.items()
    }
    tell(result, as_json=as_json)
    if not all(report.sound for report in reports.values()):
        raise typer.Exit(1)


@app.command()
def head(
    home: Home = Path(),
    sign: Annotated[
        bool, typer.Option("--sign", help="As signed notes (C2SP), with the bridge's key.")
    ] = False,
    log: Annotated[str, typer.Option(help="Of one agreement alone, by its id.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how far each log has grown, and its root; signed, what a party can keep and check."""
    from bridge.cli.evidence import tell_signed_heads
    from bridge.ledger.append import head as head_of
    from bridge.ledger.append import logs
    from bridge.store.database.engine import read

    if sign:
        tell_signed_heads(home, log, as_json=as_json)
        return
    with read(open_at(home).engine) as connection:
        heads = [head_of(connection, each) for each in logs(connection) if log in ("", each)]
    tell({h.log: {"size": h.size, "root": h.root.hex()} for h in heads}, as_json=as_json)


@app.command()
def halted(home: Home = Path(), as_json: AsJson = False) -> None:
    """Show the logs under which nothing leaves, and why; exit code 1 if there are any."""
    tell_halted(halted_at(home), as_json=as_json)


@app.command()
def remember(
    file: Annotated[
        Path, typer.Argument(help="What `ledger head --json` printed, or our signed note.")
    ],
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Compare the ledger with heads that a party kept; exit code 1 if a log is not what it was."""
    from bridge.journeys.running.keep_heads import remember as compare_with
    from bridge.parts import parts_of

    heads = heads_in(file, home)
    bridge = open_at(home)
    found = compare_with(parts_of(bridge), bridge.settings.heads_file, heads)
    tell_halted(found, as_json=as_json)


@app.command()
def resume(
    log: Annotated[str, typer.Argument(help="The agreement's id.")],
    by: Annotated[str, typer.Option(help="Who decides so.")],
    revocations_entered: Annotated[
        bool,
        typer.Option(
            "--revocations-entered",
            help="Every revocation, order and refusal since the copy was taken is entered again.",
        ),
    ] = False,
    home: Home = Path(),
) -> None:
    """Let a halted log go on although entries are lost for good; the ledger says who decided it."""
    from bridge.errors import BridgeError
    from bridge.journeys.running.keep_heads import accept_loss
    from bridge.parts import parts_of

    if not revocations_entered:
        raise BridgeError(
            "first enter every revocation since the copy was taken; then add --revocations-entered"
        )
    bridge = open_at(home)
    receipt = accept_loss(parts_of(bridge), bridge.settings.heads_file, log, by)
    print_line(f"{receipt} says so; give every party the new head: schoolbridge ledger head --json")


@app.command()
def mend(
    log: Annotated[str, typer.Argument(help="The agreement's id.")],
    home: Home = Path(),
) -> None:
    """Write inner hashes that a log lacks anew, where `ledger verify` finds nothing else wrong."""
    from bridge.journeys.running.keep_heads import keep_heads
    from bridge.ledger.mending import mend as write_missing
    from bridge.parts import parts_of
    from bridge.store.database.engine import write

    bridge = open_at(home)
    with write(bridge.engine) as connection:
        count = write_missing(connection, log)
    print_line(f"{count} hashes written; compared with the heads known:")
    tell_halted(keep_heads(parts_of(bridge), bridge.settings.heads_file), as_json=False)


def heads_in(file: Path, home: Path) -> "dict[str, KnownHead]":
    """Return the heads a file holds: of all logs as JSON, or the note of one that we signed.

    Raises:
        BridgeError: it is not there, is neither, or the note is not signed with our key.
    """
    from bridge.errors import BridgeError
    from bridge.ledger.verifier import Refused
    from bridge.ledger.witness import read_heads

    try:
        text = file.read_bytes()
        return _in_note(text.decode(), home) if b"\n\n" in text else read_heads(text)
    except FileNotFoundError:
        raise BridgeError(f"{file.name} is not there") from None
    except (ValueError, Refused) as error:
        raise BridgeError(f"{file.name}: {error}") from None


def _in_note(text: str, home: Path) -> "dict[str, KnownHead]":
    from bridge.ledger.halting import KnownHead
    from bridge.ledger.keys import signer_in
    from bridge.ledger.notes import head_in
    from bridge.settings import read_settings

    log, seen = head_in(text, signer_in(read_settings(home).ledger_key_file))
    return {log: KnownHead(seen.size, seen.root)}


def halted_at(home: Path) -> "list[Halted]":
    """Return the logs that are halted, compared with the heads known when the bridge was opened."""
    from bridge.ledger.halting import halted_logs
    from bridge.store.database.engine import read

    with read(open_at(home).engine) as connection:
        return halted_logs(connection)


def tell_halted(found: "list[Halted]", *, as_json: bool) -> None:
    """Say which logs are halted; exit code 1 if any is."""
    said = {
        each.log: {"entries": each.size, "entries_known_to_others": each.known_size}
        for each in found
    }
    tell(said or "nothing is halted", as_json=as_json)
    if said:
        raise typer.Exit(1)


@app.command()
def events(
    log: Annotated[str, typer.Argument(help="The agreement's id.")],
    out: Annotated[Path, typer.Option(help="The NDJSON file to write.")],
    home: Home = Path(),
) -> None:
    """Write FHIR AuditEvents (IHE BALP) of what left and what was withheld, for an auditor."""
    from bridge.gate.accounts.audit_events import audit_events
    from bridge.parts import parts_of
    from bridge.store.database.engine import read

    parts, count = parts_of(open_at(home)), 0
    with read(parts.engine) as connection, out.open("wb") as file:
        for event in audit_events(connection, parts.identifiers, log):
            file.write(event.body + b"\n")
            count += 1
    print_line(f"{count} events written to {out.name}")


@app.command()
def requests(home: Home = Path()) -> None:
    """Enter what was asked for and not given; an account does so by itself."""
    from bridge.gate.accounts.requests import enter_requests
    from bridge.parts import parts_of
    from bridge.store.database.engine import write

    parts = parts_of(open_at(home))
    with write(parts.engine) as connection:
        count = enter_requests(connection, parts)
    print_line(f"{count} requests entered")
