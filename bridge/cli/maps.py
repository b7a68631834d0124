"""``map run|check|explain|list|lock|test``: working on a map, without a database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, print_line, tell

if TYPE_CHECKING:
    from mappings.language import CompiledMap, Run, RunReport

app = typer.Typer(no_args_is_help=True)

Exported = Annotated[
    str | None,
    typer.Option(help="When the files were made, such as 2026-09-18; later visits do not count."),
]
MapName = Annotated[str, typer.Argument(metavar="MAP", help="A shipped map's id, or a file.")]


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the shipped maps."""
    from mappings.language import list_maps

    tell({m.id: m.title for m in list_maps()}, as_json=as_json)


@app.command()
def check(name: MapName, as_json: AsJson = False) -> None:
    """Find every mistake in a map before a row is read; exit code 1 if there is one."""
    from mappings.language import check_map, load_map

    problems = check_map(load_map(name))
    if as_json:
        tell([str(problem) for problem in problems], as_json=True)
    for problem in problems if not as_json else ():
        print_line(str(problem))
    if problems:
        raise typer.Exit(1)
    if not as_json:
        print_line(f"{name}: no mistakes found")


@app.command()
def explain(
    name: MapName,
    files: Annotated[list[Path] | None, typer.Argument(help="With --row: the files.")] = None,
    row: Annotated[int | None, typer.Option(help="Show what becomes of this row of FILES.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where each column goes: canonical field, FHIR elements. With --row, of one row.

    With --row the values of that row are shown: to you, on this terminal, and nowhere else.
    """
    from dataclasses import asdict

    from mappings.language import explain_map, load_map
    from mappings.lineage import elements_of

    if row is not None:
        _explain_row(name, files or [], row, as_json=as_json)
        return
    document = load_map(name)
    paths = elements_of(document.kind)
    lines = explain_map(document)
    if as_json:
        found = [asdict(line) | {"elements": paths.get(line.goes_to, ())} for line in lines]
        tell(found, as_json=True)
        return
    for line in lines:
        goes_to = line.goes_to or "NOT SENT"
        elements = ", ".join(paths.get(line.goes_to, ()))
        arrow = f"{line.column}  ->  {goes_to}{f'  ->  {elements}' if elements else ''}"
        print_line(f"{arrow}  [{line.how}; otherwise {line.otherwise}]")


def _explain_row(name: str, files: list[Path], row: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    from bridge.journeys.files.run_maps import named
    from mappings.lineage import explain_row

    lines = explain_row(_compiled(name), named(files), row)
    if as_json:
        tell([asdict(line) for line in lines], as_json=True)
        return
    for line in lines:
        if line.cell or line.value:
            goes_to = line.goes_to or "NOT SENT"
            elements = f"  ->  {', '.join(line.elements)}" if line.elements else ""
            value = f' = "{line.value}"' if line.value else ""
            print_line(f'{line.column}: "{line.cell}"  ->  {goes_to}{value}{elements}')


@app.command()
def dictionary() -> None:
    """Print the canonical data dictionary: every field a map may fill, with codes and elements."""
    from mappings.dictionary_page import dictionary_page

    typer.echo(dictionary_page(), nl=False)


@app.command()
def states() -> None:
    """Print the states of a referral: moves, words of other systems and clocks."""
    from mappings.loop.page import states_page

    typer.echo(states_page(), nl=False)


@app.command()
def new(
    files: Annotated[
        list[Path],
        typer.Argument(help="A file, folder or zip as exported; further ones are joined to it."),
    ],
    kind: Annotated[str, typer.Option(help="referral, roster, session or screening.")] = "referral",
) -> None:
    """Print the draft of a map for files. It suggests; what is open, a person decides.

    Of several files the first is the main one; each of the others gets a join with the pair of
    columns that matches best, and how many rows match.
    """
    from bridge.errors import BridgeError
    from mappings.language import MapKind, draft_map

    if kind not in list(MapKind):
        raise BridgeError(f"--kind is one of: {', '.join(MapKind)}")
    typer.echo(draft_map(files, MapKind(kind)), nl=False)


@app.command()
def export(
    name: Annotated[str | None, typer.Argument(metavar="MAP", help="Default: code tables.")] = None,
    alone: Annotated[
        bool, typer.Option("--structuremap", help="The StructureMap alone, for documentation.")
    ] = False,
) -> None:
    """Print a map as StructureMap and ConceptMaps (FHIR R4), or our code tables without MAP."""
    from mappings.fhir_exports import code_bundle, map_bundle, structure_map

    if alone and not name:
        raise typer.BadParameter("--structuremap is of one map; name it")
    document = _compiled(name).document if name else None
    if document is None:
        tell(code_bundle(), as_json=True)
    else:
        tell(structure_map(document) if alone else map_bundle(document), as_json=True)


@app.command()
def table(
    file: Annotated[Path, typer.Argument(help="A FHIR ConceptMap as JSON.")],
) -> None:
    """Print the value table (CSV) a ConceptMap says."""
    from bridge.errors import BridgeError
    from mappings.fhir_exports import value_table_of

    try:
        source = file.read_bytes()
    except OSError:
        raise BridgeError(f"{file.name} cannot be opened") from None
    typer.echo(value_table_of(source, file.name), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of maps, for editors that complete and mark."""
    from mappings.language import map_schema

    tell(map_schema(), as_json=True)


@app.command("test")
def run_tests(name: MapName, as_json: AsJson = False) -> None:
    """Run a map's examples and compare it with its lock; exit code 1 if one does not hold."""
    from bridge.journeys.files.run_maps import unapproved
    from mappings.language import lock_name, run_examples

    compiled = _compiled(name, locked=False)
    told = {result.name: result.differences for result in run_examples(compiled)}
    if (compiled.document.folder / lock_name(compiled.document)).exists():
        told["what the lock approves"] = unapproved(compiled.document)
    failed = sum(map(bool, told.values()))
    if as_json:
        tell({title: list(differences) for title, differences in told.items()}, as_json=True)
    else:
        for title, differences in told.items():
            print_line(f"{'FAILED' if differences else 'ok'}  {title}")
            for difference in differences:
                print_line(f"    {difference}")
        print_line(f"{len(told) - failed}/{len(told)}")
    if failed:
        raise typer.Exit(1)


@app.command()
def lock(name: MapName) -> None:
    """Approve what a map does now: write the table MAP.lock.csv beside it, after its examples.

    Read the table before you approve it. From then on the map runs only while it does just that.
    """
    from bridge.errors import BridgeError
    from mappings.language import lock_name, lock_text, run_examples

    compiled = _compiled(name, locked=False)
    if any(result.differences for result in run_examples(compiled)):
        raise BridgeError(f"{name}: an example does not hold; see: schoolbridge map test {name}")
    path = compiled.document.folder / lock_name(compiled.document)
    text = lock_text(compiled.document)
    path.write_text(text, encoding="utf-8")
    print_line(f"{path.name}: {text.count(chr(10)) - 1} lines")


@app.command()
def run(
    files: Annotated[list[Path], typer.Argument(help="Files, or ROLE=FILE.")],
    map_id: Annotated[str, typer.Option("--map", help="A shipped map's id, or a map's file.")],
    out: Annotated[Path, typer.Option(help="Folder for the resources, one NDJSON file a type.")],
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that divide the rows of a large file.")
    ] = 1,
    exported: Exported = None,
    as_json: AsJson = False,
) -> None:
    """Map files to FHIR resources in a folder, storing nothing.

    Held rows are listed, and written to held-rows.xlsx there, to correct and run again.
    """
    from bridge.journeys.files.held_rows import write_held
    from bridge.journeys.files.map_files import map_files, map_files_together

    if processes > 1 and exported:
        raise typer.BadParameter("--exported is for files of sessions; leave out --processes")
    if processes > 1:
        together = map_files_together(map_id, files, out, processes)
        result, report = together.result, together.report
    else:
        running = run_of(map_id, files, exported)
        result, report = map_files(running, out), running.report
    counts = _counted(report, result.resources)
    if result.held:
        compiled = _compiled(map_id)
        rows = {row: (" | ".join(reasons), "") for _, row, reasons in result.held}
        counts["held_sheet"] = write_held(compiled, files, rows, out / "held-rows.xlsx")
    tell(counts, as_json=as_json)
    for file, row, reasons in result.held if not as_json else ():
        print_line(f"held: {file} row {row}: {' | '.join(reasons)}")


def _counted(report: "RunReport", resources: dict[str, int]) -> dict[str, object]:
    return {
        "read": report.read,
        "mapped": report.mapped,
        "held": report.held,
        "duplicates": report.duplicates,
        "match_rates": {n: list(r) for n, r in report.match_rates.items()},
        "held_by_reason": {str(code): n for code, n in sorted(report.held_by_reason.items())},
        "unmapped": {
            column: {"cells": found.cells, "options": found.options}
            for column, found in report.unmapped.items()
        },
        "resources": resources,
        "fill": report.fill,
    }


def run_of(map_id: str, files: list[Path], exported: str | None = None) -> "Run":
    """Return a run of a map over files, given in order or as ROLE=FILE."""
    from bridge.journeys.files import run_maps

    return run_maps.run_of(map_id, files, exported=exported)


def _compiled(name: str, *, locked: bool = True) -> "CompiledMap":
    from bridge.journeys.files.run_maps import compiled_map

    return compiled_map(name, locked=locked)
