"""Reference: ``csv`` + FHIR models built by keyword, as a first reading of the manual suggests.

Every element is checked for structure and type by ``fhir.resources`` as it is made.
"""

from typing import Any

from fhir.resources.R4B.attachment import Attachment
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.consent import (
    Consent,
    ConsentPolicy,
    ConsentProvision,
    ConsentProvisionActor,
)
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.fhirprimitiveextension import FHIRPrimitiveExtension
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient, PatientCommunication
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.relatedperson import RelatedPerson

from benchmarks.arms import words as w
from benchmarks.arms.timed import id_for

Row = dict[str, str]
Model = Any  # the models have no common type that knows ``id``


def ours(table: str, code: str, display: str) -> Coding:
    return Coding(system=f"{w.BASE}/CodeSystem/{table}", code=code, display=display)


def concept(*codings: Coding, text: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=list(codings), text=text)


def to(resource_type: str, resource_id: str) -> Reference:
    return Reference(reference=f"{resource_type}/{resource_id}")


def meta(*profiles: str, labelled: bool = False) -> Meta:
    labels = [
        Coding(system=w.HL7 + "v3-Confidentiality", code="R", display="restricted"),
        Coding(
            system=w.HL7 + "v3-ActCode",
            code="MH",
            display="mental health information sensitivity",
        ),
    ]
    return Meta(profile=list(profiles), security=labels if labelled else None)


def said(text: str) -> FHIRPrimitiveExtension:
    url = w.BASE + "/StructureDefinition/source-text"
    return FHIRPrimitiveExtension(extension=[Extension(url=url, valueString=text)])


def extension(name: str, value: CodeableConcept) -> Extension:
    return Extension(url=f"{w.BASE}/StructureDefinition/{name}", valueCodeableConcept=value)


def patient(row: Row, patient_id: str, school: Reference) -> Patient:
    code, display = w.GRADES[row["student.grade"]]
    grade = concept(ours("grade-levels", code, display), text=row["student.grade"])
    language = Coding(system="urn:ietf:bcp:47", code=w.LANGUAGES[row["student.home_language"]])
    return Patient(
        id=patient_id,
        meta=meta(w.CORE + "patient"),
        identifier=[
            Identifier(system=w.BASE + "/NamingSystem/student", value=patient_id),
            Identifier(
                system=w.BASE + "/NamingSystem/local-student/lakeview",
                value=row["student.local_id"],
            ),
        ],
        name=[
            HumanName(family=row["student.family_name"], given=[row["student.given_name"]]),
        ],
        gender=w.SEXES[row["student.sex"]],
        gender__ext=said(row["student.sex"]),
        birthDate=row["student.birth_date"],
        managingOrganization=school,
        extension=[extension("grade-level", grade)],
        telecom=[ContactPoint(system="phone", value=row["student.phone"])],
        communication=[
            PatientCommunication(language=concept(language, text=row["student.home_language"]))
        ],
    )


def related_person(row: Row, person_id: str, subject: Reference) -> RelatedPerson:
    relationship = row["guardian.relationship"]
    coding = Coding(system=w.HL7 + "v3-RoleCode", code=w.RELATIONSHIPS[relationship])
    return RelatedPerson(
        id=person_id,
        meta=meta(w.CORE + "relatedperson"),
        active=True,
        patient=subject,
        name=[HumanName(text=row["guardian.name"])],
        relationship=[concept(coding, text=relationship)],
        telecom=[
            ContactPoint(system="phone", value=row["guardian.phone"]),
            ContactPoint(system="email", value=row["guardian.email"]),
        ],
    )


def provision(row: Row, kind: str) -> ConsentProvision:
    purpose = row["release.education.purpose"]
    reason, display = w.PURPOSES[purpose]
    recipient = concept(Coding(system=w.HL7 + "v3-ParticipationType", code="IRCP"))
    elements = sorted(row["release.education.elements"].split("; "))
    return ConsentProvision(
        type=kind,
        period=Period(
            start=row["release.education.signed_on"], end=row["release.education.expires_on"]
        ),
        actor=[ConsentProvisionActor(role=recipient, reference=to("Organization", "provider"))],
        purpose=[
            Coding(system=w.HL7 + "v3-ActReason", code=reason),
            ours("purposes", purpose, display),
        ],
        code=[concept(ours("release-elements", each, w.ELEMENTS[each])) for each in elements],
    )


def consent(row: Row, consent_id: str, subject: Reference, signer: Reference) -> Consent:
    status, kind = w.ANSWERS[row["release.education.answer"]]
    return Consent(
        id=consent_id,
        meta=meta(w.SDOHCC + "Consent"),
        status=status,
        scope=concept(Coding(system=w.HL7 + "consentscope", code="patient-privacy")),
        category=[concept(Coding(system=w.HL7 + "v3-ActCode", code="IDSCL"))],
        patient=subject,
        dateTime=row["release.education.signed_on"],
        performer=[signer],
        organization=[to("Organization", "district")],
        sourceAttachment=Attachment(title="Form kept by the school district"),
        policy=[ConsentPolicy(uri=w.EDUCATION_POLICY)],
        provision=provision(row, kind),
    )


def category(code: str, display: str) -> list[CodeableConcept]:
    return [concept(Coding(system=w.HL7 + "observation-category", code=code, display=display))]


def quantity(text: str, unit: str) -> Quantity:
    return Quantity(value=text, unit=unit, system=w.UCUM, code=unit)


def score(row: Row, subject: Reference, school: Reference) -> Observation:
    instrument = row["screening.1.instrument"]
    code, display, loinc = w.INSTRUMENTS[instrument]
    return Observation(
        id=id_for("Observation", f"{row['number']}/{code}/1"),
        meta=meta(w.CORE + "observation-screening-assessment", labelled=True),
        status="final",
        category=category("survey", "Survey"),
        subject=subject,
        performer=[school],
        code=concept(
            Coding(system=w.LOINC, code=loinc), ours("instruments", code, display), text=instrument
        ),
        valueQuantity=quantity(row["screening.1.score"], "{score}"),
        effectiveDateTime=row["screening.1.screened_on"],
    )


def fact(row: Row, named: tuple[str, str], who: dict[str, Any], **value: object) -> Observation:
    return Observation(
        id=id_for("Observation", f"{row['number']}/{named[0]}"),
        meta=meta(w.CORE + "simple-observation", labelled=True),
        status="final",
        category=category("social-history", "Social History"),
        code=concept(ours("school-facts", *named)),
        effectiveDateTime=row["authored_on"],
        **who,
        **value,
    )


def observations(row: Row, subject: Reference, school: Reference) -> list[Observation]:
    who = {"subject": subject, "performer": [school]}
    attendance = ("attendance-percent", "Attendance at referral")
    plan = ("plan-504", "Has a section 504 plan")
    return [
        score(row, subject, school),
        fact(row, attendance, who, valueQuantity=quantity(row["attendance_percent"], "%")),
        fact(row, plan, who, valueBoolean=row["plan_504"] == "Yes"),
    ]
