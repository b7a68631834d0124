"""SMART Backend Services: discovery and the token endpoint."""

from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Response

from bridge.api.replies import document_reply
from bridge.context import BodyOf, BridgeOf
from bridge.identity import (
    TOKEN_PATH,
    OAuthError,
    grant_token,
    smart_configuration,
    token_url,
)
from bridge.store.engine import write

router = APIRouter()


@router.get("/fhir/.well-known/smart-configuration")
def configuration(bridge: BridgeOf) -> Response:
    """Say how to get a token (SMART App Launch 2.0, conformance)."""
    document = smart_configuration(bridge.settings.base_url)
    return document_reply(document, "application/json").response()


@router.post(TOKEN_PATH)
def token(bridge: BridgeOf, body: BodyOf) -> Response:
    """Exchange a signed client assertion for an access token."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    if len(dict(pairs)) != len(pairs):
        raise OAuthError("invalid_request", 400, "Send every parameter once.")
    url = token_url(bridge.settings.base_url)
    with write(bridge.engine) as connection:
        grant = grant_token(connection, dict(pairs), url, bridge.clock)
    return Response(
        orjson.dumps(grant.body()),
        media_type="application/json",
        headers={"Pragma": "no-cache"},
    )
