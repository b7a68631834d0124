"""How each resource of a referral is made: its builder, and what of the record the builder copies.

A recipe divides the fields of its record in three. *Texts* are copied as they are: two records that
differ in them alone give resources of one shape. *Codes* decide what the resource looks like. The
rest the builder does not look at. :mod:`mappings.fhir.writing` proves that division; a resource
type that a referral needs is one more recipe here and one more part in
:mod:`mappings.fhir.referral`.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mappings.canonical import Guardian, Referral, Release, Screening, SourceRow, Student
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

Ids = tuple[str, ...]
"""The id of the resource, then those of what it refers to, in the recipe's own order."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How one kind of resource is made.

    Attributes:
        kind: the resource type.
        build: the builder; record, ids, choice and context give the resource.
        texts: fields of the record that are copied and nothing else.
        codes: fields that decide what the resource looks like.
        listed: a field that is a list of codes, and the element with one item for each; or "".
    """

    kind: str
    build: Callable[[Any, Ids, Any, ReferralContext], Json]
    texts: tuple[str, ...]
    codes: tuple[str, ...]
    listed: tuple[str, str] = ("", "")


Part = tuple[Recipe, Any, Ids, Hashable]
"""One resource to be made: recipe, record, ids, and the choice, which is what beside the record and
its codes decides what the resource looks like."""


def build(part: Part, context: ReferralContext) -> Json:
    """Build the resource of a part.

    Raises:
        UnknownCodeError: a code of the record is not in our tables.
    """
    recipe, record, ids, choice = part
    return recipe.build(record, ids, choice, context)


@dataclass(slots=True, eq=False)
class Fact:
    """A fact that a school knows of a student, as known on a day."""

    code: str
    value: Any
    known_on: Any


def _patient(student: Student, ids: Ids, _: object, context: ReferralContext) -> Json:
    return patient.build(student, ids[0], reference("Organization", ids[1]), context.systems)


def _related_person(guardian: Guardian, ids: Ids, _: object, context: ReferralContext) -> Json:
    del context
    return related_person.build(guardian, ids[0], reference("Patient", ids[1]))


def _consent(release: Release, ids: Ids, signer: str, context: ReferralContext) -> Json:
    links = consent.ConsentLinks(
        patient=reference("Patient", ids[1]),
        district=context.district,
        provider=context.provider,
        signer=reference(signer, ids[2]) if signer else None,
    )
    return consent.build(release, ids[0], links)


def _score(screening: Screening, ids: Ids, _: object, context: ReferralContext) -> Json:
    del context
    return observation.build_score(screening, _observer(ids))


def _fact(fact: Fact, ids: Ids, _: object, context: ReferralContext) -> Json:
    del context
    return observation.build_fact(fact.code, fact.value, fact.known_on, _observer(ids))


def _observer(ids: Ids) -> observation.Observer:
    return observation.Observer(
        ids[0], reference("Patient", ids[1]), reference("Organization", ids[2])
    )


class Asked(NamedTuple):
    """What decides the shape of a ServiceRequest beside the referral's own codes."""

    reasoned: bool
    contact_prohibited: bool
    supporting: tuple[str, ...]


def _service_request(referral: Referral, ids: Ids, asked: Asked, context: ReferralContext) -> Json:
    links = service_request.RequestLinks(
        reference("Patient", ids[1]),
        reference("Organization", ids[2]),
        tuple(map(reference, asked.supporting, ids[3:])),
        contact_prohibited=asked.contact_prohibited,
    )
    return service_request.build(referral, ids[0], links, context)


def _task(referral: Referral, ids: Ids, _: object, context: ReferralContext) -> Json:
    return task.build(referral, ids[0], ids[1], reference("Patient", ids[2]), context)


def _provenance(
    origin: SourceRow, ids: Ids, targets: tuple[str, ...], context: ReferralContext
) -> Json:
    parties = (reference("Organization", ids[1]), context.district)
    links = list(map(reference, targets, ids[2:]))
    return provenance.build(ids[0], links, parties, origin, context.recorded_at)


PATIENT: Final = Recipe(
    "Patient",
    _patient,
    (
        "local_id", "family_name", "given_name", "birth_date", "state_id", "phone", "email",
        "address_line", "city", "state", "postal_code",
    ),
    ("sex", "grade", "home_language", "interpreter_needed"),
)  # fmt: skip
RELATED_PERSON: Final = Recipe(
    "RelatedPerson",
    _related_person,
    ("name", "phone", "email"),
    ("relationship", "contact_prohibited"),
)
CONSENT: Final = Recipe(
    "Consent",
    _consent,
    ("signer", "signed_on", "expires_on"),
    ("form", "answer", "elements", "purpose", "recipient", "statements"),
)
SCORE: Final = Recipe("Observation", _score, ("score", "screened_on"), ("instrument",))
FACT: Final = Recipe("Observation", _fact, ("known_on",), ("code", "value"))
MEASURED: Final = Recipe("Observation", _fact, ("value", "known_on"), ("code",))
SERVICE_REQUEST: Final = Recipe(
    "ServiceRequest",
    _service_request,
    ("number", "authored_on", "description", "interventions_tried"),
    ("urgency", "requested_service", "referrer_role"),
    listed=("reasons", "reasonCode"),
)
TASK: Final = Recipe("Task", _task, ("number", "authored_on"), ("urgency", "parent_notified"))
PROVENANCE: Final = Recipe("Provenance", _provenance, ("source", "file", "row"), ())
RECIPES: Final = (
    PATIENT,
    RELATED_PERSON,
    CONSENT,
    SCORE,
    FACT,
    MEASURED,
    SERVICE_REQUEST,
    TASK,
    PROVENANCE,
)
