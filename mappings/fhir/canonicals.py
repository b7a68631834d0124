"""Canonical URLs: profiles claimed and systems used. None is ever resolved over a network."""

from typing import Final

BASE: Final = "https://schoolbridge.example/fhir"

US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
NUCC: Final = "http://nucc.org/provider-taxonomy"
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
IDENTIFIER_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
ORGANIZATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/organization-type"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_POLICY: Final = "http://terminology.hl7.org/CodeSystem/consentpolicycodes"
PROVENANCE_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
DATA_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
US_CORE_AGENT: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
SDOHCC_CODES: Final = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
)
LANGUAGE: Final = "urn:ietf:bcp:47"

STUDENT_SYSTEM: Final = f"{BASE}/NamingSystem/student"
SOURCE_ROW_SYSTEM: Final = f"{BASE}/NamingSystem/source-row"

SOURCE_TEXT: Final = f"{BASE}/StructureDefinition/source-text"
CARE_CONSENT: Final = f"{BASE}/StructureDefinition/care-consent"
GRADE_LEVEL: Final = f"{BASE}/StructureDefinition/grade-level"
REFERRER_ROLE: Final = f"{BASE}/StructureDefinition/referrer-role"
NOTE_ABOUT: Final = f"{BASE}/StructureDefinition/note-about"
RELEASE_STATEMENT: Final = f"{BASE}/StructureDefinition/release-statement"
RESPONDENT: Final = f"{BASE}/StructureDefinition/respondent"
CONTACT_PROHIBITED: Final = f"{BASE}/StructureDefinition/contact-prohibited"
INTERPRETER_REQUIRED: Final = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
DATA_ABSENT_REASON: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
