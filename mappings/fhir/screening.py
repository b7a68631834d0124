"""All resources of one screening reported apart from a referral.

Each scale is an Observation (US Core 6.1.0 Observation Screening Assessment); the answers, where
the source has them, are a QuestionnaireResponse the scales derive from. A score is a quantity and
what the source calls it an interpretation; where there is no score (C-SSRS), what it is called is
the value itself. Nothing is worked out here.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from mappings.canonical import ScaleResult, StudentScreening
from mappings.fhir import provenance, questionnaire_response
from mappings.fhir.canonicals import LOINC, OBSERVATION_CATEGORY, UCUM, US_CORE
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import Json, concept, meta, number, reference
from mappings.fhir.fixed import fixed
from mappings.fhir.questionnaire_response import respondent_extension
from mappings.fhir.terminology import CodeTable, table

META: Final = meta([f"{US_CORE}observation-screening-assessment"], sensitive=True)

_INSTRUMENTS: Final = table("instruments")
_SCALES: Final = table("scales")
_BANDS: Final = table("score-bands")
_SURVEY: Final[list[Json]] = fixed(
    [{"coding": [{"system": OBSERVATION_CATEGORY, "code": "survey", "display": "Survey"}]}]
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The screening and what its Observations refer to."""

    screening: StudentScreening
    patient: Json
    district: Json
    answers: Json | None


def screening_resources(screening: StudentScreening, context: ReferralContext) -> list[Json]:
    """Build the resources of a screening: the answers, an Observation a scale, Provenance.

    Keys given to ``context.id_for``: the student's local id (Patient, which the roster or a
    referral makes), and the source's id with its key for everything else.

    Raises:
        UnknownCodeError: a code of the screening is not in our tables.
    """
    key = f"{screening.origin.source}/{screening.key}"
    patient = reference("Patient", context.id_for("Patient", screening.student_id))
    built: list[Json] = []
    answers = None
    if screening.answers:
        response_id = context.id_for("QuestionnaireResponse", key)
        answers = reference("QuestionnaireResponse", response_id)
        response = questionnaire_response.build(screening, response_id, patient, context.district)
        built.append(response)
    taken = _Taken(screening, patient, context.district, answers)
    for result in screening.scores:
        observation_id = context.id_for("Observation", f"{key}/{result.scale}")
        built.append(_observation(result, observation_id, taken))
    links = [reference(item["resourceType"], item["id"]) for item in built]
    parties = (context.district, context.district)
    provenance_id, origin = context.id_for("Provenance", key), screening.origin
    built.append(provenance.build(provenance_id, links, parties, origin, context.recorded_at))
    return built


def _observation(result: ScaleResult, observation_id: str, taken: _Taken) -> Json:
    screening = taken.screening
    total = result.scale == screening.instrument.code
    code: Json = {"coding": _codings(result.scale)}
    if total:
        code["text"] = screening.instrument.text
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": observation_id,
        "meta": META,
        "status": "final",
        "category": _SURVEY,
        "code": code,
        "subject": taken.patient,
        "effectiveDateTime": screening.screened_on.isoformat(),
        "performer": [taken.district],
    }
    if extension := respondent_extension(screening):
        observation["extension"] = extension
    if screening.form:
        observation["method"] = {"text": screening.form}
    if taken.answers is not None:
        observation["derivedFrom"] = [taken.answers]
    return observation | _value(result)


def _value(result: ScaleResult) -> Json:
    path = "Observation.interpretation"
    called = concept(_BANDS, result.band, path) if result.band is not None else None
    if result.score is None:
        return {"valueCodeableConcept": called}
    unit = _table_of(result.scale).row(result.scale, "Observation.code")["unit"]
    score = {"value": number(result.score), "unit": unit, "system": UCUM, "code": unit}
    return {"valueQuantity": score, **({"interpretation": [called]} if called else {})}


def _table_of(scale: str) -> CodeTable:
    return _INSTRUMENTS if scale in _INSTRUMENTS.rows else _SCALES


@cache
def _codings(scale: str) -> list[Json]:
    """Return our code of a scale, and LOINC's before it where it has one."""
    found = _table_of(scale)
    ours, loinc = found.coding(scale, "Observation.code"), found.rows[scale]["loinc"]
    codings: list[Json] = fixed([{"system": LOINC, "code": loinc}, ours] if loinc else [ours])
    return codings
