"""Reference: ``csv`` + dicts written by hand for this one file + ``orjson``. Nothing is checked."""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.arms import words as w
from benchmarks.arms.plain_people import (
    DISTRICT,
    LABELS,
    PROVIDER,
    Json,
    coding,
    education,
    health,
    patient,
    related_person,
    source_text,
)
from benchmarks.arms.timed import id_for, run


def observation(observation_id: str, profile: str, category: tuple[str, str], who: Json) -> Json:
    coded = {"system": w.HL7 + "observation-category", "code": category[0], "display": category[1]}
    return {
        "resourceType": "Observation",
        "id": observation_id,
        "meta": {"profile": [w.CORE + profile], "security": LABELS},
        "status": "final",
        "category": [{"coding": [coded]}],
        **who,
    }


def quantity(text: str, unit: str) -> Json:
    number = float(text) if "." in text else int(text)
    return {"value": number, "unit": unit, "system": w.UCUM, "code": unit}


def score(row: Json, key: str, who: Json) -> Json:
    instrument = row["Screening"]
    code, display, loinc = w.INSTRUMENTS[instrument]
    built = observation(
        id_for("Observation", f"{key}/{code}/1"),
        "observation-screening-assessment",
        ("survey", "Survey"),
        who,
    )
    codings = [{"system": w.LOINC, "code": loinc}, coding("instruments", code, display)]
    built["code"] = {"coding": codings, "text": instrument}
    built["valueQuantity"] = quantity(row["Screening score"], "{score}")
    built["effectiveDateTime"] = w.iso(row["Screening date"])
    return built


def fact(row: Json, code: str, display: str, who: Json) -> Json:
    built = observation(
        id_for("Observation", f"{row['Referral number']}/{code}"),
        "simple-observation",
        ("social-history", "Social History"),
        who,
    )
    built["code"] = {"coding": [coding("school-facts", code, display)]}
    built["effectiveDateTime"] = w.iso(row["Date of referral"])
    return built


def observations(row: Json, subject: Json, school: Json) -> list[Json]:
    who = {"subject": subject, "performer": [school]}
    attendance = fact(row, "attendance-percent", "Attendance at referral", who)
    attendance["valueQuantity"] = quantity(row["Attendance percent"], "%")
    plan = fact(row, "plan-504", "Has a section 504 plan", who)
    plan["valueBoolean"] = row["504 plan"] == "yes"
    return [score(row, row["Referral number"], who), attendance, plan]


def identifier(row: Json) -> list[Json]:
    placer = {"coding": [{"system": w.HL7 + "v2-0203", "code": "PLAC"}]}
    system = w.BASE + "/NamingSystem/referral/lakeview"
    return [{"type": placer, "system": system, "value": row["Referral number"]}]


def service_request(row: Json, request_id: str, links: Json) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": request_id,
        "meta": {
            "profile": [w.CORE + "servicerequest", w.SDOHCC + "ServiceRequest"],
            "security": LABELS,
        },
        "identifier": identifier(row),
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": w.SNOMED, "code": "409063005"}]}],
        "priority": w.URGENCIES[row["Urgency"]],
        "_priority": source_text(row["Urgency"]),
        "code": service(row["Service requested"]),
        "authoredOn": w.iso(row["Date of referral"]),
        "performer": [PROVIDER],
        "reasonCode": [reason(text) for text in row["Reasons"].split("; ")],
        "note": [
            note("description", row["Description"]),
            note("interventions-tried", row["Supports already tried"]),
        ],
        "extension": [referrer(row["Role of referrer"])],
        **links,
    }


def service(text: str) -> Json:
    code, display, snomed = w.SERVICES[text]
    codings = [{"system": w.SNOMED, "code": snomed}, coding("services", code, display)]
    return {"coding": codings, "text": text}


def note(about: str, text: str) -> Json:
    url = w.BASE + "/StructureDefinition/note-about"
    return {"extension": [{"url": url, "valueCode": about}], "text": text}


def referrer(text: str) -> Json:
    concept = {"coding": [coding("referrer-roles", *w.ROLES[text])], "text": text}
    url = w.BASE + "/StructureDefinition/referrer-role"
    return {"url": url, "valueCodeableConcept": concept}


def reason(text: str) -> Json:
    code, display = w.REASONS[text]
    return {"coding": [coding("concerns", code, display)], "text": text}


def task(row: Json, request: Json, subject: Json) -> Json:
    notified = {
        "coding": [{"system": w.BASE + "/CodeSystem/task-input", "code": "parent-notified"}]
    }
    return {
        "resourceType": "Task",
        "id": id_for("Task", row["Referral number"]),
        "meta": {"profile": [w.SDOHCC + "TaskForReferralManagement"], "security": LABELS},
        "identifier": identifier(row),
        "status": "requested",
        "businessStatus": {"coding": [coding("follow-up", "sent", "Sent to the provider")]},
        "intent": "order",
        "priority": w.URGENCIES[row["Urgency"]],
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
        },
        "focus": link(request),
        "for": subject,
        "authoredOn": w.iso(row["Date of referral"]),
        "requester": DISTRICT,
        "owner": PROVIDER,
        "input": [{"type": notified, "valueBoolean": row["Parent notified"] == "yes"}],
    }


def provenance(row: Json, number: int, targets: list[Json], school: Json) -> Json:
    author = {"coding": [{"system": w.HL7 + "provenance-participant-type", "code": "author"}]}
    transmitter = {"coding": [{"system": w.US_CORE_AGENT, "code": "transmitter"}]}
    locator = {
        "system": w.BASE + "/NamingSystem/source-row",
        "value": f"schoolbridge-template/referrals.csv#{number}",
    }
    return {
        "resourceType": "Provenance",
        "id": id_for("Provenance", row["Referral number"]),
        "meta": {"profile": [w.CORE + "provenance"]},
        "target": targets,
        "recorded": w.RECEIVED,
        "agent": [{"type": author, "who": school}, {"type": transmitter, "who": DISTRICT}],
        "entity": [{"role": "source", "what": {"identifier": locator}}],
    }


def link(resource: Json) -> Json:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def resources(row: Json, number: int) -> list[Json]:
    """Return the resources of one row; ``number`` is the row's number in a spreadsheet."""
    school = {"reference": "Organization/" + w.SCHOOLS[row["School"]]}
    subject_of = patient(row, id_for("Patient", row["Student ID"]), school)
    subject = link(subject_of)
    person = related_person(row, id_for("RelatedPerson", row["Student ID"]), subject)
    forms = [education(row, subject, link(person)), health(row, subject)]
    seen = observations(row, subject, school)
    links = {
        "subject": subject,
        "requester": school,
        "supportingInfo": [link(item) for item in (*forms, *seen)],
    }
    request = service_request(row, id_for("ServiceRequest", row["Referral number"]), links)
    built = [subject_of, person, *forms, *seen, request, task(row, request, subject)]
    return [*built, provenance(row, number, [link(item) for item in built], school)]


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row."""
    with source.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield b"".join(
                orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE)
                for item in resources(row, number)
            )


if __name__ == "__main__":
    run(convert)
