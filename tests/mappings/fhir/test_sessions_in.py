"""What a provider sends is read as the session it was."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mappings.canonical import Attendance, Modality, Place, ServiceSession
from mappings.fhir import care_consent, session_resources
from mappings.fhir.care_consent import CareConsent
from mappings.fhir.errors import ParseError
from mappings.fhir.sessions_in import parse_appointment, parse_encounter, service_request_id
from tests.support.fhir_records import ATTENDED, ORIGIN, SESSION_CONTEXT, sessions

SITES = {"Location/maple-mhs-site"}
SECRET = "Zanzibar-Smith-7731"


def encounter(**changes: object) -> dict[str, Any]:
    return {**session_resources(ATTENDED, SESSION_CONTEXT)[0], **changes}


def kept(session: ServiceSession) -> ServiceSession:
    """Return what of a session a resource can carry back."""
    told = replace(session, patient_id=SESSION_CONTEXT.patient_id)
    return (
        told
        if told.attendance is Attendance.ATTENDED
        else replace(told, place=told.place if told.place is Place.SCHOOL else None, licence=None)
    )


def all_sessions() -> Iterator[ServiceSession]:
    yield from sessions()


def test_every_session_comes_back_as_it_was_built() -> None:
    for session in all_sessions():
        resource = session_resources(session, SESSION_CONTEXT)[0]
        if resource["resourceType"] == "Encounter":
            assert parse_encounter(resource, ORIGIN, SITES) == kept(session)
        else:
            assert parse_appointment(resource, ORIGIN, SITES) == kept(session)


STATUSES = [
    ("planned", Attendance.BOOKED),
    ("arrived", Attendance.BOOKED),
    ("in-progress", Attendance.BOOKED),
    ("finished", Attendance.ATTENDED),
    ("cancelled", Attendance.CANCELLED),
]


@pytest.mark.parametrize(("status", "attendance"), STATUSES)
def test_only_a_finished_encounter_was_attended(status: str, attendance: Attendance) -> None:
    assert parse_encounter(encounter(status=status), ORIGIN).attendance is attendance


@pytest.mark.parametrize("status", ["entered-in-error", "unknown", SECRET])
def test_a_status_that_is_no_session_is_refused_without_being_quoted(status: str) -> None:
    with pytest.raises(ParseError, match=r"Encounter\.status") as caught:
        parse_encounter(encounter(status=status), ORIGIN)
    assert SECRET not in str(caught.value)


PLACES = [("VR", Place.TELEHEALTH), ("HH", Place.HOME), ("AMB", Place.CLINIC), ("FLD", None)]


@pytest.mark.parametrize(("code", "place"), PLACES)
def test_the_class_alone_never_says_school(code: str, place: Place | None) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}
    assert parse_encounter(encounter(**{"class": coding}), ORIGIN).place is place
    assert parse_encounter(encounter(**{"class": coding}), ORIGIN, SITES).place is Place.SCHOOL


def test_a_type_of_another_system_is_no_modality() -> None:
    other = [{"coding": [{"system": "http://other.example", "code": "18512000"}]}]
    assert parse_encounter(encounter(type=other), ORIGIN).modality is None
    ours = [{"coding": [{"system": "http://snomed.info/sct", "code": "108313002"}]}]
    assert parse_encounter(encounter(type=ours), ORIGIN).modality is Modality.FAMILY


@pytest.mark.parametrize("start", ["2026-09", "2026-09-09T13:00:00", SECRET, 7])
def test_a_time_that_is_no_instant_is_refused_without_being_quoted(start: object) -> None:
    with pytest.raises(ParseError, match=r"Encounter\.period\.start") as caught:
        parse_encounter(encounter(period={"start": start}), ORIGIN)
    assert SECRET not in str(caught.value)


def test_a_day_without_a_time_stays_a_day() -> None:
    found = parse_encounter(encounter(period={"start": "2026-09-09"}), ORIGIN)
    assert found.starts == date(2026, 9, 9)
    assert not isinstance(found.starts, datetime)


def test_the_referral_is_found_by_reference_or_by_number() -> None:
    assert service_request_id(encounter()) == "servicerequest-r-2026-0002"
    versioned = encounter(basedOn=[{"reference": "ServiceRequest/abc/_history/3"}])
    assert service_request_id(versioned) == "abc"
    number = [{"identifier": {"system": "urn:x", "value": "R-7"}}]
    assert parse_encounter(encounter(basedOn=number), ORIGIN).referral_number == "R-7"
    assert service_request_id(encounter(basedOn=number)) is None


def test_a_resource_of_another_server_is_none_of_ours() -> None:
    url = "https://bridge.example/fhir/ServiceRequest/abc"
    sent = encounter(basedOn=[{"reference": url}], subject={"reference": "https://x/Patient/p"})
    assert service_request_id(sent) is None
    assert service_request_id(sent, "https://other.example/fhir") is None
    assert service_request_id(sent, "https://bridge.example/fhir/") == "abc"
    assert parse_encounter(sent, ORIGIN).patient_id is None
    assert parse_encounter(sent, ORIGIN, base="https://x").patient_id == "p"


def test_a_subject_that_is_no_patient_gives_no_patient() -> None:
    group = encounter(subject={"reference": "Group/x"})
    assert parse_encounter(group, ORIGIN).patient_id is None


def test_an_appointment_of_two_patients_is_given_to_neither() -> None:
    two = [{"actor": {"reference": f"Patient/{name}"}, "status": "accepted"} for name in "ab"]
    appointment = {"resourceType": "Appointment", "id": "a", "status": "booked", "participant": two}
    assert parse_appointment(appointment, ORIGIN).patient_id is None
    assert parse_appointment({**appointment, "participant": two[:1]}, ORIGIN).patient_id == "a"


def test_an_instant_keeps_its_moment() -> None:
    found = parse_encounter(encounter(period={"start": "2026-09-09T09:00:00-04:00"}), ORIGIN)
    assert found.starts == datetime(2026, 9, 9, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("consent", CareConsent)
def test_whose_consent_care_rests_on_is_read_back(consent: CareConsent) -> None:
    resource = encounter(extension=[care_consent.build(consent)])
    assert care_consent.parse(resource) is consent


def test_a_provider_that_does_not_say_whose_consent_is_not_guessed_for() -> None:
    assert care_consent.parse(encounter()) is None
    assert (
        care_consent.parse(encounter(extension=[{"url": "http://x", "valueCode": "minor"}])) is None
    )


@pytest.mark.parametrize("value", [SECRET, None, 1, "Guardian"])
def test_an_unreadable_answer_about_consent_is_a_fault_not_a_guess(value: object) -> None:
    told = {**care_consent.build(CareConsent.MINOR), "valueCode": value}
    with pytest.raises(ParseError, match="guardian, minor or adult") as caught:
        care_consent.parse(encounter(extension=[told]))
    assert SECRET not in repr(caught.value.__cause__) + str(caught.value)


def test_two_answers_about_consent_are_a_fault() -> None:
    both = [care_consent.build(CareConsent.GUARDIAN), care_consent.build(CareConsent.MINOR)]
    with pytest.raises(ParseError, match="once"):
        care_consent.parse(encounter(extension=both))
