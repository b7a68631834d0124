"""Canonical records to FHIR R4 (4.0.1) and back; README.md says where a resource type goes."""

from mappings.fhir.context import DistrictSystems, ReferralContext, SessionContext
from mappings.fhir.referral import referral_resources
from mappings.fhir.screening import screening_resources
from mappings.fhir.session import session_resource, session_resources

__all__ = [
    "DistrictSystems",
    "ReferralContext",
    "SessionContext",
    "referral_resources",
    "screening_resources",
    "session_resource",
    "session_resources",
]
