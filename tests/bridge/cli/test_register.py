"""The evidence register by hand: forms, emergencies, reviews and recalls."""

import json

from sqlalchemy import text
from typer.testing import CliRunner

from bridge.cli import app
from bridge.journeys.families.sign_release import record_signature
from bridge.store.database.engine import write
from tests.bridge.cli.test_accounts import run
from tests.support.signing import PARTIES, in_person, issued
from tests.support.worlds import World, caller, referral

FORM = (
    *("release", "record", "1001", "--lea", "millbrook", "--provider", "harbor"),
    *("--element", "referral", "--purpose", "refer", "--recipient", "provider"),
    *("--relationship", "FTH", "--signed-on", "2026-09-01"),
)
EMERGENCY = (
    *("emergency", "declare", "1001", "--lea", "millbrook", "--provider", "harbor"),
    *("--element", "student.name", "--to", "provider"),
)

THREAT = "made-up threat\n"


def sees(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


def test_a_form_is_filed_listed_revoked_and_what_went_out_is_recalled(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    filed = json.loads(
        run(lite, *FORM, "--json", typed="Max Winterbourne\n").stdout.split("\n", 1)[1]
    )
    assert (filed["meets"], filed["new"]) == (["ferpa"], True)
    lite.clock.instant = lite.clock.instant.replace(hour=15)
    assert sees(lite)
    listed = run(lite, "release", "list", "1001", "--lea", "millbrook").output
    assert filed["release"] in listed
    assert "Winterbourne" not in listed
    assert run(lite, "release", "revoke", filed["release"]).exit_code == 0
    assert run(lite, "release", "revoke", filed["release"]).exit_code == 1
    assert "state: drafted" in run(lite, "recall", "list").output
    assert run(lite, "recall", "send").output == "1 notices sent\n"
    assert json.loads(run(lite, "recall", "list", "--json").output)[0]["state"] == "sent"


def test_an_emergency_is_declared_listed_and_reviewed(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    assert run(lite, *EMERGENCY, "--by", "lea.loader", typed=THREAT).exit_code == 1
    assert run(lite, *EMERGENCY, "--by", "lea.counselor", typed=THREAT).exit_code == 0
    (owed,) = json.loads(run(lite, "emergency", "list", "--json").output)
    assert (owed["reviewed"], owed["overdue"]) == (False, False)
    asked = ("emergency", "review", owed["emergency"], "--upheld", "--guardian-told", "--by")
    assert run(lite, *asked, "lea.counselor").exit_code == 1  # a second person
    assert run(lite, *asked, "lea.administrator").exit_code == 0
    assert json.loads(run(lite, "emergency", "list", "--json").output) == []


def test_a_person_clears_one_element_of_one_referral(lite: World) -> None:
    lite.refer([referral(1)])
    request = lite.id_of("ServiceRequest", "R-1")
    asked = ("review", "clear", request, "--element", "referral.note")
    assert run(lite, *asked, "--fact", "human_reviewed").output == "cleared\n"
    assert run(lite, *asked, "--fact", "human_reviewed", "--withdraw").output == "taken back\n"
    assert run(lite, *asked, "--fact", "c_ferpa").exit_code == 1


def test_the_layout_of_a_file_of_forms_can_be_written_and_read(lite: World) -> None:
    home = lite.bridge.settings.home
    lite.refer([referral(1)])
    assert run_plain("release", "layout", str(home / "forms.csv")) == 0
    with (home / "forms.csv").open("a", encoding="utf-8") as file:
        file.write("1001,education,signed,,,,,,,,,,,\n")
    asked = ("import", "releases", str(home / "forms.csv"))
    told = run(lite, *asked, "--lea", "millbrook", "--provider", "harbor", "--json").output
    assert json.loads(told)["incomplete"] == 1


def run_plain(*arguments: str) -> int:
    return CliRunner().invoke(app, list(arguments)).exit_code


def test_a_form_changed_after_it_was_signed_is_found_and_ended(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    record_signature(lite.parts, PARTIES, "1001", in_person(issued(lite)))
    assert run(lite, "release", "check").output == "not as signed: 0\n"
    with write(lite.bridge.engine) as connection:
        connection.execute(text("UPDATE form_text SET text = text || 'x'"))
    found = run(lite, "release", "check", "--json")
    assert found.exit_code == 1
    assert [row["changed"] for row in json.loads(found.output)["not_as_signed"]] == [["text"]] * 2
    assert run(lite, "release", "check").exit_code == 0
    assert not sees(lite)
