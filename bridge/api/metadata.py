"""The CapabilityStatement, generated from the tables that answer requests."""

from typing import Any, Final

from bridge.api.negotiation import PATCH_TYPE
from bridge.api.offered import SESSIONS, interactions_of
from bridge.api.subscription_request import BACKPORT, TOPICS
from bridge.api.terminology import KINDS
from bridge.identity import endpoints
from bridge.journeys.partners.keep_subscriptions import PROFILE
from bridge.settings import Settings
from bridge.store.search.index import INCLUDES, PARAMETERS, REVINCLUDES
from mappings.fhir.structure import TYPES

US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
_PROFILES: Final = {
    "Task": [f"{SDOHCC}TaskForReferralManagement"],
    "ServiceRequest": [f"{US_CORE}servicerequest", f"{SDOHCC}ServiceRequest"],
    "Consent": [f"{SDOHCC}Consent"],
    "Patient": [f"{US_CORE}patient"],
    "Encounter": [f"{US_CORE}encounter"],
    "Organization": [f"{US_CORE}organization"],
    "Location": [f"{US_CORE}location"],
    "Practitioner": [f"{US_CORE}practitioner"],
    "PractitionerRole": [f"{US_CORE}practitionerrole"],
    "HealthcareService": [
        f"{SDOHCC}HealthcareService",
        f"{SDOHCC}HealthcareServiceForReferralManagement",
    ],
    "RelatedPerson": [f"{US_CORE}relatedperson"],
    "Observation": [f"{US_CORE}observation-screening-assessment"],
    "QuestionnaireResponse": [f"{US_CORE}questionnaireresponse"],
    "Provenance": [f"{US_CORE}provenance"],
}
_SAID: Final = {
    ("Task", "create"): (
        "A school's client asks to stop a referral of its own: code abort, status requested, intent"
        " order; the focus is the Task or the ServiceRequest of the referral, or its number as an"
        " identifier. It is answered alike whatever the provider has done, and doing it again"
        " changes nothing. The provider finds the Task and answers it; what came of it the school"
        " reads in its follow-up. An intermediary's client sends the Task of its own order: intent"
        " order, partOf the Task it was sent, focus its order; it was made with the order and is"
        " answered with status 200. No other Task is created: a referral comes in by an import or"
        " on a page, where urgency and consent are asked for."
    ),
    ("ServiceRequest", "create"): (
        "A party that passes a referral on creates its own order (SDOH Clinical Care, refer-1)"
        " where its agreement lets it: intent filler-order, basedOn the ServiceRequest it was sent,"
        " performer the Organization it goes on to. It says what the referral says; the copies and"
        " the Task to the provider are made with it. What comes of it the party reads of its own"
        " referral. A provider passes on once: what was passed on to it goes no further."
    ),
}
"""What an interaction does that its name does not say."""
# SDOHCC 3.0.0 names two parameters R4 does not have; the others are R4's own.
_DEFINED: Final = {
    (
        "Task",
        "output",
    ): "http://hl7.org/fhir/us/sdoh-clinicalcare/SearchParameter/Task-output-reference",
}


def capability_statement(settings: Settings) -> dict[str, Any]:
    """Return the CapabilityStatement (FHIR R4 4.0.1), the same for every caller."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-26",
        "kind": "instance",
        "software": {"name": "schoolbridge"},
        "implementation": {
            "description": "schoolbridge: referrals between schools and providers",
            "url": settings.fhir_base,
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": [PATCH_TYPE],
        "instantiates": [
            "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data",
            "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4",
        ],
        "implementationGuide": [
            "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0",
            "http://hl7.org/fhir/us/sdoh-clinicalcare/ImplementationGuide/hl7.fhir.us.sdoh-clinicalcare|3.0.0",
        ],
        "rest": [_rest(settings)],
    }


def _rest(settings: Settings) -> dict[str, Any]:
    return {
        "mode": "server",
        "security": _security(settings),
        "resource": [
            *(_resource(kind) for kind in sorted(PARAMETERS)),
            *({"type": kind, "interaction": [{"code": "read"}]} for kind in KINDS),
            _group(),
            _subscription(),
        ],
        "interaction": [{"code": "batch"}, {"code": "transaction"}],
        "operation": [_export("export")],
    }


def _group() -> dict[str, Any]:
    codes = [{"code": code} for code in ("read", "search-type")]
    params = [{"name": "_id", "type": "token"}]
    return {
        "type": "Group",
        "interaction": codes,
        "searchParam": params,
        "operation": [_export("group-export")],
    }


def _export(which: str) -> dict[str, str]:
    place = f"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{which}"
    return {"name": "export", "definition": place}


def _security(settings: Settings) -> dict[str, Any]:
    """Return how to get a token; fhirclient and others look for the oauth-uris extension."""
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [
                    {"url": name, "valueUri": address}
                    for name, address in endpoints(settings.base_url).items()
                ],
            }
        ],
        "service": [{"coding": [{"system": system, "code": "SMART-on-FHIR"}]}],
    }


def _resource(kind: str) -> dict[str, Any]:
    codes = interactions_of(kind)
    described: dict[str, Any] = {
        "type": kind,
        "interaction": [_interaction(kind, code) for code in codes],
        "versioning": "versioned-update" if "update" in codes else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": kind in SESSIONS,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "referencePolicy": ["literal", "local", "enforced"],
        "searchParam": [
            {"name": "_id", "type": "token"},
            {"name": "_lastUpdated", "type": "date"},
            *(_parameter(kind, p.name, p.kind) for p in PARAMETERS[kind]),
        ],
    }
    if kind in _PROFILES:
        described["supportedProfile"] = _PROFILES[kind]
    if kind in INCLUDES:
        described["searchInclude"] = [f"{kind}:{name}" for name in INCLUDES[kind]]
    if kind in REVINCLUDES:
        described["searchRevInclude"] = [f"{t}:{name}" for t, name in REVINCLUDES[kind]]
    if kind in TYPES:
        place = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
        described["operation"] = [{"name": "validate", "definition": place}]
    if kind == "Patient":
        described.setdefault("operation", []).append(_export("patient-export"))
    return described


def _interaction(kind: str, code: str) -> dict[str, str]:
    said = _SAID.get((kind, code))
    return {"code": code, "documentation": said} if said else {"code": code}


def _subscription() -> dict[str, Any]:
    place = f"{BACKPORT}capabilitystatement-subscriptiontopic-canonical"
    operations = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/"
    codes = ("create", "read", "update", "delete", "search-type")
    return {
        "extension": [{"url": place, "valueCanonical": topic} for topic in TOPICS],
        "type": "Subscription",
        "supportedProfile": [PROFILE],
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned-update",
        "updateCreate": False,
        "searchParam": [
            {"name": "_id", "type": "token"},
            {"name": "status", "type": "token"},
            {"name": "url", "type": "uri"},
        ],
        "operation": [
            {"name": name, "definition": f"{operations}backport-subscription-{name}"}
            for name in ("status", "events")
        ],
    }


def _parameter(kind: str, name: str, of: str) -> dict[str, str]:
    described = {"name": name, "type": str(of)}
    defined = _DEFINED.get((kind, name))
    return {**described, "definition": defined} if defined else described
