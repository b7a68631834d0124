"""The CapabilityStatement, generated from the tables that answer requests."""

from typing import Any

from bridge.api.interactions import CREATABLE, UPDATABLE
from bridge.api.terminology import KINDS
from bridge.identity import token_url
from bridge.settings import Settings
from bridge.store.index import INCLUDES, PARAMETERS

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
_PROFILES = {
    "Task": [f"{SDOHCC}TaskForReferralManagement"],
    "ServiceRequest": [f"{US_CORE}servicerequest", f"{SDOHCC}ServiceRequest"],
    "Consent": [f"{SDOHCC}Consent"],
    "Patient": [f"{US_CORE}patient"],
    "Encounter": [f"{US_CORE}encounter"],
    "Organization": [f"{US_CORE}organization"],
    "Location": [f"{US_CORE}location"],
    "RelatedPerson": [f"{US_CORE}relatedperson"],
    "Observation": [f"{US_CORE}observation-screening-assessment"],
    "Provenance": [f"{US_CORE}provenance"],
}


def capability_statement(settings: Settings) -> dict[str, Any]:
    """Return the CapabilityStatement (FHIR R4 4.0.1), the same for every caller."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-23",
        "kind": "instance",
        "software": {"name": "schoolbridge"},
        "implementation": {
            "description": "schoolbridge: referrals between schools and providers",
            "url": settings.fhir_base,
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
        "rest": [
            {
                "mode": "server",
                "security": _security(settings),
                "resource": [
                    *(_resource(kind) for kind in sorted(PARAMETERS)),
                    *({"type": kind, "interaction": [{"code": "read"}]} for kind in KINDS),
                ],
                "interaction": [{"code": "batch"}],
                "operation": [
                    {
                        "name": "export",
                        "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
                    }
                ],
            }
        ],
    }


def _security(settings: Settings) -> dict[str, Any]:
    """Return how to get a token; fhirclient and others look for the oauth-uris extension."""
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": "token", "valueUri": token_url(settings.base_url)}],
            }
        ],
        "service": [{"coding": [{"system": system, "code": "SMART-on-FHIR"}]}],
    }


def _resource(kind: str) -> dict[str, Any]:
    codes = ["read", "search-type"]
    codes += ["create"] if kind in CREATABLE else []
    codes += ["update"] if kind in UPDATABLE else []
    described: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned-update" if kind in UPDATABLE else "versioned",
        "searchParam": [
            {"name": "_id", "type": "token"},
            {"name": "_lastUpdated", "type": "date"},
            *({"name": p.name, "type": p.kind} for p in PARAMETERS[kind]),
        ],
    }
    if kind in _PROFILES:
        described["supportedProfile"] = _PROFILES[kind]
    if kind in INCLUDES:
        described["searchInclude"] = [f"{kind}:{name}" for name in INCLUDES[kind]]
    return described
