"""On whose consent care is given: only the provider knows, and much depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bridge.errors import Finding, UnprocessableError
from bridge.parts import Parts
from bridge.store.facts.evidence import NewEvidence, record_evidence, supersede
from mappings.fhir.canonicals import CARE_CONSENT
from mappings.fhir.care_consent import CareConsent, parse
from mappings.fhir.errors import ParseError


@dataclass(frozen=True, slots=True)
class SaidOf:
    """What a statement is about: a Task stands for its whole referral, a session for itself."""

    type: str
    id: str
    agreement_id: str
    student_id: str
    referral_id: str = ""


def says_consent(resource: Mapping[str, Any]) -> bool:
    """Whether a Task or Encounter says, readably or not, on whose consent the care rests."""
    return any(each.get("url") == CARE_CONSENT for each in resource.get("extension", ()))


def record_care_consent(
    connection: Connection, parts: Parts, about: SaidOf, resource: Mapping[str, Any]
) -> None:
    """Record what a Task or Encounter says about whose consent the care rests on, if it does.

    The newest statement about a referral (Task) or a session (Encounter) replaces the one before.
    Until a provider has said so, the facts table counts someone under 18 as treated on their own
    consent, and nothing about the care goes to school or guardian.

    Raises:
        UnprocessableError: the statement cannot be read.
    """
    try:
        stated = parse(dict(resource))
    except ParseError as error:
        raise UnprocessableError(Finding("value", error.text, error.path)) from None
    if stated is None:
        return
    now = parts.clock.now()
    whole_referral = about.type == "Task"
    source_id = f"care-consent/{about.referral_id if whole_referral else about.id}"
    supersede(connection, source_id, about.student_id, now)
    record_evidence(
        connection,
        [
            NewEvidence(
                id=parts.identifiers.issue(source_id, now.isoformat()),
                fact="minor_consented_care",
                value=stated is CareConsent.MINOR,
                valid_from=now,
                recorded_at=now,
                source="provider",
                source_id=source_id,
                agreement_id=about.agreement_id,
                student_id=about.student_id,
                referral_id=about.referral_id if whole_referral else "",
                record_id="" if whole_referral else about.id,
            )
        ],
    )
