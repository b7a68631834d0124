"""``ledger verify|head|events|requests``."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(home: Home = Path(), as_json: AsJson = False) -> None:
    """Recompute every log from its entries; exit code 1 if anything is not as written."""
    from bridge.ledger.append import logs
    from bridge.ledger.check import verify_log
    from bridge.store.engine import read

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
def head(home: Home = Path(), as_json: AsJson = False) -> None:
    """Show how far each log has grown, and its root."""
    from bridge.ledger.append import head as head_of
    from bridge.ledger.append import logs
    from bridge.store.engine import read

    with read(open_at(home).engine) as connection:
        heads = [head_of(connection, log) for log in logs(connection)]
    tell({h.log: {"size": h.size, "root": h.root.hex()} for h in heads}, as_json=as_json)


@app.command()
def events(
    log: Annotated[str, typer.Argument(help="The agreement's id.")],
    out: Annotated[Path, typer.Option(help="The NDJSON file to write.")],
    home: Home = Path(),
) -> None:
    """Write FHIR AuditEvents (IHE BALP) of what left and what was withheld, for an auditor."""
    from bridge.gate.audit_events import audit_events
    from bridge.parts import parts_of
    from bridge.store.engine import read

    parts, count = parts_of(open_at(home)), 0
    with read(parts.engine) as connection, out.open("wb") as file:
        for event in audit_events(connection, parts.identifiers, log):
            file.write(event.body + b"\n")
            count += 1
    print_line(f"{count} events written to {out.name}")


@app.command()
def requests(home: Home = Path()) -> None:
    """Enter what was asked for and not given; an account does so by itself."""
    from bridge.gate.requests import enter_requests
    from bridge.parts import parts_of
    from bridge.store.engine import write

    parts = parts_of(open_at(home))
    with write(parts.engine) as connection:
        count = enter_requests(connection, parts)
    print_line(f"{count} requests entered")
