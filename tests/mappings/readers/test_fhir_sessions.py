"""Visits as FHIR: what real servers write, and what it leads to."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table

DATA = Path(__file__).parent / "data" / "fhir"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def cells(path: Path, *places: str) -> list[list[str]]:
    return list(open_table(path, SourceFormat(("fhir-sessions",), locations=places)).rows)


def written(tmp_path: Path, *resources: dict[str, Any]) -> Path:
    lines = "\n".join(map(json.dumps, resources))
    (tmp_path / "visits.ndjson").write_text(lines, encoding="utf-8")
    return tmp_path / "visits.ndjson"


def visit(**elements: object) -> dict[str, Any]:
    return {"resourceType": "Encounter", "id": "e1", "status": "finished", **elements}


SAMPLES = [
    ("encounter-1036.json", 1, ["in-progress", "IMP", ""]),
    ("encounter-delivery.json", 1, ["finished", "IMP", ""]),
    ("encounter-example-1.json", 1, ["finished", "AMB", "2015-11-01T17:00:14-05:00"]),
    ("cumulus-encounter-1.json", 1, ["finished", "AMB", "1985-06-18T17:30:49-04:00"]),
    ("cumulus-encounters.ndjson", 2, ["unknown", "IMP", "2013-03-10"]),
    ("google-pipes-encounter.json", 1, ["finished", "AMB", "1965-09-16T23:24:20+00:00"]),
    ("google-pipes-test-encounter.json", 1, ["finished", "AMB", ""]),
    ("google-hdh-r4.json", 1, ["finished", "AMB", ""]),
    ("google-hdh-r3tor4.json", 1, ["finished", "AMB", ""]),
    ("pathling-first30.ndjson", 30, ["finished", "AMB", "1972-02-03T16:48:38-05:00"]),
]


@pytest.mark.parametrize(("name", "rows", "first"), SAMPLES)
def test_each_sample_is_read(name: str, rows: int, first: list[str]) -> None:
    found = cells(DATA / name, "Session.status", "Encounter.class.code", "Encounter.period.start")
    assert len(found) == rows
    assert found[0] == first


def test_an_encounter_and_an_appointment_are_both_sessions(tmp_path: Path) -> None:
    missed = {"resourceType": "Appointment", "id": "a1", "status": "noshow"}
    path = written(tmp_path, visit(), missed, {"resourceType": "Patient", "id": "p"})
    assert cells(path, "Session.id", "Encounter.status", "Appointment.status") == [
        ["e1", "finished", ""],
        ["a1", "", "noshow"],
    ]


def test_what_a_visit_refers_to_is_found_in_whatever_order_it_comes(tmp_path: Path) -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"reference": "https://ehr.example/fhir/Practitioner/q/_history/2"},
    }
    person = {"resourceType": "Practitioner", "id": "q", "name": [{"family": "Example"}]}
    site = {"resourceType": "Location", "id": "s", "type": [{"coding": [{"code": "SCHOOL"}]}]}
    links = {
        "participant": [{"individual": {"reference": "PractitionerRole/r"}}],
        "location": [{"location": {"reference": "Location/s"}}],
    }
    path = written(tmp_path, role, visit(**links), person, site)
    places = ("Practitioner.name.family", "Location.type.coding.code", "Patient.id")
    assert cells(path, *places) == [["Example", "SCHOOL", ""]]


def test_a_bundle_may_name_its_resources_by_urn(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "ours", "value": "P-1"}]}
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": patient},
        {"fullUrl": "urn:uuid:2", "resource": visit(subject={"reference": "urn:uuid:1"})},
    ]
    path = written(tmp_path, {"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert cells(path, "Patient.identifier.value where system is ours") == [["P-1"]]


def test_a_code_given_twice_is_taken_from_the_system_asked_for(tmp_path: Path) -> None:
    vendor = {"system": "https://fhir.vendor.example/codeSet/71", "code": "22282402"}
    twice = {"coding": [{**vendor, "userSelected": True}, {"system": ACT, "code": "VR"}]}
    path = written(tmp_path, visit(type=[twice]))
    places = (f"Encounter.type.coding.code where system is {ACT}", "Encounter.type.coding.code")
    assert cells(path, *places) == [["VR", SEVERAL]]


def test_two_versions_of_a_patient_are_believed_where_they_agree(tmp_path: Path) -> None:
    old = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "2011-01-01"}
    path = written(
        tmp_path, old, {**old, "gender": "female"}, visit(subject={"reference": "Patient/p"})
    )
    assert cells(path, "Patient.gender", "Patient.birthDate") == [[SEVERAL, "2011-01-01"]]


def test_what_is_left_of_an_error_is_a_row_for_the_map_to_judge(tmp_path: Path) -> None:
    path = written(tmp_path, visit(status="entered-in-error"), visit(id="e2"))
    assert cells(path, "Session.status") == [["entered-in-error"], ["finished"]]


REFUSED = [
    ("{}", "resourceType"),
    ('{"resourceType": "Patient"}', "no Encounter and no Appointment"),
    ('{"resourceType": "Encounter", "modifierExtension": []}', "modifierExtension"),
    ('{"resourceType": "Encounter", "id": "a", "id": "b"}', "says one name twice"),
    ('{"resourceType": "Bundle", "entry": [{}]}', "holds no resource"),
    ('{"resourceType": "Encounter"', "cut off"),
    ("", "empty"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_cannot_be_trusted_is_refused_in_one_line(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "v.ndjson").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=words) as caught:
        cells(tmp_path / "v.ndjson", "Session.id")
    assert "\n" not in str(caught.value)


def test_a_zip_of_one_file_for_each_type_is_read_as_one_export(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("Encounter.ndjson", json.dumps(visit(subject={"reference": "Patient/p"})))
        archive.writestr("Patient.ndjson", '{"resourceType": "Patient", "id": "p"}')
        archive.writestr("log.txt", "no resource")
    assert cells(tmp_path / "export.zip", "Session.id", "Patient.id") == [["e1", "p"]]
