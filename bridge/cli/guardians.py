"""``guardian``: who may sign for a student."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.asking import NameFile, asked_for
from bridge.cli.running import AsJson, Home, open_at, print_line, tell
from bridge.cli.showing import shown

app = typer.Typer(no_args_is_help=True)

Student = Annotated[str, typer.Argument(help="The district's number of the student.")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]


@app.command("add")
def add(
    student: Student,
    lea: Lea,
    relationship: Annotated[str, typer.Option(help="v3-RoleCode: MTH, FTH, GUARD ...")],
    may_sign: Annotated[list[str], typer.Option(help="education or health; repeat for both.")],
    since: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    source: Annotated[str, typer.Option(help="What it rests on: roster, court-order ...")],
    until: Annotated[str, typer.Option(help="Last day, if it has one.")] = "",
    name_file: NameFile = None,
    home: Home = Path(),
) -> None:
    """Enter an authority; forms on file that waited for it count from then on.

    Without --name-file it asks for the name: one given with the command would stay in the history.
    """
    from bridge.journeys.families.record_guardians import Guardian, add_guardian
    from bridge.parts import parts_of

    name = asked_for("Name as they sign", name_file)
    last = _day(until) if until else date.max
    guardian = Guardian(name, relationship, tuple(sorted(may_sign)), _day(since), source, last)
    guardian_id, new = add_guardian(parts_of(open_at(home)), lea, student, guardian)
    print_line(f"{'entered' if new else 'there already'}: {guardian_id}")


@app.command("list")
def list_guardians(
    student: Student, lea: Lea, home: Home = Path(), as_json: AsJson = False
) -> None:
    """List who may sign for one student: ids, relationships and days, no name."""
    from bridge.journeys.families.record_guardians import guardians
    from bridge.parts import parts_of

    rows = [
        {
            "guardian": kept.id,
            "relationship": kept.relationship,
            "may_sign": list(kept.may_sign),
            "from": kept.first_day.isoformat(),
            "to": None if kept.last_day == date.max else kept.last_day.isoformat(),
            "rests_on": kept.source,
        }
        for kept in guardians(parts_of(open_at(home)), lea, student)
    ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {value}" for name, value in row.items()))


@app.command("end")
def end(
    student: Student,
    lea: Lea,
    guardian: Annotated[str, typer.Option(help="Id of the authority (guardian list).")],
    last_day: Annotated[str, typer.Option(help="Last day on which it held, YYYY-MM-DD.")],
    source: Annotated[str, typer.Option(help="What says so: court-order ...")],
    home: Home = Path(),
) -> None:
    """End an authority; forms signed after its last day fall, with notices to who got what."""
    from bridge.errors import BridgeError
    from bridge.journeys.families.record_guardians import end_guardian
    from bridge.parts import parts_of

    said = (guardian, _day(last_day), source)
    fallen = end_guardian(parts_of(open_at(home)), lea, student, said)
    if fallen is None:
        raise BridgeError("there is no such authority; see: schoolbridge guardian list")
    print_line(f"ended; forms that fell: {fallen}")


@app.command("import")
def import_file(file: Path, lea: Lea, home: Home = Path()) -> None:
    """Enter the authorities of a CSV or Excel file; exit code 1 if a row is held."""
    from bridge.journeys.files.import_guardians import import_guardians
    from bridge.parts import parts_of

    report = import_guardians(parts_of(open_at(home)), lea, file, shown)
    print_line(
        f"read: {report.read}  entered: {report.entered}  unchanged: {report.unchanged}"
        f"  held: {len(report.held)}"
    )
    for row in report.held:
        print_line(f"held: {row.file} row {row.row}: {'; '.join(row.reasons)}")
    if report.held:
        raise typer.Exit(1)


@app.command("layout")
def layout(out: Annotated[Path, typer.Argument(help="The CSV file to write.")]) -> None:
    """Write an empty file in the layout that ``guardian import`` reads."""
    import csv

    from bridge.journeys.files.import_guardians import guardian_columns

    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(guardian_columns())
    print_line(f"wrote {out.name}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write the day as YYYY-MM-DD") from None
