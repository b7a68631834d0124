"""An operator lets people of a district and a provider in, and reads what they looked at."""

import json

from tests.bridge.cli.test_accounts import run
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_clinic_looked import Person
from tests.support.worlds import HARBOR, LEA, World, referral


def test_a_code_lets_somebody_of_a_provider_in(lite: World) -> None:
    made = run(lite, "staff", "code", "--organization", HARBOR, "--party", "provider")
    assert made.exit_code == 0, made.output
    code = made.output.strip()

    answer = lite.anonymous.send("POST", "/portal/sign-in", data={"code": code})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/portal/work"


def test_an_operator_reads_what_the_people_of_one_organisation_looked_at(lite: World) -> None:
    lite.refer([referral(0)])
    Visitor.signed_in(lite).get("/portal/board")
    desk, task = Person(lite, "desk-1", "intake"), lite.id_of("Task", "R-0")
    desk.get("/portal/work")
    desk.get(f"/portal/work/{task}")
    Person(lite, "care-1", "clinician").get("/portal/work")
    mark = lite.bridge.identifiers.seal("looked at", task)[:8]

    asked = ("staff", "looked", "--organization", HARBOR, "--json")
    every = json.loads(run(lite, *asked).output)
    one = json.loads(run(lite, *asked, "--who", "staff:desk-1").output)

    assert sorted(each["who"] for each in every) == ["staff:care-1", *["staff:desk-1"] * 2]
    assert {(each["page"], each["mark"]) for each in one} == {
        ("/portal/work", ""),
        (f"/portal/work/{task}", mark),
    }
    assert mark in Person(lite, "lead-1", "supervisor").get("/portal/work/looked").text
    of_school = run(lite, "staff", "looked", "--organization", LEA)
    assert "staff:one" in of_school.output
    assert of_school.output.endswith("1 looks\n")
