"""What the referral file's words mean, as somebody would write it who knows only this file."""

BASE = "https://schoolbridge.example/fhir"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
HL7 = "http://terminology.hl7.org/CodeSystem/"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"

SCHOOLS = {"millbrook-high": "school-high", "millbrook-middle": "school-middle"}
SEXES = {"Female": "female", "Male": "male"}
GRADES = {
    "6": ("06", "Sixth grade"),
    "7": ("07", "Seventh grade"),
    "8": ("08", "Eighth grade"),
}
LANGUAGES = {"English": "en", "Spanish": "es"}
RELATIONSHIPS = {"Mother": "MTH", "Father": "FTH", "Guardian": "GUARD"}
URGENCIES = {"Routine": "routine", "Urgent": "urgent"}
REASONS = {
    "Anxiety or worry": ("anxiety", "Worry or anxiety"),
    "Grief or loss": ("grief", "Grief or loss"),
    "Low mood": ("low-mood", "Low mood"),
}
SERVICES = {"Individual counseling": ("individual", "Individual therapy", "18512000")}
ROLES = {"School counselor": ("counsellor", "School counsellor")}
INSTRUMENTS = {"PHQ-A": ("phq-a", "PHQ-9 modified for teens total score", "89204-2")}
PURPOSES = {"Referral for care": ("refer", "Refer a student for care", "COC")}
ELEMENTS = {
    "Referral": ("referral", "The referral"),
    "Status": ("status", "What became of the referral"),
}
STATEMENTS = {"May be revoked": "revoke", "May be shared again by the recipient": "redisclosure"}
# By code, as the resources list them.
ELEMENT_ORDER = sorted(ELEMENTS, key=ELEMENTS.__getitem__)
STATEMENT_ORDER = sorted(STATEMENTS, key=STATEMENTS.__getitem__)
EDUCATION_POLICY = "https://www.ecfr.gov/current/title-34/part-99/section-99.30"
RECEIVED = "2026-11-02T12:00:00Z"
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
US_CORE_AGENT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"


def iso(text: str) -> str:
    """Return a day written M/D/YYYY as YYYY-MM-DD."""
    month, day, year = text.split("/")
    return f"{year}-{month:0>2}-{day:0>2}"
