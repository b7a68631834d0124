"""The code lists a map may translate into; :mod:`mappings.fhir` knows each of these codes."""

from typing import Final

YES_NO: Final = ("yes", "no")
URGENCY: Final = ("routine", "urgent", "asap", "stat")
SEX: Final = ("male", "female", "other", "unknown")
GRADES: Final = (
    *("PK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"),
    *("13", "AE", "IT", "PR", "TK", "UG", "OOS", "Other"),
)
RELATIONSHIPS: Final = ("MTH", "FTH", "PRN", "GUARD", "GRPRN")
SIGNERS: Final = (*RELATIONSHIPS, "ONESELF")
REASONS: Final = (
    *("academic", "adjustment", "aggression", "anger", "anxiety", "attendance", "attention"),
    *("behaviour", "bullying", "eating", "family-change", "grief", "harm-to-others", "housing"),
    *("identity", "low-mood", "peer-relations", "self-harm", "sleep", "social-withdrawal"),
    *("substance-use", "suicidal-thoughts", "trauma", "other"),
)
SERVICES: Final = ("individual", "group", "family", "evaluation", "counselling")
REFERRER_ROLES: Final = (
    *("administrator", "community", "counsellor", "court", "guardian", "nurse", "peer"),
    *("physician", "psychologist", "self", "social-worker", "teacher", "other"),
)
INSTRUMENTS: Final = ("phq-9", "phq-a", "gad-7", "psc-17", "sdq", "bess")
RESPONDENTS: Final = ("self", "parent", "teacher", "clinician")
ANSWERS: Final = ("signed", "refused", "pending")
ELEMENTS: Final = ("referral", "status", "visits")
PURPOSES: Final = ("refer", "follow", "attend")
PARTIES: Final = ("provider", "lea")
STATEMENTS: Final = ("revoke", "condition", "redisclosure")
EVENTS: Final = (
    *("receive", "accept", "decline", "contact-family", "start", "schedule", "no-show"),
    *("appointment-cancelled", "visit-held", "start-services", "wait-list", "return-incomplete"),
    *("pause", "resume", "give-up-contact", "family-declines", "transfer", "complete"),
    *("already-in-care", "confirm-cancellation"),
)
ANSWER_REASONS: Final = (
    *("no-place", "not-eligible", "outside-area", "other-help", "declined", "not-reached"),
    *("family-declined", "referred-on", "wait-list", "incomplete", "paused"),
)
CARE_CONSENTS: Final = ("guardian", "minor")
ATTENDANCE: Final = ("booked", "attended", "no-show", "cancelled")
MODALITIES: Final = ("individual", "group", "family", "intake")
LICENCES: Final = (
    *("psychiatrist", "psychologist", "social-worker", "family-therapist", "counsellor"),
    *("nurse-practitioner", "associate", "other"),
)
PLACES: Final = ("school", "clinic", "telehealth", "home")
# BCP 47 codes of the languages most spoken at home in US schools; a map may use no others.
LANGUAGES: Final = (
    *("en", "es", "zh", "vi", "ar", "fr", "ht", "pt", "ru", "ko", "tl", "pl", "so", "sw", "uk"),
    *("fa", "ps", "ne", "my", "hmn", "hi", "ur", "bn", "gu", "pa", "ja", "de", "it", "el", "sq"),
    *("am", "ti", "kea", "ase"),
)
