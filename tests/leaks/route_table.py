"""Every route of the application: who calls it in the leak tests, and how.

A route that is not in this table fails the build: nobody has thought about what it could leak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

ALL = "provider school hub staff nobody"
"""Kinds of caller; ``nobody`` sends no token, a wrong one or that of a disabled client."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route: ``sweep`` names the part of the canary sweep that calls it."""

    method: str
    path: str
    sweep: str
    callers: str = ALL


ROUTES = (
    Row("GET", "/healthz", "public"),
    Row("GET", "/fhir/metadata", "public"),
    Row("GET", "/fhir/openapi.json", "public"),
    Row("GET", "/fhir/.well-known/smart-configuration", "public"),
    Row("GET", "/.well-known/jwks.json", "public"),
    Row("GET", "/metrics", "public"),
    Row("POST", "/auth/token", "tokens"),
    Row("POST", "/auth/introspect", "tokens"),
    Row("POST", "/auth/revoke", "tokens"),
    Row("GET", "/fhir/{kind}", "searches"),
    Row("POST", "/fhir/{kind}/_search", "searches"),
    Row("GET", "/fhir/{kind}/{record_id}", "reads"),
    Row("GET", "/fhir/{kind}/{record_id}/_history", "reads"),
    Row("GET", "/fhir/{kind}/{record_id}/_history/{version}", "reads"),
    Row("PUT", "/fhir/{kind}/{record_id}", "writes"),
    Row("PATCH", "/fhir/{kind}/{record_id}", "writes"),
    Row("POST", "/fhir/{kind}/$validate", "writes"),
    Row("POST", "/fhir/{kind}", "writes"),
    Row("POST", "/fhir", "batches"),
    Row("GET", "/fhir/Task/$recalls", "searches"),
    Row("GET", "/fhir/Task/recall-{recall_id}", "reads"),
    Row("PUT", "/fhir/Task/recall-{recall_id}", "writes"),
    Row("GET", "/fhir/notices/{notice_id}", "public"),
    Row("GET", "/fhir/CodeSystem/{name}", "public"),
    Row("GET", "/fhir/ValueSet/{name}", "public"),
    Row("GET", "/fhir/ConceptMap/{name}", "public"),
    Row("GET", "/fhir/$export", "exports"),
    Row("POST", "/fhir/$export", "exports"),
    Row("GET", "/fhir/Patient/$export", "exports"),
    Row("POST", "/fhir/Patient/$export", "exports"),
    Row("GET", "/fhir/Group", "exports"),
    Row("POST", "/fhir/Group/_search", "exports"),
    Row("GET", "/fhir/Group/{group_id}", "exports"),
    Row("GET", "/fhir/Group/{group_id}/$export", "exports"),
    Row("POST", "/fhir/Group/{group_id}/$export", "exports"),
    Row("GET", "/fhir/bulk/{job_id}", "exports"),
    Row("GET", "/fhir/bulk/{job_id}/{name}.ndjson", "exports"),
    Row("DELETE", "/fhir/bulk/{job_id}", "exports"),
    Row("POST", "/fhir/Subscription", "subscriptions"),
    Row("GET", "/fhir/Subscription", "subscriptions"),
    Row("POST", "/fhir/Subscription/_search", "subscriptions"),
    Row("GET", "/fhir/Subscription/$status", "subscriptions"),
    Row("POST", "/fhir/Subscription/$status", "subscriptions"),
    Row("GET", "/fhir/Subscription/{subscription_id}/$status", "subscriptions"),
    Row("POST", "/fhir/Subscription/{subscription_id}/$status", "subscriptions"),
    Row("GET", "/fhir/Subscription/{subscription_id}/$events", "subscriptions"),
    Row("POST", "/fhir/Subscription/{subscription_id}/$events", "subscriptions"),
    Row("GET", "/fhir/Subscription/{subscription_id}", "subscriptions"),
    Row("PUT", "/fhir/Subscription/{subscription_id}", "subscriptions"),
    Row("DELETE", "/fhir/Subscription/{subscription_id}", "subscriptions"),
    Row("GET", "/school/follow-up", "follow_up"),
    Row("GET", "/school/follow-up.csv", "follow_up"),
    Row("GET", "/portal/sign-in", "portal"),
    Row("POST", "/portal/sign-in", "portal"),
    Row("GET", "/portal/sign-in/{district}", "portal"),
    Row("GET", "/portal/callback", "portal"),
    Row("POST", "/portal/sign-out", "portal"),
    Row("GET", "/portal/board", "portal"),
    Row("GET", "/portal/looked", "portal"),
    Row("GET", "/portal/meeting", "portal"),
    Row("GET", "/portal/meeting/paper", "portal"),
    Row("GET", "/portal/close-out", "portal"),
    Row("GET", "/portal/close-out/{group}", "portal"),
    Row("POST", "/portal/close-out/{group}", "portal"),
    Row("GET", "/portal/same", "portal"),
    Row("POST", "/portal/same", "portal"),
    Row("GET", "/portal/same/{first}/{second}", "portal"),
    Row("POST", "/portal/same/{first}/{second}", "portal"),
    Row("POST", "/portal/same/{first}/{second}/undo", "portal"),
    Row("GET", "/portal/import", "portal"),
    Row("POST", "/portal/import", "portal"),
    Row("GET", "/portal/import/{review_id}", "portal"),
    Row("POST", "/portal/import/{review_id}/approve", "portal"),
    Row("POST", "/portal/import/{review_id}/cancel", "portal"),
    Row("GET", "/portal/import/{review_id}/held.xlsx", "portal"),
    Row("GET", "/portal/import/{review_id}/row/{row}", "portal"),
    Row("POST", "/portal/import/{review_id}/row/{row}", "portal"),
    Row("GET", "/portal/board.csv", "portal"),
    Row("GET", "/portal/board.xlsx", "portal"),
    Row("GET", "/portal/referral/{key}", "portal"),
    Row("GET", "/portal/referral/{key}/withdraw", "portal"),
    Row("POST", "/portal/referral/{key}/withdraw", "portal"),
    Row("POST", "/portal/referral/{key}/resubmit", "portal"),
    Row("POST", "/portal/referral/{key}/again", "portal"),
    Row("GET", "/portal/referral/{key}/owner", "portal"),
    Row("POST", "/portal/referral/{key}/owner", "portal"),
    Row("GET", "/portal/referral/{key}/note", "portal"),
    Row("POST", "/portal/referral/{key}/note", "portal"),
    Row("GET", "/portal/referral/{key}/note/{kind}", "portal"),
    Row("POST", "/portal/referral/{key}/note/{kind}", "portal"),
    Row("GET", "/portal/refer", "portal"),
    Row("POST", "/portal/refer", "portal"),
    Row("GET", "/portal/refer/{draft_id}/check", "portal"),
    Row("POST", "/portal/refer/{draft_id}/check", "portal"),
    Row("GET", "/portal/refer/{draft_id}/sent", "portal"),
    Row("GET", "/portal/refer/{draft_id}/paper", "portal"),
    Row("POST", "/portal/refer/{draft_id}/forget", "portal"),
    Row("GET", "/portal/refer/{draft_id}/{step}", "portal"),
    Row("POST", "/portal/refer/{draft_id}/{step}", "portal"),
    Row("GET", "/portal/help", "portal"),
    Row("GET", "/portal/session", "portal"),
    Row("POST", "/portal/session", "portal"),
    Row("GET", "/portal/family/form", "portal"),
    Row("POST", "/portal/family/form", "portal"),
    Row("GET", "/portal/family/signed", "portal"),
    Row("GET", "/portal/family/withdraw/{release_id}", "portal"),
    Row("POST", "/portal/family/withdraw/{release_id}", "portal"),
    Row("GET", "/portal/family/account", "portal"),
    Row("GET", "/portal/family/paper", "portal"),
    Row("GET", "/portal/family/leave", "portal"),
    Row("GET", "/portal/family/{token}", "portal"),
    Row("POST", "/portal/family/{token}", "portal"),
    Row("GET", "/portal/forms", "portal"),
    Row("POST", "/portal/forms", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/blank-{lang}", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/paper", "portal"),
    Row("POST", "/portal/forms/{student_id}/{provider}/paper", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/verbal", "portal"),
    Row("POST", "/portal/forms/{student_id}/{provider}/verbal", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/ask", "portal"),
    Row("POST", "/portal/forms/{student_id}/{provider}/ask", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/quiet/{contact_id}", "portal"),
    Row("POST", "/portal/forms/{student_id}/{provider}/quiet/{contact_id}", "portal"),
    Row("GET", "/portal/forms/{student_id}/{provider}/withdraw/{release_id}", "portal"),
    Row("POST", "/portal/forms/{student_id}/{provider}/withdraw/{release_id}", "portal"),
    Row("GET", "/portal/work", "portal"),
    Row("GET", "/portal/work/file", "portal"),
    Row("POST", "/portal/work/file", "portal"),
    Row("GET", "/portal/work/looked", "portal"),
    Row("GET", "/portal/work/{task_id}", "portal"),
    Row("POST", "/portal/work/{task_id}", "portal"),
    Row("GET", "/portal/static/{name}", "public"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One method of one route as the application has it."""

    method: str
    path: str
    endpoint: Any


def walk(routes: Sequence[Any], prefix: str = "") -> Iterator[Found]:
    """Yield every route, looking into routers that were included or mounted.

    The framework keeps an included router as one object: a walk that does not look inside finds
    almost nothing and is content.
    """
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            context = getattr(route, "include_context", None)
            yield from walk(inner.routes, prefix + getattr(context, "prefix", ""))
        elif getattr(route, "routes", None) is not None:
            yield from walk(route.routes, prefix + getattr(route, "path", ""))
        else:
            methods = getattr(route, "methods", None) or {"ANY"}
            for method in sorted(methods):
                yield Found(method, prefix + route.path, getattr(route, "endpoint", route))


def pairs(found: Sequence[Found] | Sequence[Row]) -> list[tuple[str, str]]:
    """Return (method, path) of each, sorted."""
    return sorted((one.method, one.path) for one in found)
