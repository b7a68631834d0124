"""QuestionnaireResponse of a screening's answers (US Core 6.1.0 QuestionnaireResponse).

The Questionnaire it answers is one of ours and holds no wording: its ``linkId`` are the codes of
``terminology/screening-items.csv``, which maps them to LOINC where LOINC has the item.
"""

from typing import Any, Final

from mappings.canonical import ItemAnswer, StudentScreening
from mappings.fhir.canonicals import BASE, RESPONDENT, US_CORE
from mappings.fhir.elements import Json, meta
from mappings.fhir.terminology import table

META: Final = meta([f"{US_CORE}questionnaireresponse"], sensitive=True)

_ITEMS: Final = table("screening-items")
_RESPONDENTS: Final = table("respondents")


def build(screening: StudentScreening, response_id: str, patient: Json, school: Json) -> Json:
    """Build the response; only for a screening that has answers.

    ``source`` is the student where the student answered; who else answered is told by kind alone,
    since the source does not name a person of ours.

    Raises:
        UnknownCodeError: an item or the respondent is not in our tables.
    """
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": response_id,
        "meta": META,
        "questionnaire": questionnaire_url(screening.instrument.code),
        "status": "completed",
        "subject": patient,
        "authored": screening.screened_on.isoformat(),
        "author": school,
        "item": [_item(answer) for answer in screening.answers],
    }
    if extension := respondent_extension(screening):
        response["extension"] = extension
    if screening.respondent is not None and screening.respondent.code == "self":
        response["source"] = patient
    return response


def questionnaire_url(instrument: str) -> str:
    """Return the canonical URL of the questionnaire of an instrument."""
    return f"{BASE}/Questionnaire/{instrument}"


def respondent_extension(screening: StudentScreening) -> list[Json]:
    """Return who answered, as an extension; empty where the source does not say.

    Raises:
        UnknownCodeError: the respondent is not in our table.
    """
    if screening.respondent is None or not screening.respondent.code:
        return []
    coding = _RESPONDENTS.coding(screening.respondent.code, "extension(respondent)")
    return [{"url": RESPONDENT, "valueCode": coding["code"]}]


def _item(answer: ItemAnswer) -> Json:
    code = _ITEMS.coding(answer.item, "QuestionnaireResponse.item")["code"]
    if answer.answer in ("yes", "no"):
        return {"linkId": code, "answer": [{"valueBoolean": answer.answer == "yes"}]}
    return {"linkId": code, "answer": [{"valueInteger": int(answer.answer)}]}
