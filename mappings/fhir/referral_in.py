"""Referral from the resources it was built into: the way back of :mod:`mappings.fhir.referral`.

Only what the builders write is read. What they do not write is not there: who refers by name, who
discloses, the relationship of who signed (but for the student), whether the student is enrolled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from mappings.canonical import Coded, Guardian, Referral, Screening, SourceRow, Student
from mappings.fhir import consent, service_request
from mappings.fhir.canonicals import (
    CONTACT_PROHIBITED,
    GRADE_LEVEL,
    INTERPRETER_REQUIRED,
    LANGUAGE,
    NOTE_ABOUT,
    REFERRER_ROLE,
    ROLE_CODE,
    SOURCE_TEXT,
)
from mappings.fhir.context import DistrictSystems
from mappings.fhir.elements import Json
from mappings.fhir.errors import ParseError
from mappings.fhir.task import PARENT_NOTIFIED
from mappings.fhir.terminology import CodeTable, table

NEVER_HELD: Final = (
    *("referrer_name", "student.enrolled"),
    *("release.education.discloser", "release.education.signer_relationship"),
    *("release.health.discloser", "release.health.signer_relationship"),
)
"""Fields no resource holds. That a student signed comes back, with the student's own name."""
_UNSPECIFIED: Final = "unspecified"
_FACTS: Final = ("attendance-percent", "discipline-count", "plan-504", "iep")


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a reader needs beside the resources.

    Attributes:
        systems: the district's identifier systems.
        school_codes: id of a school's Organization -> the district's code of it.
        parties: id of an Organization -> ``lea`` or ``provider``.
    """

    systems: DistrictSystems
    school_codes: Mapping[str, str] = field(default_factory=dict)
    parties: Mapping[str, str] = field(default_factory=dict)


def parse_referral(resources: Iterable[Json], origin: SourceRow, back: WayBack) -> Referral:
    """Read the resources of one referral.

    Observations and Consents count where the ServiceRequest lists them, in its order; of a Task
    only what the school put in.

    Args:
        resources: ServiceRequest, Patient, RelatedPersons (in the order they were named), Consents,
            Observations and, if known, the Task.
        origin: where the record comes from.
        back: the district's systems, schools and parties.

    Raises:
        ParseError: the ServiceRequest or the Patient is missing, or lacks what a referral needs.
    """
    found: dict[str, list[Json]] = {}
    for resource in resources:
        found.setdefault(str(resource.get("resourceType")), []).append(resource)
    try:
        return _referral(found, origin, back)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        text = "is not a referral as the bridge keeps one"
        raise ParseError("ServiceRequest", text) from None


def _referral(found: dict[str, list[Json]], origin: SourceRow, back: WayBack) -> Referral:
    (request,), (patient,) = found["ServiceRequest"], found["Patient"]
    people = {person["id"]: _guardian(person) for person in found.get("RelatedPerson", ())}
    named = _of_this_referral(tuple(people.values()), request)
    listed = [str(link["reference"]) for link in request.get("supportingInfo", ())]
    seen, forms = _listed(found, "Observation", listed), _listed(found, "Consent", listed)
    screens = [o for o in seen if _ours(o["code"], table("instruments"))]
    signers = {f"RelatedPerson/{key}": person.name for key, person in people.items()}
    signers[f"Patient/{patient['id']}"] = _written_name(patient)
    notes = {_extension(n, NOTE_ABOUT).get("valueCode"): n["text"] for n in request.get("note", ())}
    return Referral(
        number=_identified(request, back.systems.referral),
        authored_on=_moment(request["authoredOn"]),
        student=_student(patient, named if len(named) > 1 else (), back),
        urgency=Coded(request["priority"], _source_text(request["_priority"])),
        reasons=tuple(_coded(each, table("concerns")) for each in request.get("reasonCode", ())),
        origin=origin,
        description=notes.get("description"),
        interventions_tried=notes.get("interventions-tried"),
        requested_service=_service(request["code"]),
        referrer_role=_role(request),
        guardian=named[0] if named else None,
        screenings=tuple(_screening(each) for each in screens),
        releases=tuple(consent.parse(each, signers, back.parties) for each in forms),
        parent_notified=_notified(found.get("Task", ())),
        **_facts(seen),
    )


def _listed(found: Mapping[str, list[Json]], kind: str, listed: list[str]) -> list[Json]:
    """Return the resources of a type that a ServiceRequest lists, in its order."""
    by_link = {f"{kind}/{each['id']}": each for each in found.get(kind, ())}
    return [by_link[link] for link in listed if link in by_link]


def _student(patient: Json, guardians: tuple[Guardian, ...], back: WayBack) -> Student:
    phone, email = _telecom(patient)
    (address,) = patient.get("address", ({},))
    grade = _extension(patient, GRADE_LEVEL).get("valueCodeableConcept")
    languages = [_foreign(each["language"], LANGUAGE) for each in patient.get("communication", ())]
    school = patient["managingOrganization"]["reference"].partition("/")[2]
    sex = patient.get("_gender")
    return Student(
        local_id=_identified(patient, back.systems.local_student),
        family_name=patient["name"][0]["family"],
        given_name=patient["name"][0]["given"][0],
        birth_date=date.fromisoformat(patient["birthDate"]),
        state_id=_identified(patient, back.systems.state_student) or None,
        sex=Coded(patient["gender"], _source_text(sex)) if sex else None,
        grade=_coded(grade, table("grade-levels")) if grade else None,
        school=back.school_codes.get(school),
        home_language=languages[0] if languages else None,
        interpreter_needed=_extension(patient, INTERPRETER_REQUIRED).get("valueBoolean"),
        phone=phone,
        email=email,
        address_line=address.get("line", (None,))[0],
        city=address.get("city"),
        state=address.get("state"),
        postal_code=address.get("postalCode"),
        guardians=guardians,
    )


def _written_name(patient: Json) -> str:
    name = patient["name"][0]
    return f"{name['given'][0]} {name['family']}"


def _guardian(person: Json) -> Guardian:
    phone, email = _telecom(person)
    known = person.get("relationship")
    return Guardian(
        name=person["name"][0]["text"],
        relationship=_foreign(known[0], ROLE_CODE) if known else None,
        phone=phone,
        email=email,
        contact_prohibited=_extension(person, CONTACT_PROHIBITED).get("valueBoolean"),
    )


def _of_this_referral(named: tuple[Guardian, ...], request: Json) -> tuple[Guardian, ...]:
    """Return people with what this referral said of contact, where it named one of them.

    A person is known once, as the newest referral says; whether contact is prohibited stands in
    each ServiceRequest.
    """
    if len(named) != 1:
        return named
    prohibited = request.get("orderDetail") == service_request.NO_CONTACT
    said = named[0].contact_prohibited
    if prohibited or said:
        return (replace(named[0], contact_prohibited=True if prohibited else None),)
    return named


def _screening(observation: Json) -> Screening:
    day = observation.get("effectiveDateTime")
    return Screening(
        instrument=_coded(observation["code"], table("instruments")),
        score=_number(observation),
        screened_on=date.fromisoformat(day) if day else None,
    )


def _facts(observations: Iterable[Json]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in observations:
        code = _ours(each["code"], table("school-facts"))
        if code in _FACTS:
            whole = each.get("valueBoolean")
            found[code.replace("-", "_")] = _number(each) if whole is None else whole
    if "discipline_count" in found:
        found["discipline_count"] = int(found["discipline_count"])
    return found


def _service(concept: Json) -> Coded | None:
    code, text = _ours(concept, table("services")), concept.get("text")
    if code == _UNSPECIFIED:
        return Coded("", text) if text else None
    return Coded(code, text or code)


def _role(request: Json) -> Coded | None:
    role = _extension(request, REFERRER_ROLE).get("valueCodeableConcept")
    return _coded(role, table("referrer-roles")) if role else None


def _notified(tasks: Iterable[Json]) -> bool | None:
    said = [given for task in tasks for given in task.get("input", ())]
    ours = [given["valueBoolean"] for given in said if given["type"] == PARENT_NOTIFIED]
    return bool(ours[0]) if ours else None


def _extension(element: Json, url: str) -> Json:
    found = (each for each in element.get("extension", ()) if each.get("url") == url)
    return next(found, {})


def _source_text(element: Json) -> str:
    return str(_extension(element, SOURCE_TEXT)["valueString"])


def _identified(resource: Json, system: str) -> str:
    found = (i["value"] for i in resource["identifier"] if i.get("system") == system)
    return str(next(found, ""))


def _ours(concept: Json, codes: CodeTable) -> str:
    found = (c["code"] for c in concept.get("coding", ()) if c.get("system") == codes.system)
    return str(next(found, ""))


def _coded(concept: Json, codes: CodeTable) -> Coded:
    code = _ours(concept, codes)
    return Coded(code, str(concept.get("text", code)))


def _foreign(concept: Json, system: str) -> Coded:
    found = (c["code"] for c in concept.get("coding", ()) if c.get("system") == system)
    return Coded(str(next(found, "")), str(concept["text"]))


def _telecom(resource: Json) -> tuple[str | None, str | None]:
    points = {each["system"]: each["value"] for each in resource.get("telecom", ())}
    return points.get("phone"), points.get("email")


def _number(observation: Json) -> Decimal:
    return Decimal(str(observation["valueQuantity"]["value"]))


def _moment(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
