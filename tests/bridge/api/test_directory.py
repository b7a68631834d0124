"""The directory: services with their capacity, places, staff roles; read before anybody refers."""

import pytest
from sqlalchemy import text

from bridge.errors import BridgeError
from bridge.journeys.partners.keep_service import keep_service
from bridge.store.database.engine import read
from mappings.fhir.healthcare_service import ACCEPTS, TRANSIT, Service
from tests.support.worlds import COVE, HARBOR, Json, Web, World

GUIDE = "http://hl7.org/fhir/us/sdoh-clinicalcare"
CAPACITY = f"{GUIDE}/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
CODES = f"{GUIDE}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
WAIT = "https://schoolbridge.example/fhir/StructureDefinition/wait-days"


def capacity(code: str, *more: Json) -> Json:
    concept = {"coding": [{"system": CODES, "code": code}]}
    said = {"url": "capacityStatus", "valueCodeableConcept": concept}
    return {"url": CAPACITY, "extension": [said, *more]}


def service(**changes: object) -> Json:
    made: Json = {
        "resourceType": "HealthcareService",
        "identifier": [{"system": "https://harbor.example/services", "value": "S1"}],
        "active": True,
        "name": "Counselling",
        "extension": [capacity("waitlist"), {"url": WAIT, "valueUnsignedInt": 21}],
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def post(web: Web, resource: Json) -> Json:
    answer = web.send("POST", f"/fhir/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_partner_sees_a_services_capacity_before_it_refers(world: World) -> None:
    made = post(world.web(), service())
    school = world.web("millbrook-sis", "system/*.rs")
    (seen,) = world.web().found("/fhir/HealthcareService?name=couns")

    assert seen["extension"] == service()["extension"]
    assert seen["providedBy"]["reference"].startswith("Organization/")
    assert made["id"] == seen["id"]
    # The scope of the school's client is its operator's to widen; what may be known is not.
    assert school.get("/fhir/HealthcareService").status_code in (200, 403)


def test_a_provider_says_that_it_has_room_again(world: World) -> None:
    web = world.web()
    made = post(web, service())
    tag = {"If-Match": f'W/"{made["meta"]["versionId"]}"'}
    now = {**made, "extension": [capacity("capacity")]}
    place = f"/fhir/HealthcareService/{made['id']}"
    assert web.send("PUT", place, json=now).status_code == 428
    changed = web.send("PUT", place, json=now, headers=tag)

    assert changed.status_code == 200, changed.text
    assert changed.json()["extension"] == [capacity("capacity")]
    assert web.send("PUT", place, json=now, headers=tag).status_code == 412
    assert web.get(f"{place}/_history").json()["total"] == 2
    theirs = world.web("cove-ehr").send("PUT", place, json=now, headers=tag)
    assert theirs.status_code == 404


BROKEN: list[Json] = [
    {"extension": [capacity("plenty")]},
    {"extension": [capacity("capacity", {"url": "capacityNotes", "valueString": "Ask Ann"})]},
    {"extension": [{"url": CAPACITY}]},
    {"extension": [{"url": WAIT, "valueUnsignedInt": 99999}]},
    {"extension": [{"url": ACCEPTS, "valueCode": "gold"}]},
    {"extension": [{"url": TRANSIT, "valueString": "Ask Ann"}]},
    {"extension": [{"url": "https://elsewhere.example/notes", "valueString": "Child 7"}]},
    {"comment": "Child 7 waits since June"},
    {"identifier": None},
    {"identifier": [{"value": "S1"}]},
    {"name": None},
    {"active": None},
    {"providedBy": {"reference": "Organization/00000000-0000-8000-8000-000000000000"}},
    {"location": [{"reference": "Location/00000000-0000-8000-8000-000000000000"}]},
    {"providedBy": {"reference": "Patient/x"}},
    {"text": {"status": "generated", "div": "<div>x</div>"}, "photo": {"title": "Ann"}},
]


@pytest.mark.parametrize("change", BROKEN)
def test_an_entry_that_is_not_of_the_directory_is_refused(lite: World, change: Json) -> None:
    before = lite.counts()["record"]
    answer = lite.web().send("POST", "/fhir/HealthcareService", json=service(**change))

    assert answer.status_code == 422, answer.text
    assert "Child 7" not in answer.text
    assert lite.counts()["record"] == before


def test_an_entry_sent_twice_is_one(lite: World) -> None:
    web, made = lite.web(), service()
    first = post(web, made)
    assert web.send("POST", "/fhir/HealthcareService", json=made).status_code == 409
    again = {"If-None-Exist": "identifier=https://harbor.example/services|S1"}
    repeated = web.send("POST", "/fhir/HealthcareService", json=made, headers=again)

    assert (repeated.status_code, repeated.json()["id"]) == (200, first["id"])


def test_a_party_keeps_places_people_and_roles_that_belong_together(world: World) -> None:
    web = world.web()
    own = [{"system": "https://harbor.example/entries", "value": "1"}]
    place = post(web, {"resourceType": "Location", "identifier": own, "name": "Harbor East"})
    name = [{"family": "Quill", "given": ["Ada"]}]
    person = post(web, {"resourceType": "Practitioner", "identifier": own, "name": name})
    offered = post(web, service(location=[{"reference": f"Location/{place['id']}"}]))
    role = {
        "resourceType": "PractitionerRole",
        "identifier": own,
        "active": True,
        "practitioner": {"reference": f"Practitioner/{person['id']}"},
        "location": [{"reference": f"Location/{place['id']}"}],
        "healthcareService": [{"reference": f"HealthcareService/{offered['id']}"}],
        "specialty": [
            {"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "1041C0700X"}]}
        ],
    }
    made = post(web, role)
    path = "/fhir/PractitionerRole?specialty=1041C0700X&_include=PractitionerRole:practitioner"
    kinds = [e["resource"]["resourceType"] for e in web.get(path).json()["entry"]]
    assert kinds == ["PractitionerRole", "Practitioner"]
    both = "_include=HealthCareService:location&_revinclude=PractitionerRole:service"
    back = f"/fhir/HealthcareService?{both}"
    kinds = [e["resource"]["resourceType"] for e in web.get(back).json()["entry"]]
    assert sorted(kinds) == ["HealthcareService", "Location", "PractitionerRole"]
    assert web.get("/fhir/Practitioner?name=quill").json()["total"] == 1
    # Who has no agreement with the party sees nothing of it.
    assert world.web("cove-ehr").get(f"/fhir/PractitionerRole/{made['id']}").status_code == 404


def test_the_directory_holds_nothing_of_a_student(lite: World) -> None:
    post(lite.web(), service())
    kinds = ("Organization", "Location", "HealthcareService", "Practitioner", "PractitionerRole")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    query = f"SELECT count(*) FROM record WHERE type IN ({listed}) AND student_id IS NOT NULL"  # noqa: S608 - names of ours
    with read(lite.bridge.engine) as connection:
        assert connection.execute(text(query)).scalar_one() == 0


def test_the_operator_says_it_where_the_partys_system_does_not(world: World) -> None:
    waiting = Service("Harbor East", "waitlist", 14)
    assert keep_service(world.parts, HARBOR, "east", waiting)
    assert not keep_service(world.parts, HARBOR, "east", waiting)
    assert keep_service(world.parts, HARBOR, "east", Service("Harbor East", "capacity"))
    (seen,) = world.web().found("/fhir/HealthcareService")

    assert seen["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == (
        "capacity"
    )
    assert world.web("cove-ehr").found("/fhir/HealthcareService") == []
    for whose, wrong in (("nobody", Service("X")), (COVE, Service("X", "plenty"))):
        with pytest.raises(BridgeError):
            keep_service(world.parts, whose, "x", wrong)
