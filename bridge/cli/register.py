"""``release`` and ``emergency``: the evidence register, by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.asking import NameFile, asked_for
from bridge.cli.running import AsJson, Home, open_at, print_line, tell
from bridge.cli.showing import shown

if TYPE_CHECKING:
    from bridge.journeys.families.register_release import Filed
    from consent.signed_release import SignedRelease

release_app = typer.Typer(no_args_is_help=True)
emergency_app = typer.Typer(no_args_is_help=True)

Student = Annotated[str, typer.Argument(help="The district's number of the student.")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]
Provider = Annotated[str, typer.Option(help="The provider's short name.")]
Elements = Annotated[list[str], typer.Option("--element", help="Element or group; repeat.")]
SIGNED_BY: Final = "Name as signed (empty: none)"
Day = Annotated[str, typer.Option(help="YYYY-MM-DD")]


@release_app.command("record")
def record(
    student: Student,
    lea: Lea,
    provider: Provider,
    element: Elements,
    purpose: Annotated[list[str], typer.Option(help="Purpose id; repeat.")],
    recipient: Annotated[str, typer.Option(help="Party role that is to receive.")],
    relationship: Annotated[str, typer.Option(help="v3-RoleCode: MTH, GUARD, ONESELF.")] = "",
    cosigner: Annotated[str, typer.Option(help="v3-RoleCode of a second signer.")] = "",
    signed_on: Day = "",
    expires_on: Day = "",
    discloser: Annotated[str, typer.Option(help="Party role that may disclose.")] = "",
    statement: Annotated[list[str] | None, typer.Option(help="Statement printed.")] = None,
    form: Annotated[str, typer.Option(help="What the form calls itself.")] = "education",
    answer: Annotated[str, typer.Option(help="signed, refused or pending.")] = "signed",
    minor_consented: Annotated[bool, typer.Option(help="Care on the minor's own consent.")] = False,
    referral: Annotated[str, typer.Option(help="Number of the one referral it is for.")] = "",
    name_file: NameFile = None,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """File a signed form, and say which law's requirements it meets and what it lacks.

    The name as signed is asked for where no --name-file has it: one given with the command would
    stay in the shell's history. Of a form that is pending it is not: nobody has signed.
    """
    from bridge.journeys.families.register_release import file_release
    from bridge.parts import parts_of

    signer = "" if answer == "pending" else asked_for(SIGNED_BY, name_file, needed=False)
    form_said = _form(
        (form, answer, minor_consented),
        (signer, relationship, cosigner),
        (signed_on, expires_on),
        (element, purpose, statement or []),
        (recipient, discloser),
    )
    form_said = replace(form_said, referral=referral or None)
    filed = file_release(parts_of(open_at(home)), (lea, provider), student, form_said)
    _tell_filed(filed, as_json=as_json)


def _form(
    what: tuple[str, str, bool],
    who: tuple[str, str, str],
    days: tuple[str, str],
    lists: tuple[list[str], list[str], list[str]],
    parties: tuple[str, str],
) -> "SignedRelease":
    from consent.signed_release import SignedRelease

    form, answer, minor_consented = what
    signer, relationship, cosigner = (text or None for text in who)
    elements, purposes, statements = (tuple(words) for words in lists)
    recipient, discloser = (text or None for text in parties)
    return SignedRelease(
        form=form,
        answer=_one_of(answer, ("signed", "refused", "pending"), "--answer"),
        recorded_at=datetime.max.replace(tzinfo=UTC),  # the register's own is used
        birth_date=date.max,
        signer=signer,
        signer_relationship=relationship,
        cosigner_relationship=cosigner,
        signed_on=_day(days[0], "--signed-on"),
        expires_on=_day(days[1], "--expires-on"),
        elements=elements,
        purposes=purposes,
        recipient=recipient,
        discloser=discloser,
        statements=statements,
        minor_consented=minor_consented,
    )


def _tell_filed(filed: "Filed", *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "release": filed.id,
        "new": filed.new,
        "meets": list(filed.met),
        "missing": {name: list(parts) for name, parts in filed.missing.items()},
        "facts": filed.facts,
        "notes": list(filed.notes),
    }
    tell(told, as_json=as_json)


@release_app.command("revoke")
def revoke(
    release_id: str,
    effective: Annotated[
        str, typer.Option(help="When it was taken back, if earlier: 2026-11-02T09:30-05:00.")
    ] = "",
    home: Home = Path(),
) -> None:
    """Revoke a form; recipients of what went out get a notice drafted."""
    from bridge.errors import BridgeError
    from bridge.journeys.families.record_releases import revoke_release
    from bridge.parts import parts_of

    if not revoke_release(parts_of(open_at(home)), release_id, _instant(effective)):
        raise BridgeError("there is no such form in force")
    print_line("revoked; see: schoolbridge recall list")


@release_app.command("layout")
def layout(out: Annotated[Path, typer.Argument(help="The CSV file to write.")]) -> None:
    """Write an empty file in the layout that ``import releases`` reads."""
    import csv

    from bridge.journeys.files.import_releases import columns

    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(columns())
    print_line(f"wrote {out.name}")


@release_app.command("list")
def list_releases(student: Student, lea: Lea, home: Home = Path(), as_json: AsJson = False) -> None:
    """List the forms of one student: ids, days and states, no name."""
    from bridge.journeys.families.register_release import forms_of
    from bridge.parts import parts_of

    rows = [
        {
            "release": kept.id,
            "form": kept.form.form,
            "answer": kept.form.answer,
            "signed_on": kept.form.signed_on.isoformat() if kept.form.signed_on else None,
            "revoked": kept.form.revoked_at is not None,
        }
        for kept in forms_of(parts_of(open_at(home)), lea, student)
    ]
    _rows(rows, as_json=as_json)


@release_app.command("export")
def export(
    student: Student,
    lea: Lea,
    out: Annotated[Path, typer.Option(help="The NDJSON file to write.")],
    home: Home = Path(),
) -> None:
    """Write a student's forms as FHIR Consent, and say what does not survive."""
    from bridge.journeys.families.exchange_consents import export_consents
    from bridge.parts import parts_of

    count, missing = export_consents(parts_of(open_at(home)), lea, student, out)
    print_line(f"{count} forms written to {out.name}")
    for each in missing:
        print_line(f"lost: {each.path}: {each.what}")


