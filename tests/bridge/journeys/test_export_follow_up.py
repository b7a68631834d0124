"""The follow-up as a file on a schedule: the coordination data set, whole or not at all."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import GateError
from bridge.gate import Gate
from bridge.journeys.files.export_follow_up import COLUMNS, export_follow_up
from tests.support.worlds import CARE_CONSENT, LEA, World, put_task, referral

SCHOOL = (LEA, "referral_coordinator")


def answered(world: World, consent: str) -> None:
    world.clock.advance(timedelta(days=1))
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    assert put_task(world.web(), task, "accepted", extension=care).status_code == 200


def test_a_minor_treated_alone_leaves_the_file_as_if_nobody_had_answered(
    world: World, tmp_path: Path
) -> None:
    world.refer([referral(0), referral(1)])
    out = tmp_path / "follow-up.csv"
    assert export_follow_up(world.bridge, SCHOOL, out) == 2
    before = out.read_bytes()
    answered(world, "minor")
    export_follow_up(world.bridge, SCHOOL, out)
    assert out.read_bytes() == before
    assert "Cries in class" not in before.decode()


def test_the_file_has_the_columns_of_the_coordination_data_set_and_no_other(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(0)])
    answered(lite, "guardian")
    out = tmp_path / "follow-up.csv"
    export_follow_up(lite.bridge, SCHOOL, out)
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    assert tuple(row) == COLUMNS
    assert (row["status"], row["status_on"]) == ("accepted", "2026-10-16")


def test_who_reads_while_it_is_written_reads_the_whole_file_before(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(0)])
    out = tmp_path / "follow-up.csv"
    export_follow_up(lite.bridge, SCHOOL, out)
    with out.open("rb") as reading:
        answered(lite, "guardian")
        export_follow_up(lite.bridge, SCHOOL, out)
        before = reading.read()
    assert (b",sent," in before, b",accepted," in out.read_bytes()) == (True, True)
    assert [each.name for each in tmp_path.iterdir() if each.suffix in (".csv", ".part")] == [
        "follow-up.csv"
    ]


def test_a_run_that_fails_leaves_the_file_that_was_there(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite.refer([referral(0)])
    out = tmp_path / "follow-up.csv"
    export_follow_up(lite.bridge, SCHOOL, out)
    before = out.read_bytes()

    def fails(*_: object) -> None:
        raise GateError("the ledger did not take it")

    monkeypatch.setattr(Gate, "follow_up", fails)
    with pytest.raises(GateError):
        export_follow_up(lite.bridge, SCHOOL, out)
    assert out.read_bytes() == before


def test_a_role_the_agreement_tells_nothing_finds_every_referral_unanswered(
    lite: World, tmp_path: Path
) -> None:
    lite.refer([referral(0)])
    answered(lite, "guardian")
    out = tmp_path / "follow-up.csv"
    export_follow_up(lite.bridge, (LEA, "administrator"), out)
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    assert (row["status"], row["status_on"], row["terms"]) == ("sent", "", "")
