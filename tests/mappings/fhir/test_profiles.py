"""What the builders make is valid by an outside judge, and the judge is worth asking."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mappings.fhir import (
    consent_exchange,
    location,
    organization,
    referral_resources,
    screening_resources,
    session_resources,
)
from mappings.fhir.organization import Party, PartyKind
from tests.support.exchanged_forms import FORMS, PATIENT
from tests.support.fhir_records import ATTENDED, CONTEXT, FULL, SESSION_CONTEXT, referrals, sessions
from tests.support.profiles import IG, Alarm, all_alarms, is_known, known_alarms, validate
from tests.support.screening_records import FULL_SCREENING, screenings

pytestmark = [pytest.mark.validator, pytest.mark.xdist_group("validator")]

EXAMPLES = sorted((IG / "examples").glob("*.json"))


def built() -> Iterator[dict[str, Any]]:
    for referral in referrals():
        yield from referral_resources(referral, CONTEXT)
    for session in sessions():
        yield from session_resources(session, SESSION_CONTEXT)
    for screening in screenings():
        yield from screening_resources(screening, CONTEXT)
    yield from directory()
    yield from (consent_exchange.build(form, "c1", PATIENT) for form in FORMS)


def directory() -> Iterator[dict[str, Any]]:
    npi = (("http://hl7.org/fhir/sid/us-npi", "1234567893"),)
    yield organization.build(Party("maple", PartyKind.DISTRICT, "Maple District"))
    yield organization.build(Party("mhs", PartyKind.SCHOOL, "Maple High", part_of="maple"))
    yield organization.build(
        Party("harbor", PartyKind.PROVIDER, "Harbor Clinic", None, npi, "555-0102", "a@example.org")
    )
    yield location.build("mhs-site", "Maple High", "mhs")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def one(resource_type: str) -> dict[str, Any]:
    made = [*referral_resources(FULL, CONTEXT), *session_resources(ATTENDED, SESSION_CONTEXT)]
    made += screening_resources(FULL_SCREENING, CONTEXT)
    return deepcopy(next(item for item in made if item["resourceType"] == resource_type))


@cache
def alarms() -> frozenset[Alarm]:
    return frozenset(all_alarms([*built(), *map(read, EXAMPLES)]))


def test_everything_the_builders_make_is_valid() -> None:
    assert [alarm for alarm in alarms() if not is_known(alarm)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_guides_own_examples_pass(path: Path) -> None:
    assert validate([read(path)]) == []


def test_every_known_false_alarm_still_occurs() -> None:
    gone = [entry for entry in known_alarms() if not any(map(entry.covers, alarms()))]
    assert gone == []


FAULTS = [
    ("Encounter", "status", None, "Encounter.status"),
    ("Encounter", "status", "banana", "Encounter.status"),
    ("Encounter", "type", None, "Encounter.type"),
    ("Encounter", "subject", {"reference": "Organization/harbor"}, "Encounter.subject"),
    ("Encounter", "serviceProvider", {"reference": "Patient/x"}, "Encounter.serviceProvider"),
    ("Encounter", "period", {"start": "2026-09-02", "end": "2026-09-01"}, "Encounter.period"),
    ("Encounter", "colour", "red", "Encounter.colour"),
    ("Encounter", "class", {"system": "http://x.example", "code": "?"}, "Encounter.class"),
    ("Task", "owner", {"reference": "Location/x"}, "Task.owner"),
    ("Task", "owner", "harbor", "Task.owner"),
    ("Task", "focus", None, "Task.focus"),
    ("Task", "status", "received", "Task.status"),
    ("Task", "intent", "plan", "Task.intent"),
    ("Task", "authoredOn", "1 September", "Task.authoredOn"),
    ("ServiceRequest", "code", None, "ServiceRequest.code"),
    ("ServiceRequest", "priority", "soon", "ServiceRequest.priority"),
    ("ServiceRequest", "subject", {"reference": "Encounter/x"}, "ServiceRequest.subject"),
    ("Patient", "name", None, "Patient.name"),
    ("Patient", "gender", "F", "Patient.gender"),
    ("Patient", "identifier", [{"value": "1"}], "Patient.identifier"),
    ("Consent", "dateTime", None, "Consent.dateTime"),
    ("Consent", "category", [{"text": "?"}], "Consent.category"),
    ("Observation", "category", None, "Observation.category"),
    ("QuestionnaireResponse", "questionnaire", None, "QuestionnaireResponse.questionnaire"),
    ("QuestionnaireResponse", "status", "done", "QuestionnaireResponse.status"),
    ("QuestionnaireResponse", "authored", None, "QuestionnaireResponse.authored"),
    ("RelatedPerson", "active", "yes", "RelatedPerson.active"),
    ("Provenance", "agent", None, "Provenance.agent"),
]


@pytest.mark.parametrize(("resource_type", "element", "value", "path"), FAULTS)
def test_the_judge_catches_a_planted_fault(
    resource_type: str, element: str, value: object, path: str
) -> None:
    broken = one(resource_type)
    if value is None:
        del broken[element]
    else:
        broken[element] = value
    assert any(alarm.path.startswith(path) for alarm in validate([broken]))


def test_the_judge_catches_an_extension_nobody_defined() -> None:
    broken = one("Patient")
    broken["extension"].append({"url": "https://other.example/x", "valueCode": "x"})
    assert any("extension" in alarm.path for alarm in validate([broken]))
