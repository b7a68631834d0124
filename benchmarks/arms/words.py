"""What the referral file's words mean, as somebody would write it who knows only this file."""

BASE = "https://schoolbridge.example/fhir"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
HL7 = "http://terminology.hl7.org/CodeSystem/"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"

SCHOOLS = {"101": "school-101", "102": "school-102"}
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
    "Anxiety": ("anxiety", "Worry or anxiety"),
    "Grief or loss": ("grief", "Grief or loss"),
    "Attendance": ("attendance", "Attendance"),
}
SERVICES = {"Individual": ("individual", "Individual therapy", "18512000")}
ROLES = {"Counselor": ("counsellor", "School counsellor")}
INSTRUMENTS = {"PHQ-A": ("phq-a", "PHQ-9 modified for teens total score", "89204-2")}
PURPOSES = {
    "refer": ("COC", "Refer a student for care"),
    "follow": ("COC", "Tell the school what became of its referral"),
}
ELEMENTS = {"referral": "The referral", "status": "What became of the referral"}
ANSWERS = {"signed": ("active", "permit"), "refused": ("rejected", "deny")}
EDUCATION_POLICY = "https://www.ecfr.gov/current/title-34/part-99/section-99.30"
RECEIVED = "2026-11-02T12:00:00Z"
US_CORE_AGENT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
