"""``ledger verify|head``."""

from pathlib import Path

import typer

from bridge.cli.running import AsJson, Home, open_at, tell

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(home: Home = Path(), as_json: AsJson = False) -> None:
    """Recompute every log from its entries; exit code 1 if anything is not as written."""
    from bridge.ledger.append import logs  # noqa: PLC0415
    from bridge.ledger.check import verify_log  # noqa: PLC0415
    from bridge.store.engine import read  # noqa: PLC0415

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
    from bridge.ledger.append import head as head_of  # noqa: PLC0415
    from bridge.ledger.append import logs  # noqa: PLC0415
    from bridge.store.engine import read  # noqa: PLC0415

    with read(open_at(home).engine) as connection:
        heads = [head_of(connection, log) for log in logs(connection)]
    tell({h.log: {"size": h.size, "root": h.root.hex()} for h in heads}, as_json=as_json)
