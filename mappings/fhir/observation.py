"""Observations of a referral: screening scores and the facts a school knows.

Scores are US Core 6.1.0 Observation Screening Assessment, whose category ``survey`` is fixed; the
code is LOINC where a panel's total score has one, always beside our own. School facts
(attendance, discipline, plans) are US Core 6.1.0 Simple Observation.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from mappings.canonical import Screening
from mappings.fhir.canonicals import LOINC, OBSERVATION_CATEGORY, UCUM, US_CORE
from mappings.fhir.elements import Json, date_time, meta, number
from mappings.fhir.fixed import fixed
from mappings.fhir.terminology import table

SCORE_META: Final = meta([f"{US_CORE}observation-screening-assessment"], sensitive=True)
FACT_META: Final = meta([f"{US_CORE}simple-observation"], sensitive=True)

_INSTRUMENTS: Final = table("instruments")
_FACTS: Final = table("school-facts")
_SURVEY: Final[list[Json]] = fixed(
    [{"coding": [{"system": OBSERVATION_CATEGORY, "code": "survey", "display": "Survey"}]}]
)
_SOCIAL_HISTORY: Final = {
    "system": OBSERVATION_CATEGORY,
    "code": "social-history",
    "display": "Social History",
}
_SOCIAL: Final[list[Json]] = fixed([{"coding": [_SOCIAL_HISTORY]}])


@dataclass(frozen=True, slots=True)
class Observer:
    """Whose observation it is and who made it known."""

    observation_id: str
    patient: Json
    performer: Json


def _score_codings(code: str, loinc: str) -> list[Json]:
    ours = _INSTRUMENTS.coding(code, "Observation.code")
    codings: list[Json] = fixed([{"system": LOINC, "code": loinc}, ours] if loinc else [ours])
    return codings


_SCORES: Final = {
    code: _score_codings(code, row["loinc"]) for code, row in _INSTRUMENTS.rows.items()
}


def build_score(screening: Screening, observer: Observer) -> Json:
    """Build the Observation of a screening score.

    Raises:
        UnknownCodeError: the instrument is not one of ours.
    """
    code = screening.instrument.code
    unit = _INSTRUMENTS.row(code, "Observation.code")["unit"]
    observation = _start(observer, SCORE_META, _SURVEY)
    observation["code"] = {"coding": _SCORES[code], "text": screening.instrument.text}
    observation["valueQuantity"] = _quantity(screening.score, unit)
    if screening.screened_on is not None:
        observation["effectiveDateTime"] = screening.screened_on.isoformat()
    return observation


def build_fact(
    code: str, value: Decimal | int | bool, known_on: datetime | date, observer: Observer
) -> Json:
    """Build the Observation of a school fact, as known on the day of the referral.

    Raises:
        UnknownCodeError: the fact is not one of ``terminology/school-facts.csv``.
    """
    coding = _FACTS.coding(code, "Observation.code")
    observation = _start(observer, FACT_META, _SOCIAL)
    observation["code"] = {"coding": [coding]}
    observation["effectiveDateTime"] = date_time(known_on)
    if isinstance(value, bool):
        observation["valueBoolean"] = value
    else:
        unit = _FACTS.rows[code]["unit"]
        observation["valueQuantity"] = _quantity(Decimal(value), unit)
    return observation


def _start(observer: Observer, labelled: Json, category: list[Json]) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": observer.observation_id,
        "meta": labelled,
        "status": "final",
        "category": category,
        "subject": observer.patient,
        "performer": [observer.performer],
    }


def _quantity(value: Decimal, unit: str) -> Json:
    return {"value": number(value), "unit": unit, "system": UCUM, "code": unit}
