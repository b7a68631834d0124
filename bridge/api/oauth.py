"""SMART Backend Services: discovery, the token endpoint, and what a client does with its tokens."""

from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response

from bridge.api.replies import document_reply
from bridge.context import BodyOf, Bridge, BridgeOf, bearer_of
from bridge.gate import understands
from bridge.identity import (
    INTROSPECTION_PATH,
    JWKS_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    Endpoint,
    FetchedKeys,
    OAuthError,
    caller_of,
    grant_token,
    introspect,
    proven_client,
    revoke,
    smart_configuration,
    token_url,
)
from bridge.journeys.partners.fetch_client_keys import fetch_client_keys
from bridge.parts import parts_of
from bridge.store.database.engine import read, write

router = APIRouter()


@router.get("/fhir/.well-known/smart-configuration")
def configuration(bridge: BridgeOf) -> Response:
    """Say how to get a token (SMART App Launch 2.0, conformance)."""
    document = smart_configuration(bridge.settings.base_url)
    return document_reply(document, "application/json").response()


@router.get(JWKS_PATH)
def keys(bridge: BridgeOf) -> Response:
    """Publish the keys by which a receiver knows that a request is ours (RFC 7517, RFC 9421)."""
    own = bridge.signing.public_jwks() if bridge.signing else {"keys": []}
    return document_reply(own, "application/jwk-set+json").response()


@router.post(TOKEN_PATH)
def token(bridge: BridgeOf, body: BodyOf) -> Response:
    """Exchange a signed client assertion for an access token."""
    form = _form(body)
    keys = _keys(bridge, form)
    with write(bridge.engine) as connection:
        grant = grant_token(connection, form, _here(bridge), bridge.clock, keys)
    return _told(grant.body())


@router.post(INTROSPECTION_PATH)
def introspection(bridge: BridgeOf, request: Request, body: BodyOf) -> Response:
    """Say what one of the caller's own tokens is good for now (RFC 7662)."""
    form = _form(body)
    client_id = _client(bridge, request, form)
    with read(bridge.engine) as connection:
        found = introspect(connection, client_id, _token(form), bridge.clock)
    return _told(found)


@router.post(REVOCATION_PATH)
def revocation(bridge: BridgeOf, request: Request, body: BodyOf) -> Response:
    """End one of the caller's own tokens (RFC 7009); the same answer whatever it was."""
    form = _form(body)
    client_id = _client(bridge, request, form)
    with write(bridge.engine) as connection:
        revoke(connection, client_id, _token(form), bridge.clock)
    return _told({})


def _form(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    if len(dict(pairs)) != len(pairs):
        raise OAuthError("invalid_request", 400, "Send every parameter once.")
    return dict(pairs)


def _token(form: dict[str, str]) -> str:
    if not form.get("token"):
        raise OAuthError("invalid_request", 400, "token is needed")
    return form["token"]


def _keys(bridge: Bridge, form: dict[str, str]) -> FetchedKeys | None:
    assertion = form.get("client_assertion", "")
    return fetch_client_keys(parts_of(bridge), bridge.fetching, assertion) if assertion else None


def _here(bridge: Bridge) -> Endpoint:
    return Endpoint(token_url(bridge.settings.base_url), understands)


def _client(bridge: Bridge, request: Request, form: dict[str, str]) -> str:
    """Return who asks: whoever holds the bearer token, or signed the assertion."""
    if "authorization" not in request.headers:
        keys = _keys(bridge, form)
        with write(bridge.engine) as connection:
            return proven_client(connection, form, _here(bridge), bridge.clock, keys)
    with read(bridge.engine) as connection:
        caller = caller_of(connection, bearer_of(request), bridge.clock, bridge.tokens)
    # Two proofs at once are refused (RFC 6749 2.3): which of them would count?
    if caller is None or "client_assertion" in form:
        raise OAuthError("invalid_client", 401, "the client has not proved who it is")
    return caller.client_id


def _told(document: object) -> Response:
    headers = {"Pragma": "no-cache"}
    return Response(orjson.dumps(document), media_type="application/json", headers=headers)
