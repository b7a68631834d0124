"""``demo``: the three journeys on bundled data."""

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.running import AsJson, print_line, tell

if TYPE_CHECKING:
    from bridge.demo.run import Demo


def demo(
    once: Annotated[bool, typer.Option("--once", help="Print a summary and end.")] = False,
    as_json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="Write what each party received into this folder.")
    ] = None,
) -> None:
    """Run the three journeys on bundled synthetic data; then keep the status board open."""
    from bridge.demo.run import Demo

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="schoolbridge-demo-") as folder:
        running = Demo(Path(folder))
        report = running.run()
        if out is not None:
            running.write_out(out)
        if as_json:
            tell(report, as_json=True)
        else:
            _show(report)
            print_line(f"\nDone in {time.monotonic() - started:.1f} s. All people are made up.")
        if not once:
            _stay(running)
    if not all(log["verified"] for log in report["ledger"].values()):
        raise typer.Exit(1)


def _stay(running: "Demo") -> None:
    """Keep the server up and say how to look at the board, until interrupted."""
    url, code, server = running.open_board()
    print_line(f"\nStatus board: {url}\nSign in with the district's account (a made-up counselor),")
    print_line(f"or with the code {code}  (works once, for ten minutes)")
    print_line("Press Ctrl+C to end; everything is then removed.")
    try:
        server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait(timeout=20)


def _show(report: dict[str, Any]) -> None:
    from bridge.cli.state_hub import print_table

    print_line("1. WHAT CAME IN")
    told: set[str] = set()
    for part in report["imports"]:
        _show_import(part, told)
    print_line("\n2. WHAT EACH PARTY RECEIVED, AND WHAT WAS WITHHELD")
    for party in ("provider", "school", "hub"):
        _show_party(party, report[party])
    print_line("\n3. WHAT CAME OF IT, AS THE SCHOOL SEES IT")
    for status, count in sorted(report["school"]["statuses"].items()):
        print_line(f"   {count:4}  {status}")
    print_line("\n4. THE STATE HUB'S TABLE")
    print_table(report["hub"]["columns"], report["hub"]["table"])
    for note in report["hub"]["notes"]:
        print_line(f"   {note}")
    print_line("\n5. THE DISCLOSURE LEDGER")
    for log, found in report["ledger"].items():
        word = "verified" if found["verified"] else "NOT AS WRITTEN"
        print_line(f"   {log}: {found['entries']} entries, {word}, root {found['root'][:16]}…")


def _show_import(part: dict[str, Any], told: set[str]) -> None:
    rates = ", ".join(f"{role} {a} of {b}" for role, (a, b) in part["match_rates"].items())
    print_line(
        f"   {part['file']}: {part['read']} rows read, {part['mapped']} mapped, "
        f"{len(part['held_rows'])} held, {part['duplicates']} duplicates"
        + (f"; matched: {rates}" if rates else "")
    )
    lines = [f"      row {r['row']} held: {' | '.join(r['reasons'])}" for r in part["held_rows"]]
    if lines and told.issuperset(lines):
        print_line("      the same rows as above, held for the same reasons")
        return
    for line in lines:
        print_line(line)
    told.update(lines)


def _show_party(party: str, found: dict[str, Any]) -> None:
    received = ", ".join(f"{count} {kind}" for kind, count in sorted(found["received"].items()))
    print_line(f"   {party} received: {received}")
    for kind, word in (("may_see", "may see"), ("withheld", "WITHHELD")):
        for (count, why), elements in _grouped(found.get(kind, [])).items():
            print_line(f"      {count:4} x {word}, {why}:")
            print_line(f"             {', '.join(elements)}")


def _grouped(rows: list[dict[str, Any]]) -> dict[tuple[int, str], list[str]]:
    """Group elements that share count, reason and clause."""
    groups: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        why = row.get("reason") or f"flow {row['flow']}"
        clause = f", clause {row['clause']}" if row["clause"] else ""
        groups.setdefault((row["count"], f"{why}{clause}"), []).append(row["element"])
    return groups
