"""Reference, second half: requests and provenance as models, and the program of both."""

import csv
from collections.abc import Iterator
from pathlib import Path

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent, ProvenanceEntity
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskInput

from benchmarks.arms import words as w
from benchmarks.arms.fhir_models import (
    Model,
    Row,
    concept,
    education,
    extension,
    health,
    meta,
    observations,
    ours,
    patient,
    related_person,
    said,
    to,
)
from benchmarks.arms.timed import id_for, run


def identifier(row: Row) -> list[Identifier]:
    placer = concept(Coding(system=w.HL7 + "v2-0203", code="PLAC"))
    system = w.BASE + "/NamingSystem/referral/lakeview"
    return [Identifier(type=placer, system=system, value=row["Referral number"])]


def reason(text: str) -> CodeableConcept:
    return concept(ours("concerns", *w.REASONS[text]), text=text)


def note(about: str, text: str) -> Annotation:
    said_about = Extension(url=w.BASE + "/StructureDefinition/note-about", valueCode=about)
    return Annotation(extension=[said_about], text=text)


def service(row: Row) -> CodeableConcept:
    code, display, snomed = w.SERVICES[row["Service requested"]]
    standard = Coding(system=w.SNOMED, code=snomed)
    return concept(standard, ours("services", code, display), text=row["Service requested"])


def service_request(
    row: Row, subject: Reference, school: Reference, supporting: list[Reference]
) -> ServiceRequest:
    role = concept(
        ours("referrer-roles", *w.ROLES[row["Role of referrer"]]), text=row["Role of referrer"]
    )
    return ServiceRequest(
        id=id_for("ServiceRequest", row["Referral number"]),
        meta=meta(w.CORE + "servicerequest", w.SDOHCC + "ServiceRequest", labelled=True),
        identifier=identifier(row),
        status="active",
        intent="order",
        category=[concept(Coding(system=w.SNOMED, code="409063005"))],
        priority=w.URGENCIES[row["Urgency"]],
        priority__ext=said(row["Urgency"]),
        code=service(row),
        subject=subject,
        authoredOn=w.iso(row["Date of referral"]),
        requester=school,
        performer=[to("Organization", "provider")],
        reasonCode=[reason(text) for text in row["Reasons"].split("; ")],
        supportingInfo=supporting,
        note=[
            note("description", row["Description"]),
            note("interventions-tried", row["Supports already tried"]),
        ],
        extension=[extension("referrer-role", role)],
    )


def task(row: Row, subject: Reference) -> Task:
    notified = Coding(system=w.BASE + "/CodeSystem/task-input", code="parent-notified")
    return Task(
        id=id_for("Task", row["Referral number"]),
        meta=meta(w.SDOHCC + "TaskForReferralManagement", labelled=True),
        identifier=identifier(row),
        status="requested",
        businessStatus=concept(ours("follow-up", "sent", "Sent to the provider")),
        intent="order",
        priority=w.URGENCIES[row["Urgency"]],
        code=concept(Coding(system="http://hl7.org/fhir/CodeSystem/task-code", code="fulfill")),
        focus=to("ServiceRequest", id_for("ServiceRequest", row["Referral number"])),
        for_fhir=subject,
        authoredOn=w.iso(row["Date of referral"]),
        requester=to("Organization", "district"),
        owner=to("Organization", "provider"),
        input=[TaskInput(type=concept(notified), valueBoolean=row["Parent notified"] == "yes")],
    )


def provenance(row: Row, number: int, targets: list[Reference], school: Reference) -> Provenance:
    author = Coding(system=w.HL7 + "provenance-participant-type", code="author")
    transmitter = Coding(system=w.US_CORE_AGENT, code="transmitter")
    locator = Identifier(
        system=w.BASE + "/NamingSystem/source-row",
        value=f"schoolbridge-template/referrals.csv#{number}",
    )
    return Provenance(
        id=id_for("Provenance", row["Referral number"]),
        meta=meta(w.CORE + "provenance"),
        target=targets,
        recorded=w.RECEIVED,
        agent=[
            ProvenanceAgent(type=concept(author), who=school),
            ProvenanceAgent(type=concept(transmitter), who=to("Organization", "district")),
        ],
        entity=[ProvenanceEntity(role="source", what=Reference(identifier=locator))],
    )


def link(resource: Model) -> Reference:
    return to(resource.get_resource_type(), resource.id)


def resources(row: Row, number: int) -> list[Model]:
    """Return the resources of one row; ``number`` is the row's number in a spreadsheet."""
    school = to("Organization", w.SCHOOLS[row["School"]])
    subject_of = patient(row, id_for("Patient", row["Student ID"]), school)
    subject = link(subject_of)
    person = related_person(row, id_for("RelatedPerson", row["Student ID"]), subject)
    forms = [education(row, subject, link(person)), health(row, subject)]
    seen = observations(row, subject, school)
    request = service_request(row, subject, school, [link(item) for item in (*forms, *seen)])
    built = [subject_of, person, *forms, *seen, request, task(row, subject)]
    return [*built, provenance(row, number, [link(item) for item in built], school)]


def convert(source: Path) -> Iterator[bytes]:
    """Yield the lines of each row."""
    with source.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            lines = [item.model_dump_json() for item in resources(row, number)]
            yield ("\n".join(lines) + "\n").encode()


if __name__ == "__main__":
    run(convert)
