"""AuditEvent of a release or a refusal (IHE Basic Audit Log Patterns 1.1).

Two patterns: *Privacy Disclosure, source* for what left, and *Consent Authorization Decision*
(``AuthZ-Consent``) for the decision. Neither has a field for the legal basis or the agreement, so
they ride as ``entity.detail``, as BALP allows. No record value is in it: the subject is the
ledger's pseudonym, what left is named by element ids and the digest of the version.

Labels are DS4P: restricted (v3-Confidentiality R), and NOMOU where no agreement permitted it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mappings.fhir.canonicals import (
    ACT_CODE,
    ACT_REASON,
    BASE,
    CONFIDENTIALITY,
)
from mappings.fhir.elements import Json, instant
from mappings.fhir.fixed import fixed

SUBJECTS: Final = f"{BASE}/NamingSystem/ledger-subject"
RECEIPTS: Final = f"{BASE}/NamingSystem/receipt"
ORGANIZATIONS: Final = f"{BASE}/NamingSystem/organization"
EVIDENCE: Final = f"{BASE}/NamingSystem/evidence"
PURPOSES: Final = f"{BASE}/CodeSystem/mou-purposes"

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_EXPORT: Final[Json] = fixed({"system": _DCM, "code": "110106", "display": "Export"})
_SECURITY: Final[Json] = fixed({"system": _DCM, "code": "110113", "display": "Security Alert"})
_DISCLOSE: Final[Json] = fixed(
    {"system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "code": "disclose"}
)
_AUTHZ: Final[Json] = fixed(
    {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "code": "AuthZ-Consent"}
)
_SOURCE_AGENT: Final[Json] = fixed({"coding": [{"system": _DCM, "code": "110153"}]})
_RECIPIENT_AGENT: Final[Json] = fixed({"coding": [{"system": _DCM, "code": "110152"}]})
_RESTRICTED: Final[Json] = fixed({"system": CONFIDENTIALITY, "code": "R"})
_NO_AGREEMENT: Final[Json] = fixed({"system": ACT_CODE, "code": "NOMOU"})


@dataclass(frozen=True, slots=True)
class Audited:
    """What a ledger entry says, in the words of an audit event.

    Attributes:
        permitted: whether something left.
        purposes: local purpose ids; ``reasons`` the v3-ActReason codes they have.
        details: (name, value) of what BALP has no field for: basis, clause, table, agreement.
        unagreed: whether it was refused because no agreement covers it.
    """

    receipt: str
    at: datetime
    permitted: bool
    releasing: str
    receiving: str
    subject: str
    purposes: tuple[str, ...]
    reasons: tuple[str, ...]
    resource: tuple[str, str, str] | None
    elements: tuple[str, ...]
    evidence: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    unagreed: bool = False


def build_disclosure(audited: Audited, event_id: str) -> Json:
    """Build the Privacy Disclosure event at the source (BALP PrivacyDisclosure.Source)."""
    return _event(audited, event_id, (_EXPORT, _DISCLOSE))


def build_decision(audited: Audited, event_id: str) -> Json:
    """Build the Consent Authorization Decision event (BALP AuthZconsent)."""
    return _event(audited, event_id, (_SECURITY, _AUTHZ))


def _event(audited: Audited, event_id: str, kinds: tuple[Json, Json]) -> Json:
    kind, subtype = kinds
    purposes = _purposes(audited)
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": event_id,
        "meta": {"security": list(labels(audited))},
        "type": kind,
        "subtype": [subtype],
        "action": "R" if kind is _EXPORT else "E",
        "recorded": instant(audited.at),
        "outcome": "0" if audited.permitted else "4",
        "purposeOfEvent": purposes,
        "agent": [
            _agent(_SOURCE_AGENT, audited.releasing, requestor=False),
            _agent(_RECIPIENT_AGENT, audited.receiving, requestor=True),
        ],
        "source": {"observer": _who(ORGANIZATIONS, "schoolbridge")},
        "entity": _entities(audited),
    }
    return event if purposes else {k: v for k, v in event.items() if k != "purposeOfEvent"}


def labels(audited: Audited) -> tuple[Json, ...]:
    """Return the DS4P labels of what was asked for."""
    return (_RESTRICTED, _NO_AGREEMENT) if audited.unagreed else (_RESTRICTED,)


def _agent(kind: Json, organization: str, *, requestor: bool) -> Json:
    return {"type": kind, "who": _who(ORGANIZATIONS, organization), "requestor": requestor}


def _who(system: str, value: str) -> Json:
    return {"identifier": {"system": system, "value": value}}


def _purposes(audited: Audited) -> list[Json]:
    ours = [{"coding": [{"system": PURPOSES, "code": p}]} for p in audited.purposes]
    return [*({"coding": [{"system": ACT_REASON, "code": r}]} for r in audited.reasons), *ours]


def _entities(audited: Audited) -> list[Json]:
    entities = [_entity("1", "1", _who(SUBJECTS, audited.subject))]
    entities += [_entity("2", "4", _who(EVIDENCE, source)) for source in audited.evidence]
    if audited.resource is not None:
        kind, record_id, digest = audited.resource
        data = _entity("2", "3", {"reference": f"{kind}/{record_id}"})
        said = [("element", e) for e in audited.elements] + [("version", digest)]
        data["detail"] = [_detail(name, value) for name, value in said]
        entities.append(data)
    ledger = _entity("2", "13", _who(RECEIPTS, audited.receipt))
    if audited.details:
        ledger["detail"] = [_detail(name, value) for name, value in audited.details if value]
    return [*entities, ledger]


def _entity(kind: str, role: str, what: Json) -> dict[str, Any]:
    return {
        "what": what,
        "type": {"system": _TYPES, "code": kind},
        "role": {"system": _ROLES, "code": role},
    }


def _detail(name: str, value: str) -> Json:
    return {"type": name, "valueString": value}
