"""``jobs list|show|cancel|replay``: exports that partners have begun; ``jobs pages|ready``: lists.

What an export was filtered by is counted, not shown: a filter may name a person.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.context import Bridge
    from bridge.journeys.partners.watch_exports import Watched

app = typer.Typer(no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="Id of the job, as jobs list prints it.")]
Watch = Annotated[bool, typer.Option("--watch", help="Stay, and show how it comes on.")]
_LOOKS: Final = 0.5  # seconds between two looks at a job that is watched
_LISTED: Final = ("job", "client", "state", "progress", "expires")


@app.command("list")
def list_all(home: Home = Path(), as_json: AsJson = False) -> None:
    """List exports: whose they are, how they stand, until when their files can be read.

    One that has expired is kept for a day more: it can be replayed.
    """
    from bridge.journeys.partners.watch_exports import watched
    from bridge.store.database.engine import read

    bridge = open_at(home)
    with read(bridge.engine) as connection:
        rows = [row_of(each) for each in watched(connection, bridge.clock.now())]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {row[name]}" for name in _LISTED))


@app.command()
def show(job_id: JobId, home: Home = Path(), as_json: AsJson = False, watch: Watch = False) -> None:
    """Show one export, and how far it has come."""
    bridge = open_at(home)
    found = _look(bridge, job_id)
    if watch:
        found = _stay(bridge, found)
    tell(row_of(found), as_json=as_json)


@app.command()
def cancel(job_id: JobId, home: Home = Path()) -> None:
    """Cancel an export: its manifest and its files are gone for its client."""
    from bridge.errors import BridgeError
    from bridge.store.database.engine import write
    from bridge.store.partners.export_jobs import drop_any_job

    with write(open_at(home).engine) as connection:
        if not drop_any_job(connection, job_id):
            raise BridgeError("there is no such job; see: schoolbridge jobs list")
    print_line("cancelled")


@app.command()
def replay(job_id: JobId, home: Home = Path()) -> None:
    """Let an export that broke off or expired be fetched again at its address, decided anew."""
    from bridge.journeys.partners.watch_exports import replay_export
    from bridge.store.database.engine import write

    bridge = open_at(home)
    with write(bridge.engine) as connection:
        again = replay_export(connection, job_id, bridge.clock.now())
    print_line(f"can be fetched again until {again.expires_at.isoformat(timespec='seconds')}")


@app.command()
def pages(home: Home = Path(), as_json: AsJson = False) -> None:
    """List whose pages are kept ready: how many referrals, and how many students are left to do."""
    from bridge.store.database.engine import read
    from bridge.store.people.follow_work import how_far

    with read(open_at(home).engine) as connection:
        kept = how_far(connection)
    rows: list[dict[str, object]] = [
        {
            "pages_of": each.whose.replace("|", " "),
            "referrals": each.lines,
            "students_left": each.due,
            "as_of": each.at.isoformat(timespec="seconds"),
        }
        for each in kept
    ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name.replace('_', ' ')}: {said}" for name, said in row.items()))


@app.command()
def ready(home: Home = Path(), as_json: AsJson = False) -> None:
    """Make every list of referrals ready now, so that nobody waits who opens one.

    A server does so by itself every few seconds; an import and `db upgrade` do so at their end.
    """
    from bridge.cli.ready import pages_ready

    tell({"students_made_ready": pages_ready(open_at(home))}, as_json=as_json)


def _look(bridge: "Bridge", job_id: str) -> "Watched":
    from bridge.journeys.partners.watch_exports import watched_one
    from bridge.store.database.engine import read

    with read(bridge.engine) as connection:
        return watched_one(connection, job_id, bridge.clock.now())


def _stay(bridge: "Bridge", found: "Watched") -> "Watched":
    """Look again and again until the export is whole, or will not be without somebody."""
    from rich.console import Console
    from rich.progress import Progress

    # On standard error: the last look goes to standard output, for machines as well.
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        while True:
            bar.update(task, completed=found.part, description=f"{found.state}, {found.progress}")
            if found.state not in ("waiting", "sending"):
                return found
            time.sleep(_LOOKS)
            found = _look(bridge, found.job.id)


def row_of(found: "Watched") -> dict[str, object]:
    """Return what is told of an export."""
    job = found.job
    instants = {"since": job.since, "until": job.until, "estimated_end": found.ends_at}
    return {
        "job": job.id,
        "client": job.client_id,
        "organization": job.organization,
        "types": job.types.split(),
        "filters": len(job.filters.splitlines()),
        "begun": job.created_at.isoformat(),
        "expires": job.expires_at.isoformat(),
        "state": found.state,
        "progress": str(found.progress),
        "files": found.progress.files,
        "files_whole": found.progress.whole,
        "rows": found.progress.rows,
        "bytes": found.progress.bytes,
        "per_cent": round(100 * found.part, 1),
        "rows_a_second": round(found.rate, 1),
        **{name: at.isoformat(timespec="seconds") for name, at in instants.items() if at},
    }
