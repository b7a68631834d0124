"""``import referrals|roster|screenings|encounters|answers|releases`` and ``export ...``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from bridge.cli.maps import Exported, run_of
from bridge.cli.ready import pages_ready_after
from bridge.cli.running import AsJson, Home, open_at, print_line, tell
from bridge.cli.showing import shown

if TYPE_CHECKING:
    from bridge.context import Bridge
    from bridge.journeys.files.held_rows import HeldRow
    from bridge.parts import Parts
    from mappings.language import Run

app = typer.Typer(no_args_is_help=True)
export_app = typer.Typer(no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Files, or ROLE=FILE for a map of several.")]
MapOption = Annotated[str, typer.Option("--map", help="A shipped map's id, or a map's file.")]
Role = Annotated[str, typer.Option(help="Staff role that receives it.")]
HeldOut = Annotated[
    Path | None,
    typer.Option("--held", help="A new workbook for held rows: correct them there and import it."),
]


@app.command()
def referrals(
    files: Files,
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    provider: Annotated[str, typer.Option(help="The provider's short name.")],
    map_id: MapOption = "schoolbridge-template",
    held_out: HeldOut = None,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Import a district's referrals. Rows that need a person are held, with the reason."""
    from bridge.journeys.files.import_referrals import ReferralImport
    from bridge.parts import parts_of

    run = run_of(map_id, files)
    whole = open_at(home)
    report = ReferralImport(parts_of(whole), lea, provider).run(shown(run))
    _ended(report, (map_id, files, held_out), run, (whole, lea), as_json=as_json)


@app.command()
def roster(
    files: Files,
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    map_id: MapOption = "aspen-students",
    held_out: HeldOut = None,
    home: Home = Path(),
    as_json: AsJson = False,
    names: Annotated[
        bool,
        typer.Option(help="Keep what a referral asks of a student, so that nobody types it."),
    ] = True,
) -> None:
    """Import a district's roster: who is enrolled now."""
    from bridge.journeys.files.import_roster import import_roster
    from bridge.parts import parts_of

    run = run_of(map_id, files)
    whole = open_at(home)
    report = import_roster(parts_of(whole), lea, shown(run), names=names)
    _ended(report, (map_id, files, held_out), run, (whole, lea), as_json=as_json)


