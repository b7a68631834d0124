"""All resources of one referral."""

from collections.abc import Iterator
from decimal import Decimal

from mappings.canonical import Guardian, Referral, Release
from mappings.fhir import recipes
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import Json
from mappings.fhir.recipes import Asked, Fact, Part


def referral_resources(referral: Referral, context: ReferralContext) -> list[Json]:
    """Build the resources of a referral in a fixed order.

    Parts that never change are shared and refuse to be changed (:mod:`mappings.fhir.fixed`).

    Raises:
        UnknownCodeError: a code of the referral is not in our tables.
        MissingValueError: its school is not known.
    """
    return [part.build(context) for part in referral_parts(referral, context)]


def referral_parts(referral: Referral, context: ReferralContext) -> list[Part]:
    """Return what is to be built for a referral, in a fixed order.

    Patient, RelatedPersons, Consents, Observations, ServiceRequest, Task, Provenance: what is
    referred to comes first. Keys given to ``context.id_for``: the student's local id (Patient,
    and RelatedPerson; further ones with their number), the referral number (ServiceRequest, Task,
    Provenance), the number with the form (Consent) or the instrument or fact (Observation).

    Raises:
        MissingValueError: its school is not known.
    """
    student, id_for = referral.student, context.id_for
    school_id = context.school_id(student.school)
    patient_id = id_for("Patient", student.local_id)
    parts = [Part(recipes.PATIENT, student, (patient_id, school_id), None)]
    people: dict[str, str] = {}
    for number, guardian in enumerate(_guardians(referral), 1):
        key = student.local_id if number == 1 else f"{student.local_id}/{number}"
        people[guardian.name] = id_for("RelatedPerson", key)
        links = (people[guardian.name], patient_id)
        parts.append(Part(recipes.RELATED_PERSON, guardian, links, None))
    supporting = [
        *_consents(referral, patient_id, people, context),
        *_observations(referral, (patient_id, school_id), context),
    ]
    parts += supporting
    parts += _requests(referral, (patient_id, school_id), supporting, context)
    targets = tuple(part.recipe.kind for part in parts)
    ids = (id_for("Provenance", referral.number), school_id, *(part.ids[0] for part in parts))
    parts.append(Part(recipes.PROVENANCE, referral.origin, ids, targets))
    return parts


def _guardians(referral: Referral) -> tuple[Guardian, ...]:
    """Return the guardian the form names, or everyone the roster names where the form does not.

    A name typed into a form may be one of the roster's in other letters: they are never mixed.
    """
    named, guardian = referral.student.guardians, referral.guardian
    if guardian is None or guardian in named:
        by_name = {person.name: person for person in reversed(named)}
        return tuple(reversed(by_name.values()))
    return (guardian,)


def _consents(
    referral: Referral, patient_id: str, people: dict[str, str], context: ReferralContext
) -> Iterator[Part]:
    for release in referral.releases:
        consent_id = context.id_for("Consent", f"{referral.number}/{release.form}")
        signer, *signer_id = _signer(release, patient_id, people)
        yield Part(recipes.CONSENT, release, (consent_id, patient_id, *signer_id), signer)


def _signer(release: Release, patient_id: str, people: dict[str, str]) -> tuple[str, ...]:
    """Return type and id of the resource of who signed, or ("",) if it is not known which."""
    relationship = release.signer_relationship
    if relationship is not None and relationship.code == "ONESELF":  # v3-RoleCode
        return "Patient", patient_id
    if release.signer in people:
        return "RelatedPerson", people[release.signer]
    return ("",)


def _observations(
    referral: Referral, observed: tuple[str, str], context: ReferralContext
) -> Iterator[Part]:
    seen: dict[str, int] = {}
    for screening in referral.screenings:
        code = screening.instrument.code
        seen[code] = seen.get(code, 0) + 1
        # The count tells two scores of one instrument apart; one alone keeps its id if others go.
        observation_id = context.id_for("Observation", f"{referral.number}/{code}/{seen[code]}")
        yield Part(recipes.SCORE, screening, (observation_id, *observed), None)
    for code, value in _facts(referral):
        observation_id = context.id_for("Observation", f"{referral.number}/{code}")
        recipe = recipes.FACT if isinstance(value, bool) else recipes.MEASURED
        fact = Fact(code, value, referral.authored_on)
        yield Part(recipe, fact, (observation_id, *observed), None)


def _facts(referral: Referral) -> Iterator[tuple[str, Decimal | int | bool]]:
    if referral.attendance_percent is not None:
        yield "attendance-percent", referral.attendance_percent
    if referral.discipline_count is not None:
        yield "discipline-count", referral.discipline_count
    if referral.plan_504 is not None:
        yield "plan-504", referral.plan_504
    if referral.iep is not None:
        yield "iep", referral.iep


def _requests(
    referral: Referral, parties: tuple[str, str], supporting: list[Part], context: ReferralContext
) -> tuple[Part, Part]:
    request_id = context.id_for("ServiceRequest", referral.number)
    task_id = context.id_for("Task", referral.number)
    prohibited = any(person.contact_prohibited for person in _guardians(referral))
    asked = Asked(
        reasoned=bool(referral.reasons),
        contact_prohibited=prohibited,
        supporting=tuple(part.recipe.kind for part in supporting),
    )
    ids = (request_id, *parties, *(part.ids[0] for part in supporting))
    return (
        Part(recipes.SERVICE_REQUEST, referral, ids, asked),
        Part(recipes.TASK, referral, (task_id, request_id, parties[0]), None),
    )
