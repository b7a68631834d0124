"""Patient from a Student (US Core 6.1.0 Patient)."""

from typing import Any, Final

from mappings.canonical import Student
from mappings.fhir.canonicals import (
    GRADE_LEVEL,
    INTERPRETER_REQUIRED,
    LANGUAGE,
    STUDENT_SYSTEM,
    US_CORE,
)
from mappings.fhir.context import DistrictSystems
from mappings.fhir.elements import Json, coded_concept, concept, meta, source_text, telecom
from mappings.fhir.terminology import table

META: Final = meta([f"{US_CORE}patient"])
_GRADES: Final = table("grade-levels")


def build(student: Student, patient_id: str, school: Json, systems: DistrictSystems) -> Json:
    """Build the Patient; the bridge's own identifier is its id.

    US Core requires ``gender``; where the source does not say, the value set's own ``unknown`` does
    (US Core, Missing Data).

    Raises:
        UnknownCodeError: the grade is not a code of ours.
    """
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "id": patient_id,
        "meta": META,
        "identifier": _identifiers(student, patient_id, systems),
        "name": [{"family": student.family_name, "given": [student.given_name]}],
        "gender": "unknown",
        "birthDate": student.birth_date.isoformat(),
        "managingOrganization": school,
    }
    if student.sex is not None:
        patient["gender"] = student.sex.code or "unknown"
        patient["_gender"] = source_text(student.sex.text)
    parts = (
        ("extension", _extensions(student)),
        ("telecom", telecom(student.phone, student.email)),
        ("address", _addresses(student)),
        ("communication", _languages(student)),
    )
    patient.update((name, value) for name, value in parts if value)
    return patient


def _identifiers(student: Student, patient_id: str, systems: DistrictSystems) -> list[Json]:
    identifiers = [
        {"system": STUDENT_SYSTEM, "value": patient_id},
        {"system": systems.local_student, "value": student.local_id},
    ]
    if student.state_id:
        identifiers.append({"system": systems.state_student, "value": student.state_id})
    return identifiers


def _extensions(student: Student) -> list[Json]:
    extensions: list[Json] = []
    if student.grade is not None:
        grade = concept(_GRADES, student.grade, "Patient.extension(grade-level)")
        extensions.append({"url": GRADE_LEVEL, "valueCodeableConcept": grade})
    if student.interpreter_needed is not None:
        extensions.append({"url": INTERPRETER_REQUIRED, "valueBoolean": student.interpreter_needed})
    return extensions


def _addresses(student: Student) -> list[Json]:
    address: dict[str, Any] = {}
    if student.address_line:
        address["line"] = [student.address_line]
    if student.city:
        address["city"] = student.city
    if student.state:
        address["state"] = student.state
    if student.postal_code:
        address["postalCode"] = student.postal_code
    return [address] if address else []


def _languages(student: Student) -> list[Json]:
    language = student.home_language
    if language is None:
        return []
    return [{"language": coded_concept(LANGUAGE, language)}]
