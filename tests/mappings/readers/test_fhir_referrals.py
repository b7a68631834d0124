import json
from pathlib import Path
from typing import Any

import pytest

from mappings.canonical import Referral
from mappings.fhir import referral_resources
from mappings.language import Held, Mapped, compile_map, flatten, load_map
from mappings.readers import SEVERAL, SourceError, SourceFormat, open_table
from tests.support.fhir_records import CONTEXT, FULL

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [
        {"use": "secondary", "value": "S-9"},
        {"use": "usual", "system": "http://district.example/ids", "value": "100234"},
    ],
    "name": [{"family": "Ñandú", "given": ["Zoë", "Ana"]}],
    "birthDate": "2012-03-04",
    "gender": "female",
}
REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "sr-1",
    "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "R-0001"}],
    "status": "active",
    "intent": "order",
    "priority": "urgent",
    "authoredOn": "2026-09-14T08:22:18.5-04:00",
    "reasonCode": [{"text": "Sleep"}, {"text": "Cries; at lunch"}],
    "subject": {"reference": "Patient/p"},
}
ADA: dict[str, Any] = {
    "resourceType": "RelatedPerson",
    "id": "r",
    "patient": {"reference": "https://sis.example/fhir/Patient/p"},
    "name": [{"family": "Ñandú", "given": ["Ada"]}],
    "telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "1"}],
}


def bundle(*resources: dict[str, Any], urls: tuple[str, ...] = ()) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [{"resource": resource} for resource in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "referrals.ndjson"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def office(tmp_path: Path, request: str = "sr-1") -> Path:
    path = tmp_path / "office.csv"
    word = load_map("fhir-referral").sources[1].headings
    row = [request, "yes", "Ada Ñandú", "Parent", "9/12/2026", "no", "", "", ""]
    path.write_text(",".join(w.text for w in word) + "\n" + ",".join(row) + "\n", "utf-8")
    return path


def outcome(tmp_path: Path, *files: Path) -> Mapped | Held:
    (found,) = compile_map(load_map("fhir-referral")).run([*files])
    return found


def cells(path: Path, *places: str) -> list[list[str]]:
    return list(open_table(path, SourceFormat(("fhir-json",), locations=places)).rows)


@pytest.mark.parametrize("packed", [True, False], ids=["Bundle", "NDJSON"])
def test_a_referral_with_its_patient_and_guardian_is_one_record(
    tmp_path: Path, packed: bool
) -> None:
    lines = [bundle(ADA, REQUEST, PATIENT)] if packed else [ADA, REQUEST, PATIENT]
    found = outcome(tmp_path, written(tmp_path, *lines), office(tmp_path))
    assert isinstance(found, Mapped)
    flat = flatten(found.record)
    assert flat["number"] == "R-0001"
    assert flat["authored_on"] == "2026-09-14 12:22:18+00:00"
    assert flat["urgency"] == "urgent"
    assert flat["reasons"] == "sleep, Cries; at lunch"
    assert flat["student.local_id"] == "100234"
    assert flat["student.given_name"] == "Zoë"
    assert (flat["guardian.name"], flat["guardian.phone"]) == ("Ada Ñandú", "1")
    assert flat["release.health.answer"] == "refused"


def test_a_reference_by_urn_is_found_in_its_bundle(tmp_path: Path) -> None:
    url = "urn:uuid:11111111-2222-3333-4444-555555555555"
    request = REQUEST | {"subject": {"reference": url}}
    path = written(tmp_path, bundle(PATIENT, request, urls=(url, "urn:uuid:x")))
    assert cells(path, "Patient.birthDate") == [["2012-03-04"]]


def test_without_what_the_family_signed_the_row_waits_for_a_person(tmp_path: Path) -> None:
    found = outcome(tmp_path, written(tmp_path, REQUEST, PATIENT))
    assert isinstance(found, Held)
    assert {reason.code for reason in found.reasons} == {"not-on-form"}


@pytest.mark.parametrize("missing", ["priority", "identifier", "subject"])
def test_what_the_referral_does_not_say_is_not_made_up(tmp_path: Path, missing: str) -> None:
    request = {name: value for name, value in REQUEST.items() if name != missing}
    found = outcome(tmp_path, written(tmp_path, request, PATIENT), office(tmp_path))
    assert isinstance(found, Held)


def test_two_patients_of_one_id_hold_the_referral(tmp_path: Path) -> None:
    path = written(tmp_path, REQUEST, PATIENT, PATIENT | {"birthDate": "2011-01-01"})
    assert cells(path, "Patient.birthDate", "Patient.gender") == [[SEVERAL, "female"]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (PATIENT, "holds no ServiceRequest"),
        ({"id": "x"}, "object 1: is no FHIR resource"),
        (bundle(REQUEST | {"modifierExtension": []}), "modifierExtension"),
        (bundle(REQUEST | {"status": "entered-in-error"}), "entered in error"),
        ({"resourceType": "Bundle", "entry": [{"fullUrl": "x"}]}, "Bundle.entry 1: holds no"),
        ({"resourceType": "Bundle", "entry": {}}, "Bundle.entry: is no list"),
    ],
    ids=range(6),
)
def test_what_is_no_referral_is_refused_with_its_place(
    tmp_path: Path, line: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        cells(written(tmp_path, line), "ServiceRequest.id")


def test_what_we_send_can_be_read_back(tmp_path: Path) -> None:
    made = referral_resources(FULL, CONTEXT)
    places = (
        "ServiceRequest.identifier.value where type.coding.code is PLAC",
        "ServiceRequest.priority",
        "Patient.name.family",
        "Patient.birthDate",
        "RelatedPerson.1.name.text",
    )
    assert isinstance(FULL, Referral)
    assert FULL.guardian is not None
    student = FULL.student
    expected = [FULL.number, FULL.urgency.code, student.family_name]
    expected += [student.birth_date.isoformat(), FULL.guardian.name]
    assert cells(written(tmp_path, *made), *places) == [expected]
