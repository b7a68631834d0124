"""All resources of one referral."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mappings.canonical import Guardian, Referral, Release
from mappings.fhir import (
    consent,
    observation,
    patient,
    provenance,
    related_person,
    service_request,
    task,
)
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import Json, reference


@dataclass(frozen=True, slots=True)
class _Parties:
    """References made once per referral."""

    patient: Json
    school: Json
    guardian: Json | None


def referral_resources(referral: Referral, context: ReferralContext) -> list[Json]:
    """Build the resources of a referral in a fixed order.

    Patient, RelatedPerson, Consents, Observations, ServiceRequest, Task, Provenance: what is
    referred to comes first. Keys given to ``context.id_for``: the student's local id (Patient,
    and RelatedPerson), the referral number (ServiceRequest, Task, Provenance), the number with
    the form (Consent) or the instrument or fact (Observation).

    Parts that never change are shared and refuse to be changed (:mod:`mappings.fhir.fixed`).

    Raises:
        UnknownCodeError: a code of the referral is not in our tables.
        MissingValueError: its school is not known.
    """
    student = referral.student
    patient_id = context.id_for("Patient", student.local_id)
    school = context.school(student.school)
    resources = [patient.build(student, patient_id, school, context.systems)]
    parties = _Parties(reference("Patient", patient_id), school, None)
    if referral.guardian is not None:
        person_id = context.id_for("RelatedPerson", student.local_id)
        parties = _Parties(parties.patient, school, reference("RelatedPerson", person_id))
        resources.append(related_person.build(referral.guardian, person_id, parties.patient))
    resources += _consents(referral, parties, context)
    resources += _observations(referral, parties, context)
    resources += _requests(referral, parties, resources, context)
    resources.append(_provenance(referral, school, resources, context))
    return resources


def _link(resource: Json) -> Json:
    return reference(resource["resourceType"], resource["id"])


def _consents(referral: Referral, parties: _Parties, context: ReferralContext) -> Iterator[Json]:
    for release in referral.releases:
        links = consent.ConsentLinks(
            patient=parties.patient,
            district=context.district,
            provider=context.provider,
            signer=_signer(release, referral.guardian, parties),
        )
        consent_id = context.id_for("Consent", f"{referral.number}/{release.form}")
        yield consent.build(release, consent_id, links)


def _signer(release: Release, guardian: Guardian | None, parties: _Parties) -> Json | None:
    relationship = release.signer_relationship
    if relationship is not None and relationship.code == "ONESELF":  # v3-RoleCode
        return parties.patient
    if guardian is not None and release.signer == guardian.name:
        return parties.guardian
    return None


def _observations(
    referral: Referral, parties: _Parties, context: ReferralContext
) -> Iterator[Json]:
    seen: dict[str, int] = {}
    for screening in referral.screenings:
        code = screening.instrument.code
        seen[code] = seen.get(code, 0) + 1
        # The count tells two scores of one instrument apart; one alone keeps its id if others go.
        key = f"{referral.number}/{code}/{seen[code]}"
        observation_id = context.id_for("Observation", key)
        observer = observation.Observer(observation_id, parties.patient, parties.school)
        yield observation.build_score(screening, observer)
    for code, value in _facts(referral):
        observation_id = context.id_for("Observation", f"{referral.number}/{code}")
        observer = observation.Observer(observation_id, parties.patient, parties.school)
        yield observation.build_fact(code, value, referral.authored_on, observer)


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
    referral: Referral, parties: _Parties, built: list[Json], context: ReferralContext
) -> list[Json]:
    request_id = context.id_for("ServiceRequest", referral.number)
    task_id = context.id_for("Task", referral.number)
    supporting = tuple(
        _link(item) for item in built if item["resourceType"] in ("Consent", "Observation")
    )
    links = service_request.RequestLinks(parties.patient, parties.school, supporting)
    return [
        service_request.build(referral, request_id, links, context),
        task.build(referral, task_id, request_id, parties.patient, context),
    ]


def _provenance(
    referral: Referral, school: Json, built: list[Json], context: ReferralContext
) -> Json:
    provenance_id = context.id_for("Provenance", referral.number)
    targets = [_link(item) for item in built]
    parties = (school, context.district)
    origin, recorded_at = referral.origin, context.recorded_at
    return provenance.build(provenance_id, targets, parties, origin, recorded_at)
