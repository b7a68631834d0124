"""Who may sign for a student, and what becomes of a form signed by somebody else."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bridge.cli import app
from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.journeys.families.recall_releases import all_recalls
from bridge.journeys.families.record_guardians import (
    Guardian,
    add_guardian,
    end_guardian,
    guardians,
)
from bridge.journeys.families.register_release import Filed, file_release
from bridge.journeys.families.signing import NO_AUTHORITY
from bridge.journeys.files.import_guardians import guardian_columns, import_guardians
from bridge.journeys.files.import_releases import columns, import_releases
from bridge.store.database.engine import read
from tests.bridge.journeys.test_release_register import FORM, sees
from tests.support.worlds import HARBOR, LEA, World, caller, referral

PARTIES = (LEA, HARBOR)
FATHER = Guardian("Max Winterbourne", "FTH", ("education", "health"), date(2020, 1, 1), "roster")
OTHER = Guardian("Ann Summer", "GUARD", ("education",), date(2026, 6, 1), "court-order")


def start(world: World, *known: Guardian) -> World:
    world.refer([referral(1, releases=())])
    for guardian in known:
        add_guardian(world.parts, LEA, "1001", guardian)
    return world


def file(world: World, **changes: object) -> Filed:
    return file_release(world.parts, PARTIES, "1001", replace(FORM, **changes))


def test_a_form_of_a_guardian_on_the_register_counts_however_the_name_is_written(
    world: World,
) -> None:
    filed = file(start(world, FATHER, OTHER), signer="  max  WINTERBOURNE ")
    assert (filed.notes, sees(world)) == ((), True)


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": "Uncle Bob", "signer_relationship": "FTH"},
        {"signer": None},
        {"signer": "Ann Summer", "signed_on": date(2026, 5, 31)},
    ],
)
def test_a_form_of_anybody_else_is_kept_with_the_reason_and_opens_nothing(
    lite: World, changes: dict[str, object]
) -> None:
    filed = file(start(lite, FATHER, OTHER), **changes)
    assert (filed.new, filed.facts, sees(lite)) == (True, 0, False)
    assert NO_AUTHORITY in filed.notes or "signer" in filed.missing["ferpa"]


def test_a_form_says_who_may_sign_where_the_register_knows_nobody(lite: World) -> None:
    assert file(start(lite)).facts > 0


def test_a_form_counts_once_its_signer_is_entered_and_a_poller_learns_of_it(world: World) -> None:
    filed = file(start(world, OTHER))
    assert (filed.notes, sees(world)) == ((NO_AUTHORITY,), False)
    before = world.bridge.gate.search(caller(), Query("ServiceRequest")).last_change
    add_guardian(world.parts, LEA, "1001", FATHER)
    found = world.bridge.gate.search(caller(), Query("ServiceRequest"))
    assert (found.total, found.last_change > before) == (1, True)


def test_who_may_sign_for_school_records_alone_opens_no_health_record(lite: World) -> None:
    start(lite, FATHER, OTHER)
    health = {
        "form": "health", "elements": ("status",), "purposes": ("follow",), "recipient": "lea",
        "discloser": "provider", "expires_on": date(2027, 6, 1),
        "statements": ("condition", "redisclosure", "revoke"),
    }  # fmt: skip
    by_court = file(lite, signer="Ann Summer", signer_relationship="GUARD", **health)
    by_father = file(lite, **health)
    assert NO_AUTHORITY in by_court.notes
    assert by_father.facts > by_court.facts


def test_a_refusal_counts_whoever_signs_it(lite: World) -> None:
    assert file(start(lite, FATHER)).facts
    refused = file(lite, answer="refused", signer="Uncle Bob")
    assert (refused.facts > 0, sees(lite)) == (True, False)


def test_an_authority_that_ended_earlier_takes_later_forms_with_it_and_recalls(
    world: World,
) -> None:
    file(start(world, FATHER))
    assert sees(world)
    (kept,) = guardians(world.parts, LEA, "1001")
    world.clock.advance(timedelta(days=1))
    ended = (kept.id, date(2026, 8, 31), "court-order")
    assert end_guardian(world.parts, LEA, "1001", ended) == 1
    assert not sees(world)
    assert [(r.recipient, r.reason) for r in all_recalls(world.parts)] == [("harbor", "defective")]
    (after,) = guardians(world.parts, LEA, "1001")
    assert (after.last_day, after.source) == (date(2026, 8, 31), "court-order")


def test_what_was_signed_before_the_last_day_stands(lite: World) -> None:
    file(start(lite, FATHER))
    (kept,) = guardians(lite.parts, LEA, "1001")
    assert end_guardian(lite.parts, LEA, "1001", (kept.id, FORM.signed_on, "court-order")) == 0  # type: ignore[arg-type] # the form has a day
    assert sees(lite)
    assert end_guardian(lite.parts, LEA, "1001", ("-", date(2026, 1, 1), "x")) is None


def test_both_clocks_and_no_name_are_kept(world: World) -> None:
    start(world, FATHER)
    (kept,) = guardians(world.parts, LEA, "1001")
    world.clock.advance(timedelta(days=1))
    end_guardian(world.parts, LEA, "1001", (kept.id, date(2026, 9, 30), "court-order"))
    with read(world.bridge.engine) as connection:
        rows = connection.execute(text("SELECT * FROM guardian")).all()
    assert len(rows) == 2
    assert {row.superseded_at is None for row in rows} == {True, False}
    assert not any("inter" in str(value) for row in rows for value in row)


@pytest.mark.parametrize(
    "wrong",
    [{"relationship": "ONESELF"}, {"may_sign": ("all",)}, {"name": " "}, {"last_day": date.min}],
)
def test_an_authority_that_does_not_hold_together_is_refused(
    lite: World, wrong: dict[str, object]
) -> None:
    with pytest.raises(BridgeError):
        add_guardian(start(lite).parts, LEA, "1001", replace(FATHER, **wrong))


def written(tmp_path: Path, headings: dict[str, str], *rows: dict[str, str]) -> Path:
    lines = [",".join(headings), *(",".join(row.get(h, "") for h in headings) for row in rows)]
    place = tmp_path / "rows.csv"
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def test_a_file_of_guardians_is_entered_once_and_bad_rows_are_held(
    world: World, tmp_path: Path
) -> None:
    start(world)
    good = {
        "Student number": "1001", "Guardian": "Max Winterbourne", "Relationship": "FTH",
        "May sign": "health education", "From": "2020-01-01", "Rests on": "roster",
    }  # fmt: skip
    rows = (good, {**good, "From": "1/1/20"}, {**good, "Student number": "9"})
    place = written(tmp_path, guardian_columns(), *rows)
    first, again = (import_guardians(world.parts, LEA, place) for _ in range(2))
    assert (first.read, first.entered, len(first.held)) == (3, 1, 2)
    assert (again.entered, again.unchanged) == (0, 1)
    assert [held.row for held in first.held] == [3, 4]
    assert "Winterbourne" not in str(first.held)


def test_a_row_of_forms_signed_without_authority_is_held_with_the_reason(
    lite: World, tmp_path: Path
) -> None:
    start(lite, FATHER)
    row = {
        "Student number": "1001", "Form": "education", "Answer": "signed", "Signer": "Uncle Bob",
        "Relationship": "FTH", "Signed on": "2026-09-01", "Covers": "referral",
        "Purposes": "refer", "Recipient": "provider",
    }  # fmt: skip
    report = import_releases(lite.parts, PARTIES, written(tmp_path, columns(), row))
    assert (report.read, report.filed) == (1, 0)
    assert [held.reasons for held in report.held] == [(NO_AUTHORITY,)]


def test_at_the_command_line_an_authority_is_entered_listed_and_ended(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(lite)
    monkeypatch.setattr("bridge.cli.guardians.open_at", lambda _: lite.bridge)
    run = CliRunner()
    whose = ["1001", "--lea", LEA]
    said = ["--relationship", "FTH", "--may-sign", "education"]
    ground = ["--since", "2020-01-01", "--source", "roster"]
    adding = ["guardian", "add", *whose, *said, *ground]
    assert run.invoke(app, adding, input="Max Winterbourne\n").exit_code == 0
    listed = run.invoke(app, ["guardian", "list", *whose])
    assert "relationship: FTH" in listed.output
    assert "Winterbourne" not in listed.output
    guardian_id = listed.output.split()[1]
    ending = ["--guardian", guardian_id, "--last-day", "2026-09-30", "--source", "court-order"]
    assert run.invoke(app, ["guardian", "end", *whose, *ending]).exit_code == 0
    layout = tmp_path / "layout.csv"
    assert run.invoke(app, ["guardian", "layout", str(layout)]).exit_code == 0
    assert layout.read_text().strip() == ",".join(guardian_columns())