@app.command()
def screenings(
    files: Files,
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    map_id: MapOption = "screening-scores",
    held_out: HeldOut = None,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Import a district's screenings. Results go with the student's open referrals alone."""
    from bridge.journeys.files.import_screenings import import_screenings
    from bridge.parts import parts_of

    run = run_of(map_id, files)
    whole = open_at(home)
    report = import_screenings(parts_of(whole), lea, shown(run))
    _ended(report, (map_id, files, held_out), run, (whole, lea), as_json=as_json)


@app.command()
def encounters(
    files: Files,
    provider: Annotated[str, typer.Option(help="The provider's short name.")],
    map_id: MapOption = "harbor-hl7v2",
    exported: Exported = None,
    held_out: HeldOut = None,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Import a provider's export of sessions and appointments."""
    from bridge.journeys.files.import_sessions import import_sessions
    from bridge.parts import parts_of

    run = run_of(map_id, files, exported)
    whole = open_at(home)
    report = import_sessions(parts_of(whole), provider, shown(run))
    _ended(report, (map_id, files, held_out), run, (whole, provider), as_json=as_json)


@app.command()
def answers(
    files: Files,
    provider: Annotated[str, typer.Option(help="The provider's short name.")],
    map_id: MapOption = "provider-answers",
    role: Annotated[str, typer.Option(help="Role of the provider's staff it is done for.")] = (
        "intake"
    ),
    held_out: HeldOut = None,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Carry out a provider's answers to referrals, from a table or HL7 v2 messages, each once."""
    from bridge.journeys.files.import_answers import import_answers, operator_of

    run = run_of(map_id, files)
    whole = open_at(home)
    report = import_answers(whole, operator_of(provider, role), shown(run))
    _ended(report, (map_id, files, held_out), run, (whole, provider), as_json=as_json)


@app.command()
def releases(
    files: Annotated[list[Path], typer.Argument(help="Files in the layout of `release layout`.")],
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    provider: Annotated[str, typer.Option(help="The provider's short name.")],
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Import signed forms. Rows that need a person are held, with the reason."""
    from bridge.journeys.files.import_releases import import_releases
    from bridge.parts import parts_of

    whole = open_at(home)
    parts = parts_of(whole)
    for file in files:
        report = import_releases(parts, (lea, provider), file, shown)
        rows = [{"file": h.file, "row": h.row, "reasons": list(h.reasons)} for h in report.held]
        told = {"file": file.name, **report.as_data()}
        tell({**told, "held_rows": rows} if as_json else told, as_json=as_json)
        for h in report.held if not as_json else ():
            print_line(f"held: {h.file} row {h.row}: {' | '.join(h.reasons)}")
    pages_ready_after(lambda: whole)


@export_app.command("follow-up")
def follow_up(
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write; with --map also .xlsx.")],
    role: Role = "referral_coordinator",
    map_id: Annotated[
        str, typer.Option("--map", help="Write it behind the columns that this map reads.")
    ] = "",
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the follow-up status of a district's referrals; with a map, behind its columns."""
    from bridge.journeys.files.export_follow_up import export_follow_up

    if map_id:
        _exported((lea, role), (map_id, out, home), follow_up=True, as_json=as_json)
        return
    rows = export_follow_up(open_at(home), (lea, role), out)
    print_line(f"{rows} referrals written to {out.name}")


@export_app.command("referrals")
def own_referrals(
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    out: Annotated[Path, typer.Option(help="The file to write, .csv or .xlsx.")],
    map_id: MapOption = "schoolbridge-template",
    role: Role = "referral_coordinator",
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a district's own referrals in the columns that a map reads."""
    _exported((lea, role), (map_id, out, home), follow_up=False, as_json=as_json)


def _exported(
    school: tuple[str, str], how: tuple[str, Path, Path], *, follow_up: bool, as_json: bool
) -> None:
    from bridge.journeys.files.export_referrals import ReferralExport
    from bridge.parts import parts_of

    map_id, out, home = how
    whole = open_at(home)
    report = ReferralExport(whole, parts_of(whole), school, map_id, follow_up).run(out)
    tell(report.as_data(), as_json=as_json)
    told = [fall for fall in report.shortfalls if fall.unsaid or fall.held]
    for fall in told if not as_json else ():
        unsaid, held = ", ".join(fall.unsaid), " | ".join(fall.held)
        print_line(f"row {fall.row}: not said: {unsaid or '-'}; held if brought in: {held or '-'}")


class _Report(Protocol):
    """What the report of any import says."""

    @property
    def held(self) -> "list[HeldRow]":
        """The rows that wait for a person."""

    def as_data(self) -> dict[str, object]:
        """Return its counts."""


def _ended(
    report: _Report,
    came: tuple[str, list[Path], Path | None],
    run: "Run",
    whose: "tuple[Bridge, str]",
    *,
    as_json: bool,
) -> None:
    """Say how an import ended, write its held rows where asked for, and make pages ready."""
    from bridge.parts import parts_of

    whole, owner = whose
    _told(report.as_data(), run, report.held, as_json=as_json)
    _sheet(came, report.held, (parts_of(whole), owner))
    pages_ready_after(lambda: whole)


def _told(data: dict[str, object], run: "Run", held: "list[HeldRow]", *, as_json: bool) -> None:
    run_report = run.report
    data["duplicates"] = run_report.duplicates
    data["read"] = run_report.read
    data["match_rates"] = {n: list(r) for n, r in run_report.match_rates.items()}
    if as_json:
        rows = [
            {"file": h.origin.file, "row": h.origin.row, "reasons": list(h.texts)} for h in held
        ]
        tell({**data, "held_rows": rows}, as_json=True)
        return
    tell(data, as_json=False)
    for h in held:
        print_line(f"held: {h.origin.file} row {h.origin.row}: {' | '.join(h.texts)}")


def _sheet(
    came: tuple[str, list[Path], Path | None], held: "list[HeldRow]", whose: "tuple[Parts, str]"
) -> None:
    """Write held rows into a workbook, where one was asked for and a row is held."""
    from bridge.journeys.files.held_rows import row_key, write_held
    from bridge.journeys.files.run_maps import compiled_map

    map_id, files, out = came
    if out is None or not held:
        return
    parts, owner = whose
    rows = {
        h.origin.row: (" | ".join(h.texts), row_key(parts.identifiers, owner, h.origin))
        for h in held
    }
    written = write_held(compiled_map(map_id), files, rows, out)
    typer.echo(f"{written} of {len(held)} held rows written to {out.name}", err=True)
