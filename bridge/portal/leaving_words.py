"""What leaves the school with a referral, in words: one for each element a provider is given.

INVARIANT: no element of what is sent is without a word (:func:`leaving` raises KeyError, and the
check page is not shown); a test sends referrals and compares.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.portal.languages import say

_NAME, _BORN = say("Student's name"), say("Student's date of birth")
_SEX, _ID = say("Student's sex"), say("Student's ID number")
_ADDRESS, _PHONE = say("Student's address"), say("Student's phone and email")
_LANGUAGE, _SCHOOL = (
    say("Language, and whether an interpreter is needed"),
    say("School and district"),
)
_GUARDIAN, _GUARDIAN_PHONE = (
    say("Parent's or guardian's name and relationship"),
    say("Parent's or guardian's phone and email"),
)
_REASONS, _URGENCY = say("Reasons for the referral"), say("How soon help is needed")
_OWN_WORDS, _SERVICE = say("What you wrote in your own words"), say("The service asked for")
_REFERRER, _PROVIDER = say("Who refers"), say("The provider it goes to")
_DATE, _NUMBER = say("Date and number of the referral"), say("Student's ID number")
_SCREEN, _FORM = (
    say("Screening results, attendance and plans"),
    say("That the family signed a release"),
)
_MARKS = say("Technical marks: status, links and handling notices")

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Patient": {
        "name": _NAME,
        "birthDate": _BORN,
        "gender": _SEX,
        "identifier": _ID,
        "address": _ADDRESS,
        "telecom": _PHONE,
        "communication": _LANGUAGE,
        "managingOrganization": _SCHOOL,
    },
    "RelatedPerson": {
        "name": _GUARDIAN,
        "relationship": _GUARDIAN,
        "telecom": _GUARDIAN_PHONE,
        "communication": _LANGUAGE,
    },
    "ServiceRequest": {
        "reasonCode": _REASONS,
        "priority": _URGENCY,
        "note": _OWN_WORDS,
        "code": _SERVICE,
        "requester": _REFERRER,
        "performer": _PROVIDER,
        "identifier": _DATE,
        "authoredOn": _DATE,
        "occurrenceDateTime": _DATE,
        "supportingInfo": _FORM,
    },
    "Task": {
        "requester": _SCHOOL,
        "owner": _PROVIDER,
        "identifier": _DATE,
        "authoredOn": _DATE,
        "lastModified": _DATE,
        "priority": _URGENCY,
        "code": _SERVICE,
        "input": _FORM,
    },
    "Consent": {},
    "Observation": {},
    "QuestionnaireResponse": {},
    "Provenance": {},
}
_WHOLE: Final = {"Consent": _FORM, "Observation": _SCREEN, "QuestionnaireResponse": _SCREEN}
# These carry no answer of the pages: they say what kind of record it is, and link one to another.
_TECHNICAL: Final = frozenset(
    {
        *("resourceType", "id", "meta", "text", "extension", "active", "status", "intent"),
        *("category", "subject", "for", "focus", "patient", "basedOn", "businessStatus"),
        *("target", "recorded", "agent", "entity", "activity", "restriction", "modifierExtension"),
    }
)


def leaving(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return, as marked texts, what a provider is given; each once, in the order of the words.

    Raises:
        KeyError: an element that no word is for.
    """
    found = {_word(str(one["resourceType"]), name) for one in resources for name in one}
    order = dict.fromkeys(word for words in WORDS.values() for word in words.values())
    return [word for word in dict.fromkeys([*order, _SCREEN, _FORM, _MARKS]) if word in found]


def _word(kind: str, element: str) -> str:
    element = element.removeprefix("_")  # what FHIR says of a simple value stands beside it
    if element in _TECHNICAL:
        return _MARKS
    if kind in _WHOLE:
        return _WHOLE[kind]
    return WORDS[kind][element]
