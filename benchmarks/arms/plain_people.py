"""The people and consents of the reference in :mod:`benchmarks.arms.plain_dicts`."""

from typing import Any

from benchmarks.arms import words as w
from benchmarks.arms.timed import id_for

Json = dict[str, Any]
LABELS = [
    {"system": w.HL7 + "v3-Confidentiality", "code": "R", "display": "restricted"},
    {
        "system": w.HL7 + "v3-ActCode",
        "code": "MH",
        "display": "mental health information sensitivity",
    },
]
DISTRICT = {"reference": "Organization/district"}
PROVIDER = {"reference": "Organization/provider"}


def coding(table: str, code: str, display: str) -> Json:
    return {"system": f"{w.BASE}/CodeSystem/{table}", "code": code, "display": display}


def patient(row: Json, patient_id: str, school: Json) -> Json:
    return {
        "resourceType": "Patient",
        "id": patient_id,
        "meta": {"profile": [w.CORE + "patient"]},
        "identifier": [
            {"system": w.BASE + "/NamingSystem/student", "value": patient_id},
            {
                "system": w.BASE + "/NamingSystem/local-student/lakeview",
                "value": row["Student ID"],
            },
        ],
        "name": [{"family": row["Last name"], "given": [row["First name"]]}],
        "gender": w.SEXES[row["Gender"]],
        "_gender": source_text(row["Gender"]),
        "birthDate": w.iso(row["Date of birth"]),
        "managingOrganization": school,
        "extension": [grade(row["Grade"]), interpreter(row["Interpreter needed"])],
        "address": [address(row)],
        "communication": [language(row["Home language"])],
    }


def grade(text: str) -> Json:
    concept = {"coding": [coding("grade-levels", *w.GRADES[text])], "text": text}
    url = w.BASE + "/StructureDefinition/grade-level"
    return {"url": url, "valueCodeableConcept": concept}


def interpreter(text: str) -> Json:
    return {"url": w.INTERPRETER, "valueBoolean": text == "yes"}


def address(row: Json) -> Json:
    return {
        "line": [row["Address"]],
        "city": row["City"],
        "state": row["State"],
        "postalCode": row["ZIP"],
    }


def language(text: str) -> Json:
    coded = {"system": "urn:ietf:bcp:47", "code": w.LANGUAGES[text]}
    return {"language": {"coding": [coded], "text": text}}


def source_text(text: str) -> Json:
    url = w.BASE + "/StructureDefinition/source-text"
    return {"extension": [{"url": url, "valueString": text}]}


def related_person(row: Json, person_id: str, subject: Json) -> Json:
    relationship = row["Guardian relationship"]
    coded = {"system": w.HL7 + "v3-RoleCode", "code": w.RELATIONSHIPS[relationship]}
    return {
        "resourceType": "RelatedPerson",
        "id": person_id,
        "meta": {"profile": [w.CORE + "relatedperson"]},
        "active": True,
        "patient": subject,
        "name": [{"text": row["Guardian name"]}],
        "relationship": [{"coding": [coded], "text": relationship}],
        "telecom": [
            {"system": "phone", "value": row["Guardian phone"]},
            {"system": "email", "value": row["Guardian email"]},
        ],
    }


def consent(key: str, status: str, subject: Json, provision: Json) -> Json:
    return {
        "resourceType": "Consent",
        "id": id_for("Consent", key),
        "status": status,
        "scope": {"coding": [{"system": w.HL7 + "consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": w.HL7 + "v3-ActCode", "code": "IDSCL"}]}],
        "patient": subject,
        "organization": [DISTRICT],
        "sourceAttachment": {"title": "Form kept by the school district"},
        "provision": provision,
    }


def education(row: Json, subject: Json, signer: Json) -> Json:
    statements = row["Education release: statements printed"].split("; ")
    url = w.BASE + "/StructureDefinition/release-statement"
    return {
        **consent(row["Referral number"] + "/education", "active", subject, permit(row)),
        "meta": {"profile": [w.SDOHCC + "Consent"]},
        "dateTime": w.iso(row["Education release: signed on"]),
        "performer": [signer],
        "policy": [{"uri": w.EDUCATION_POLICY}],
        "extension": [
            {"url": url, "valueCode": code} for code in sorted(w.STATEMENTS[s] for s in statements)
        ],
    }


def permit(row: Json) -> Json:
    purpose, purpose_display, reason = w.PURPOSES[row["Education release: purpose"]]
    recipient = {"coding": [{"system": w.HL7 + "v3-ParticipationType", "code": "IRCP"}]}
    elements = sorted(w.ELEMENTS[text] for text in row["Education release: what"].split("; "))
    return {
        "type": "permit",
        "period": {
            "start": w.iso(row["Education release: signed on"]),
            "end": w.iso(row["Education release: expires on"]),
        },
        "actor": [{"role": recipient, "reference": PROVIDER}],
        "purpose": [
            {"system": w.HL7 + "v3-ActReason", "code": reason},
            coding("purposes", purpose, purpose_display),
        ],
        "code": [{"coding": [coding("release-elements", *element)]} for element in elements],
    }


def health(row: Json, subject: Json) -> Json:
    rule = {"coding": [{"system": w.HL7 + "consentpolicycodes", "code": "hipaa-auth"}]}
    asked = consent(row["Referral number"] + "/health", "proposed", subject, {"type": "deny"})
    return {**asked, "policyRule": rule}