@release_app.command("import-fhir")
def import_fhir(file: Path, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """File the forms of an NDJSON file of FHIR Consents; what is not understood is held."""
    from bridge.journeys.families.exchange_consents import import_consents
    from bridge.parts import parts_of

    report = import_consents(parts_of(open_at(home)), (lea, provider), file, shown)
    print_line(f"filed: {report.filed}  unchanged: {report.unchanged}  held: {len(report.held)}")
    for number, reason in report.held:
        print_line(f"held: {file.name} line {number}: {reason}")


@emergency_app.command("declare")
def declare(
    student: Student,
    lea: Lea,
    provider: Provider,
    element: Elements,
    to: Annotated[str, typer.Option(help="Party role that is to receive.")],
    by: Annotated[str, typer.Option(help="Who declares: party and role, lea.counselor.")],
    medical: Annotated[bool, typer.Option(help="Also a medical emergency.")] = False,
    threat_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File of one line, the threat in words."),
    ] = None,
    home: Home = Path(),
) -> None:
    """Declare an emergency now. It ends by itself and owes a review.

    The threat is asked for where no --threat-file says it: with the command it would stay in the
    shell's history.
    """
    from bridge.journeys.families.emergencies import declare_emergency
    from bridge.parts import parts_of
    from consent.emergencies import Declaration

    threat = asked_for("The threat, in words", threat_file)
    parts = parts_of(open_at(home))
    now = parts.clock.now()
    declared = Declaration(threat, to, tuple(element), by, now, now, medical)
    kept = declare_emergency(parts, (lea, provider), student, declared)
    print_line(f"emergency {kept.id}: ends {kept.ends_at}, review due {kept.review_due}")


@emergency_app.command("review")
def review(
    emergency_id: str,
    upheld: Annotated[bool, typer.Option("--upheld/--not-upheld", help="The outcome.")],
    by: Annotated[str, typer.Option(help="Who reviews: party and role, not who declared.")],
    told: Annotated[bool, typer.Option("--guardian-told", help="The guardian was told.")] = False,
    home: Home = Path(),
) -> None:
    """Review a declaration. One that is not upheld ends at once and is recalled."""
    from bridge.errors import BridgeError
    from bridge.journeys.families.emergencies import review_emergency, tell_guardian
    from bridge.parts import parts_of

    parts = parts_of(open_at(home))
    reviewed = review_emergency(parts, emergency_id, by, upheld=upheld)
    noted = told and tell_guardian(parts, emergency_id)
    if not (reviewed or noted):
        raise BridgeError("there is no such declaration to review")
    print_line("reviewed")


@emergency_app.command("list")
def list_emergencies(home: Home = Path(), as_json: AsJson = False) -> None:
    """List what owes a review or a word to the guardian, the most urgent first."""
    from bridge.parts import parts_of
    from bridge.store.database.engine import read
    from bridge.store.facts.emergencies import owed

    parts = parts_of(open_at(home))
    with read(parts.engine) as connection:
        waiting = owed(connection)
    now = parts.clock.now()
    rows = [
        {
            "emergency": kept.id,
            "review_due": kept.review_due.isoformat(),
            "overdue": kept.reviewed_at is None and kept.review_due <= now,
            "reviewed": kept.reviewed_at is not None,
            "guardian_told": kept.guardian_told_at is not None,
        }
        for kept in waiting
    ]
    _rows(rows, as_json=as_json)


def _one_of(text: str, allowed: tuple[str, ...], option: str) -> str:
    if text not in allowed:
        raise typer.BadParameter(f"{option} is one of: {', '.join(allowed)}")
    return text


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{option}: write the day as YYYY-MM-DD") from None


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter("--effective: write day, time and zone: 2026-11-02T09:30-05:00")
    return found


def _rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {value}" for name, value in row.items()))
