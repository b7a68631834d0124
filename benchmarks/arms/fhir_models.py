"""Reference: ``csv`` + FHIR models built by keyword, as a first reading of the manual suggests.

Every element is checked for structure and type by ``fhir.resources`` as it is made.
"""

from typing import Any

from fhir.resources.R4B.address import Address
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
    code, display = w.GRADES[row["Grade"]]
    grade = concept(ours("grade-levels", code, display), text=row["Grade"])
    language = Coding(system="urn:ietf:bcp:47", code=w.LANGUAGES[row["Home language"]])
    return Patient(
        id=patient_id,
        meta=meta(w.CORE + "patient"),
        identifier=[
            Identifier(system=w.BASE + "/NamingSystem/student", value=patient_id),
            Identifier(
                system=w.BASE + "/NamingSystem/local-student/lakeview",
                value=row["Student ID"],
            ),
        ],
        name=[
            HumanName(family=row["Last name"], given=[row["First name"]]),
        ],
        gender=w.SEXES[row["Gender"]],
        gender__ext=said(row["Gender"]),
        birthDate=w.iso(row["Date of birth"]),
        managingOrganization=school,
        extension=[
            extension("grade-level", grade),
            Extension(url=w.INTERPRETER, valueBoolean=row["Interpreter needed"] == "yes"),
        ],
        address=[
            Address(
                line=[row["Address"]], city=row["City"], state=row["State"], postalCode=row["ZIP"]
            )
        ],
        communication=[PatientCommunication(language=concept(language, text=row["Home language"]))],
    )


def related_person(row: Row, person_id: str, subject: Reference) -> RelatedPerson:
    relationship = row["Guardian relationship"]
    coding = Coding(system=w.HL7 + "v3-RoleCode", code=w.RELATIONSHIPS[relationship])
    return RelatedPerson(
        id=person_id,
        meta=meta(w.CORE + "relatedperson"),
        active=True,
        patient=subject,
        name=[HumanName(text=row["Guardian name"])],
        relationship=[concept(coding, text=relationship)],
        telecom=[
            ContactPoint(system="phone", value=row["Guardian phone"]),
            ContactPoint(system="email", value=row["Guardian email"]),
        ],
    )


def permit(row: Row) -> ConsentProvision:
    purpose, display, reason = w.PURPOSES[row["Education release: purpose"]]
    recipient = concept(Coding(system=w.HL7 + "v3-ParticipationType", code="IRCP"))
    elements = sorted(w.ELEMENTS[text] for text in row["Education release: what"].split("; "))
    return ConsentProvision(
        type="permit",
        period=Period(
            start=w.iso(row["Education release: signed on"]),
            end=w.iso(row["Education release: expires on"]),
        ),
        actor=[ConsentProvisionActor(role=recipient, reference=to("Organization", "provider"))],
        purpose=[
            Coding(system=w.HL7 + "v3-ActReason", code=reason),
            ours("purposes", purpose, display),
        ],
        code=[concept(ours("release-elements", *element)) for element in elements],
    )


def education(row: Row, subject: Reference, signer: Reference) -> Consent:
    statements = row["Education release: statements printed"].split("; ")
    url = w.BASE + "/StructureDefinition/release-statement"
    return Consent(
        id=id_for("Consent", row["Referral number"] + "/education"),
        meta=meta(w.SDOHCC + "Consent"),
        status="active",
        scope=concept(Coding(system=w.HL7 + "consentscope", code="patient-privacy")),
        category=[concept(Coding(system=w.HL7 + "v3-ActCode", code="IDSCL"))],
        patient=subject,
        dateTime=w.iso(row["Education release: signed on"]),
        performer=[signer],
        organization=[to("Organization", "district")],
        sourceAttachment=Attachment(title="Form kept by the school district"),
        policy=[ConsentPolicy(uri=w.EDUCATION_POLICY)],
        provision=permit(row),
        extension=[
            Extension(url=url, valueCode=code)
            for code in sorted(w.STATEMENTS[text] for text in statements)
        ],
    )


def health(row: Row, subject: Reference) -> Consent:
    return Consent(
        id=id_for("Consent", row["Referral number"] + "/health"),
        status="proposed",
        scope=concept(Coding(system=w.HL7 + "consentscope", code="patient-privacy")),
        category=[concept(Coding(system=w.HL7 + "v3-ActCode", code="IDSCL"))],
        patient=subject,
        organization=[to("Organization", "district")],
        sourceAttachment=Attachment(title="Form kept by the school district"),
        policyRule=concept(Coding(system=w.HL7 + "consentpolicycodes", code="hipaa-auth")),
        provision=ConsentProvision(type="deny"),
    )


def category(code: str, display: str) -> list[CodeableConcept]:
    return [concept(Coding(system=w.HL7 + "observation-category", code=code, display=display))]


def quantity(text: str, unit: str) -> Quantity:
    return Quantity(value=text, unit=unit, system=w.UCUM, code=unit)


def score(row: Row, subject: Reference, school: Reference) -> Observation:
    instrument = row["Screening"]
    code, display, loinc = w.INSTRUMENTS[instrument]
    return Observation(
        id=id_for("Observation", f"{row['Referral number']}/{code}/1"),
        meta=meta(w.CORE + "observation-screening-assessment", labelled=True),
        status="final",
        category=category("survey", "Survey"),
        subject=subject,
        performer=[school],
        code=concept(
            Coding(system=w.LOINC, code=loinc), ours("instruments", code, display), text=instrument
        ),
        valueQuantity=quantity(row["Screening score"], "{score}"),
        effectiveDateTime=w.iso(row["Screening date"]),
    )


def fact(row: Row, named: tuple[str, str], who: dict[str, Any], **value: object) -> Observation:
    return Observation(
        id=id_for("Observation", f"{row['Referral number']}/{named[0]}"),
        meta=meta(w.CORE + "simple-observation", labelled=True),
        status="final",
        category=category("social-history", "Social History"),
        code=concept(ours("school-facts", *named)),
        effectiveDateTime=w.iso(row["Date of referral"]),
        **who,
        **value,
    )


def observations(row: Row, subject: Reference, school: Reference) -> list[Observation]:
    who = {"subject": subject, "performer": [school]}
    attendance = ("attendance-percent", "Attendance at referral")
    plan = ("plan-504", "Has a section 504 plan")
    return [
        score(row, subject, school),
        fact(row, attendance, who, valueQuantity=quantity(row["Attendance percent"], "%")),
        fact(row, plan, who, valueBoolean=row["504 plan"] == "yes"),
    ]
