"""What a provider reads in the resources of a referral or session."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from mappings.canonical import Attendance, Coded, Release, Screening
from mappings.fhir import appointment, encounter, referral_resources, session_resources
from mappings.fhir.errors import FhirError, MissingValueError, UnknownCodeError
from tests.support.fhir_records import (
    ATTENDED,
    BARE,
    CONTEXT,
    FULL,
    SESSION_CONTEXT,
    SIGNED,
    id_for,
    referrals,
)

BASE = "https://schoolbridge.example/fhir"


def all_of(resource_type: str, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in made if item["resourceType"] == resource_type]


def one(resource_type: str, made: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = all_of(resource_type, made)
    return found


def codes(concept: dict[str, Any]) -> list[tuple[str, str]]:
    return [(coding["system"], coding["code"]) for coding in concept["coding"]]


def test_the_resources_of_a_referral_come_in_a_fixed_order() -> None:
    kinds = [item["resourceType"] for item in referral_resources(FULL, CONTEXT)]
    assert kinds == [
        *("Patient", "RelatedPerson", "Consent", "Consent"),
        *["Observation"] * 7,
        *("ServiceRequest", "Task", "Provenance"),
    ]
    bare = [item["resourceType"] for item in referral_resources(BARE, CONTEXT)]
    assert bare == ["Patient", "ServiceRequest", "Task", "Provenance"]


def test_every_reference_leads_to_a_resource_made_or_to_a_known_organization() -> None:
    known = {"Organization/maple", "Organization/maple-mhs", "Organization/harbor"}
    for referral in referrals():
        made = referral_resources(referral, CONTEXT)
        ids = {f"{item['resourceType']}/{item['id']}" for item in made}
        assert len(ids) == len(made)
        assert set(references(made)) <= ids | known


def references(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in references(item)]
    if isinstance(value, dict):
        inner = [text for item in value.values() for text in references(item)]
        return [*inner, value["reference"]] if isinstance(value.get("reference"), str) else inner
    return []


def test_a_patient_is_known_by_the_bridges_the_districts_and_the_states_identifier() -> None:
    patient = one("Patient", referral_resources(FULL, CONTEXT))
    assert [(item["system"], item["value"]) for item in patient["identifier"]] == [
        (f"{BASE}/NamingSystem/student", "patient-1002"),
        (f"{BASE}/NamingSystem/local-student/maple", "1002"),
        (f"{BASE}/NamingSystem/state-student/xx", "9900112233"),
    ]
    assert patient["managingOrganization"] == {"reference": "Organization/maple-mhs"}
    assert patient["id"] == "patient-1002"


def test_a_sex_the_source_does_not_give_is_unknown_and_has_no_source_text() -> None:
    patient = one("Patient", referral_resources(BARE, CONTEXT))
    assert patient["gender"] == "unknown"
    assert "_gender" not in patient
    told = one("Patient", referral_resources(FULL, CONTEXT))
    assert told["_gender"]["extension"][0]["valueString"] == "F"


def test_the_service_request_carries_number_priority_concerns_and_the_words_used() -> None:
    request = one("ServiceRequest", referral_resources(FULL, CONTEXT))
    (number,) = request["identifier"]
    assert (number["system"], number["value"]) == (
        f"{BASE}/NamingSystem/referral/maple",
        "R-2026-0002",
    )
    assert codes(number["type"])[0][1] == "PLAC"
    assert request["priority"] == "urgent"
    assert request["_priority"]["extension"][0]["valueString"] == "Urgent (24 hours)"
    assert [codes(item)[0][1] for item in request["reasonCode"]] == ["anxiety", "grief"]
    assert [item["text"] for item in request["reasonCode"]] == ["Worries a lot", "Pérdida reciente"]
    assert [item["text"] for item in request["note"]][1] == "Check-in each morning"


def test_the_school_asks_and_no_referrers_name_is_written_anywhere() -> None:
    made = referral_resources(FULL, CONTEXT)
    request = one("ServiceRequest", made)
    assert request["requester"] == {"reference": "Organization/maple-mhs"}
    assert request["performer"] == [{"reference": "Organization/harbor"}]
    assert FULL.referrer_name is not None
    assert FULL.referrer_name not in repr(made)


def test_supporting_information_is_the_consents_and_observations() -> None:
    made = referral_resources(FULL, CONTEXT)
    wanted = [
        f"{item['resourceType']}/{item['id']}"
        for item in made
        if item["resourceType"] in ("Consent", "Observation")
    ]
    request = one("ServiceRequest", made)
    assert [item["reference"] for item in request["supportingInfo"]] == wanted


def test_a_service_not_named_is_a_plain_referral_not_a_guess() -> None:
    request = one("ServiceRequest", referral_resources(BARE, CONTEXT))
    assert codes(request["code"])[0] == ("http://snomed.info/sct", "3457005")
    asked = replace(BARE, requested_service=Coded("group", "Small group"))
    request = one("ServiceRequest", referral_resources(asked, CONTEXT))
    assert codes(request["code"])[0] == ("http://snomed.info/sct", "76168009")
    assert request["code"]["text"] == "Small group"


def test_a_guardian_not_to_be_contacted_shows_on_the_request_and_the_person() -> None:
    assert FULL.guardian is not None
    silent = replace(FULL, guardian=replace(FULL.guardian, contact_prohibited=True))
    made = referral_resources(silent, CONTEXT)
    detail = one("ServiceRequest", made)["orderDetail"]
    assert codes(detail[0])[0][1] == "contacting-subject-prohibited"
    assert one("RelatedPerson", made)["extension"][0]["valueBoolean"] is True
    assert "orderDetail" not in one("ServiceRequest", referral_resources(FULL, CONTEXT))


def test_the_task_asks_the_provider_on_behalf_of_the_district() -> None:
    task = one("Task", referral_resources(FULL, CONTEXT))
    assert (task["status"], task["intent"]) == ("requested", "order")
    assert codes(task["businessStatus"]) == [(f"{BASE}/CodeSystem/follow-up", "sent")]
    assert task["focus"] == {"reference": "ServiceRequest/servicerequest-r-2026-0002"}
    assert task["requester"] == {"reference": "Organization/maple"}
    assert task["owner"] == {"reference": "Organization/harbor"}
    assert task["authoredOn"] == "2026-09-01T09:30:00Z"


def test_a_day_stays_a_day_and_an_instant_is_written_in_utc() -> None:
    day = one("Task", referral_resources(BARE, CONTEXT))
    assert day["authoredOn"] == "2026-09-01"
    local = datetime(2026, 9, 1, 23, 30, tzinfo=timezone(timedelta(hours=-4)))
    made = referral_resources(replace(BARE, authored_on=local), CONTEXT)
    assert one("ServiceRequest", made)["authoredOn"] == "2026-09-02T03:30:00Z"


SCORES = [
    ("phq-9", "44261-6"),
    ("phq-a", "89204-2"),
    ("gad-7", "70274-6"),
    ("psc-17", None),
    ("sdq", None),
    ("bess", None),
]


@pytest.mark.parametrize(("instrument", "loinc"), SCORES)
def test_a_score_has_a_loinc_code_only_where_one_is_verified(
    instrument: str, loinc: str | None
) -> None:
    score = Screening(Coded(instrument, "as on the form"), FULL.screenings[2].score)
    made = referral_resources(replace(BARE, screenings=(score,)), CONTEXT)
    observation = one("Observation", made)
    ours = (f"{BASE}/CodeSystem/instruments", instrument)
    assert codes(observation["code"]) == [*([("http://loinc.org", loinc)] if loinc else []), ours]
    assert observation["valueQuantity"]["value"] == 61.5
    assert "effectiveDateTime" not in observation


def test_two_scores_of_one_instrument_are_two_observations() -> None:
    score = FULL.screenings[0]
    later = replace(score, screened_on=date(2026, 9, 1))
    made = referral_resources(replace(BARE, screenings=(score, later)), CONTEXT)
    assert len({item["id"] for item in all_of("Observation", made)}) == 2


CONSENTS = [
    ("signed", "active", "permit"),
    ("refused", "rejected", "deny"),
    ("pending", "proposed", "deny"),
]


@pytest.mark.parametrize(("answer", "status", "kind"), CONSENTS)
def test_only_a_signed_form_is_a_permit(answer: str, status: str, kind: str) -> None:
    release = replace(SIGNED, answer=answer)
    made = referral_resources(replace(BARE, releases=(release,)), CONTEXT)
    consent = one("Consent", made)
    assert (consent["status"], consent["provision"]["type"]) == (status, kind)


def test_a_consent_claims_the_profile_only_with_the_date_it_requires() -> None:
    undated = Release(form="health", answer="refused")
    made = referral_resources(replace(BARE, releases=(SIGNED, undated)), CONTEXT)
    dated, bare = all_of("Consent", made)
    assert dated["meta"]["profile"][0].endswith("SDOHCC-Consent")
    assert "meta" not in bare
    assert dated["provision"]["period"] == {"start": "2026-08-30", "end": "2027-06-30"}


def test_a_form_signed_by_the_guardian_refers_to_the_guardian() -> None:
    consent = all_of("Consent", referral_resources(FULL, CONTEXT))[0]
    assert consent["performer"] == [{"reference": "RelatedPerson/relatedperson-1002"}]
    other = replace(FULL, releases=(replace(SIGNED, signer="Someone Else"),))
    consent = one("Consent", referral_resources(other, CONTEXT))
    assert consent["performer"] == [{"display": "Someone Else"}]


def test_a_form_the_student_signed_refers_to_the_student() -> None:
    own = replace(SIGNED, signer="Zoë", signer_relationship=Coded("ONESELF", "self"))
    consent = one("Consent", referral_resources(replace(FULL, releases=(own,)), CONTEXT))
    assert consent["performer"] == [{"reference": "Patient/patient-1002"}]


def test_provenance_names_the_row_and_everything_made_from_it() -> None:
    made = referral_resources(FULL, CONTEXT)
    provenance = made[-1]
    assert len(provenance["target"]) == len(made) - 1
    locator = provenance["entity"][0]["what"]["identifier"]["value"]
    assert locator == "maple-form/referrals.csv#2"
    assert provenance["recorded"] == "2026-09-02T14:05:00Z"


def test_the_record_alone_decides_the_ids() -> None:
    asked: list[tuple[str, str]] = []

    def remember(resource_type: str, key: str) -> str:
        asked.append((resource_type, key))
        return id_for(resource_type, key)

    context = replace(CONTEXT, id_for=remember)
    referral_resources(BARE, context)
    assert asked == [
        ("Patient", "1001"),
        ("ServiceRequest", "R-2026-0001"),
        ("Task", "R-2026-0001"),
        ("Provenance", "R-2026-0001"),
    ]


UNKNOWN = [
    {"reasons": (Coded("zzz", "secret words"),)},
    {"requested_service": Coded("zzz", "secret words")},
    {"referrer_role": Coded("zzz", "secret words")},
    {"student": replace(BARE.student, grade=Coded("zzz", "secret words"))},
    {"screenings": (replace(FULL.screenings[0], instrument=Coded("zzz", "secret words")),)},
    {"releases": (replace(SIGNED, purpose="zzz"),)},
    {"releases": (replace(SIGNED, elements=("zzz",)),)},
    {"releases": (replace(SIGNED, form="zzz"),)},
]


@pytest.mark.parametrize("change", UNKNOWN)
def test_a_code_of_no_table_is_refused_without_being_quoted(change: dict[str, Any]) -> None:
    with pytest.raises(UnknownCodeError) as caught:
        referral_resources(replace(BARE, **change), CONTEXT)
    assert "secret" not in str(caught.value)
    assert "zzz" not in str(caught.value)


def test_a_school_that_is_not_registered_is_refused_without_being_quoted() -> None:
    lost = replace(BARE, student=replace(BARE.student, school="SECRET-9"))
    with pytest.raises(MissingValueError, match="add the school first") as caught:
        referral_resources(lost, CONTEXT)
    assert "SECRET" not in str(caught.value)


def test_an_attended_session_is_an_encounter_at_the_school() -> None:
    found = one("Encounter", session_resources(ATTENDED, SESSION_CONTEXT))
    assert found["status"] == "finished"
    assert found["class"]["code"] == "FLD"
    assert found["location"] == [{"location": {"reference": "Location/maple-mhs-site"}}]
    assert found["basedOn"] == [{"reference": "ServiceRequest/servicerequest-r-2026-0002"}]
    assert found["period"] == {"start": "2026-09-09T13:00:00Z", "end": "2026-09-09T13:45:00Z"}


MISSED = [
    (Attendance.BOOKED, "booked"),
    (Attendance.NO_SHOW, "noshow"),
    (Attendance.CANCELLED, "cancelled"),
]


@pytest.mark.parametrize(("attendance", "status"), MISSED)
def test_a_session_that_did_not_take_place_is_an_appointment_not_an_encounter(
    attendance: Attendance, status: str
) -> None:
    made = session_resources(replace(ATTENDED, attendance=attendance), SESSION_CONTEXT)
    assert [item["resourceType"] for item in made] == ["Appointment", "Provenance"]
    assert made[0]["status"] == status


def test_a_builder_refuses_a_session_of_the_other_kind() -> None:
    with pytest.raises(MissingValueError, match="only an attended session"):
        encounter.build(replace(ATTENDED, attendance=Attendance.BOOKED), "e", SESSION_CONTEXT)
    with pytest.raises(MissingValueError, match="an attended session is an Encounter"):
        appointment.build(ATTENDED, "a", SESSION_CONTEXT)


def test_a_session_without_referral_or_place_names_neither() -> None:
    context = replace(SESSION_CONTEXT, service_request_id=None, school_location_id=None)
    for attendance in (Attendance.ATTENDED, Attendance.BOOKED):
        made = session_resources(replace(ATTENDED, attendance=attendance), context)[0]
        assert "basedOn" not in made
        assert "Location/" not in repr(made)


def test_an_end_nobody_gave_is_marked_absent_not_made_up() -> None:
    session = replace(ATTENDED, attendance=Attendance.BOOKED, ends=None)
    found = one("Appointment", session_resources(session, SESSION_CONTEXT))
    assert "end" not in found
    assert found["_end"]["extension"][0]["valueCode"] == "unknown"


def test_a_booked_session_without_a_start_is_refused() -> None:
    session = replace(ATTENDED, attendance=Attendance.BOOKED, starts=None)
    with pytest.raises(FhirError, match=r"Appointment\.start"):
        session_resources(session, SESSION_CONTEXT)


def test_what_speaks_of_mental_health_is_labelled() -> None:
    made = referral_resources(FULL, CONTEXT) + session_resources(ATTENDED, SESSION_CONTEXT)
    labelled = {item["resourceType"] for item in made if item.get("meta", {}).get("security")}
    assert labelled == {"Observation", "ServiceRequest", "Task", "Encounter"}
