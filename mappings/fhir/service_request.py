"""ServiceRequest from a Referral (US Core 6.1.0 and SDOH Clinical Care 3.0.0 ServiceRequest)."""

from dataclasses import dataclass
from typing import Any, Final

from mappings.canonical import Referral
from mappings.fhir.canonicals import NOTE_ABOUT, REFERRER_ROLE, SDOHCC, SDOHCC_CODES, US_CORE
from mappings.fhir.context import ReferralContext
from mappings.fhir.elements import (
    PLACER,
    Json,
    concept,
    date_time,
    meta,
    snomed,
    source_text,
)
from mappings.fhir.fixed import fixed
from mappings.fhir.terminology import table

META: Final = meta([f"{US_CORE}servicerequest", f"{SDOHCC}ServiceRequest"], sensitive=True)
CATEGORY: Final[list[Json]] = fixed([{"coding": [snomed("409063005")]}])
"""Counselling: in the value set of US Core's category slice, which includes R4's own."""

_CONCERNS: Final = table("concerns")
_ROLES: Final = table("referrer-roles")
_SERVICES: Final[dict[str, Json]] = {
    code: fixed({"coding": [snomed(row["snomed"]), table("services").codings[code]]})
    for code, row in table("services").rows.items()
}
NO_CONTACT: Final[list[Json]] = fixed(
    [{"coding": [{"system": SDOHCC_CODES, "code": "contacting-subject-prohibited"}]}]
)


@dataclass(frozen=True, slots=True)
class RequestLinks:
    """References of a ServiceRequest to what was built beside it.

    Attributes:
        contact_prohibited: whether the student's guardian must not be contacted.
    """

    patient: Json
    requester: Json
    supporting: tuple[Json, ...]
    contact_prohibited: bool


def build(
    referral: Referral, request_id: str, links: RequestLinks, context: ReferralContext
) -> Json:
    """Build the ServiceRequest; the school asks, so ``requester`` is never a person's name.

    Raises:
        UnknownCodeError: a concern, service or role is not a code of ours.
    """
    request: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": request_id,
        "meta": META,
        "identifier": [
            {"type": PLACER, "system": context.systems.referral, "value": referral.number}
        ],
        "status": "active",
        "intent": "order",
        "category": CATEGORY,
        "priority": referral.urgency.code,
        "_priority": source_text(referral.urgency.text),
        "code": _service(referral),
        "subject": links.patient,
        "authoredOn": date_time(referral.authored_on),
        "requester": links.requester,
        "performer": [context.provider],
    }
    if referral.reasons:
        path = "ServiceRequest.reasonCode"
        request["reasonCode"] = [concept(_CONCERNS, reason, path) for reason in referral.reasons]
    if links.supporting:
        request["supportingInfo"] = list(links.supporting)
    _add_details(request, referral)
    if links.contact_prohibited:
        # SDOHCC: the subject is not to be contacted; a child is contacted through the guardian.
        request["orderDetail"] = NO_CONTACT
    return request


def _service(referral: Referral) -> Json:
    asked = referral.requested_service
    if asked is None:
        return _SERVICES["unspecified"]
    if not asked.code:  # a service is named, but in words we have no code for
        return {**_SERVICES["unspecified"], "text": asked.text}
    if (found := _SERVICES.get(asked.code)) is None:
        return concept(table("services"), asked, "ServiceRequest.code")  # raises UnknownCodeError
    return {"coding": found["coding"], "text": asked.text}


def _add_details(request: dict[str, Any], referral: Referral) -> None:
    if notes := _notes(referral):
        request["note"] = notes
    if referral.referrer_role is not None:
        role = concept(_ROLES, referral.referrer_role, "ServiceRequest.extension(referrer-role)")
        request["extension"] = [{"url": REFERRER_ROLE, "valueCodeableConcept": role}]


def _notes(referral: Referral) -> list[Json]:
    texts = (
        ("description", referral.description),
        ("interventions-tried", referral.interventions_tried),
    )
    return [
        {"extension": [{"url": NOTE_ABOUT, "valueCode": about}], "text": text}
        for about, text in texts
        if text
    ]
