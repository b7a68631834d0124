"""All resources of one referral."""

from decimal import Decimal

from mappings.canonical import Guardian, Referral, Release
from mappings.fhir import recipes
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import Json
from mappings.fhir.recipes import Asked, Fact, Part, build


def referral_resources(referral: Referral, context: ReferralContext) -> list[Json]:
    """Build the resources of a referral in a fixed order.

    Parts that never change are shared and refuse to be changed (:mod:`mappings.fhir.fixed`).

    Raises:
        UnknownCodeError: a code of the referral is not in our tables.
        MissingValueError: its school is not known.
    """
    return [build(part, context) for part in referral_parts(referral, context)]


def referral_parts(referral: Referral, context: ReferralContext) -> list[Part]:
    """Return what is to be built for a referral, in a fixed order.

    Patient, RelatedPersons, Consents, Observations, ServiceRequest, Task, Provenance: what is
    referred to comes first. Keys given to ``context.id_for``: the student's local id (Patient,
    and RelatedPerson; further ones with their number), the referral number (ServiceRequest, Task,
    Provenance), the number with the form (Consent) or the instrument or fact (Observation).

    Raises:
        MissingValueError: its school is not known.
    """
    student, number, id_for = referral.student, referral.number, context.id_for
    school_id = context.school_id(student.school)
    patient_id = id_for("Patient", student.local_id)
    patient = (patient_id, school_id)
    guardians = _guardians(referral)
    parts: list[Part] = [(recipes.PATIENT, student, patient, None)]
    people = _people(guardians, student.local_id, patient_id, context)
    parts += people
    supporting = _consents(referral, patient_id, people, context)
    supporting += _observations(referral, patient, context)
    parts += supporting
    request_id = id_for("ServiceRequest", number)
    asked = Asked(
        bool(referral.reasons),
        any(person.contact_prohibited for person in guardians),
        tuple([part[0].kind for part in supporting]),
    )
    ids = (request_id, *patient, *[part[2][0] for part in supporting])
    parts.append((recipes.SERVICE_REQUEST, referral, ids, asked))
    ids = (id_for("Task", number), request_id, patient_id)
    parts.append((recipes.TASK, referral, ids, None))
    targets = tuple([part[0].kind for part in parts])
    ids = (id_for("Provenance", number), school_id, *[part[2][0] for part in parts])
    parts.append((recipes.PROVENANCE, referral.origin, ids, targets))
    return parts


def _guardians(referral: Referral) -> tuple[Guardian, ...]:
    """Return the guardian the form names, or everyone the roster names where the form does not.

    A name typed into a form may be one of the roster's in other letters: they are never mixed.
    """
    named, guardian = referral.student.guardians, referral.guardian
    if not named:
        return () if guardian is None else (guardian,)
    if guardian is None or guardian in named:
        by_name = {person.name: person for person in reversed(named)}
        return tuple(reversed(by_name.values()))
    return (guardian,)


def _people(
    guardians: tuple[Guardian, ...], local_id: str, patient_id: str, context: ReferralContext
) -> list[Part]:
    found: list[Part] = []
    for guardian in guardians:
        key = f"{local_id}/{len(found) + 1}" if found else local_id
        ids = (context.id_for("RelatedPerson", key), patient_id)
        found.append((recipes.RELATED_PERSON, guardian, ids, None))
    return found


def _consents(
    referral: Referral, patient_id: str, people: list[Part], context: ReferralContext
) -> list[Part]:
    found: list[Part] = []
    for release in referral.releases:
        signer, *signer_id = _signer(release, patient_id, people)
        consent_id = context.id_for("Consent", f"{referral.number}/{release.form}")
        found.append((recipes.CONSENT, release, (consent_id, patient_id, *signer_id), signer))
    return found


def _signer(release: Release, patient_id: str, people: list[Part]) -> tuple[str, ...]:
    """Return type and id of the resource of who signed, or ("",) if it is not known which."""
    relationship = release.signer_relationship
    if relationship is not None and relationship.code == "ONESELF":  # v3-RoleCode
        return "Patient", patient_id
    for _, guardian, ids, _ in people:
        if guardian.name == release.signer:
            return "RelatedPerson", ids[0]
    return ("",)


def _observations(
    referral: Referral, observed: tuple[str, str], context: ReferralContext
) -> list[Part]:
    number, id_for = referral.number, context.id_for
    seen: dict[str, int] = {}
    found: list[Part] = []
    for screening in referral.screenings:
        code = screening.instrument.code
        seen[code] = seen.get(code, 0) + 1
        # The count tells two scores of one instrument apart; one alone keeps its id if others go.
        observation_id = id_for("Observation", f"{number}/{code}/{seen[code]}")
        found.append((recipes.SCORE, screening, (observation_id, *observed), None))
    for code, value in _facts(referral):
        observation_id = id_for("Observation", f"{number}/{code}")
        recipe = recipes.FACT if isinstance(value, bool) else recipes.MEASURED
        fact = Fact(code, value, referral.authored_on)
        found.append((recipe, fact, (observation_id, *observed), None))
    return found


def _facts(referral: Referral) -> list[tuple[str, Decimal | int | bool]]:
    facts = (
        ("attendance-percent", referral.attendance_percent),
        ("discipline-count", referral.discipline_count),
        ("plan-504", referral.plan_504),
        ("iep", referral.iep),
    )
    return [(code, value) for code, value in facts if value is not None]
