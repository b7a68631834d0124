"""``jobs list|show|cancel``: exports that partners have begun.

What an export was filtered by is counted, not shown: a filter may name a person.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.store.export_jobs import ExportJob

app = typer.Typer(no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="Id of the job, as jobs list prints it.")]


@app.command("list")
def list_all(home: Home = Path(), as_json: AsJson = False) -> None:
    """List the exports whose files can be read now: whose they are, of what, until when."""
    from bridge.store.engine import read
    from bridge.store.export_jobs import jobs_at

    bridge = open_at(home)
    with read(bridge.engine) as connection:
        rows = [_row(job) for job in jobs_at(connection, bridge.clock.now())]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {row[name]}" for name in ("job", "client", "expires")))


@app.command()
def show(job_id: JobId, home: Home = Path(), as_json: AsJson = False) -> None:
    """Show one export."""
    from bridge.errors import BridgeError
    from bridge.store.engine import read
    from bridge.store.export_jobs import jobs_at

    bridge = open_at(home)
    with read(bridge.engine) as connection:
        found = [job for job in jobs_at(connection, bridge.clock.now()) if job.id == job_id]
    if not found:
        raise BridgeError("there is no such job; see: schoolbridge jobs list")
    tell(_row(found[0]), as_json=as_json)


@app.command()
def cancel(job_id: JobId, home: Home = Path()) -> None:
    """Cancel an export: its manifest and its files are gone for its client."""
    from bridge.errors import BridgeError
    from bridge.store.engine import write
    from bridge.store.export_jobs import drop_any_job

    with write(open_at(home).engine) as connection:
        if not drop_any_job(connection, job_id):
            raise BridgeError("there is no such job; see: schoolbridge jobs list")
    print_line("cancelled")


def _row(job: "ExportJob") -> dict[str, object]:
    instants = {"since": job.since, "until": job.until}
    return {
        "job": job.id,
        "client": job.client_id,
        "organization": job.organization,
        "types": job.types.split(),
        **{name: at.isoformat() for name, at in instants.items() if at},
        "filters": len(job.filters.splitlines()),
        "begun": job.created_at.isoformat(),
        "expires": job.expires_at.isoformat(),
    }
