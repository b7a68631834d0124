"""A sign-in for the demonstration, built in: anybody is let in as anybody, on this machine alone.

It speaks OpenID Connect with PKCE as a district's directory does, so that the portal's way in is
the real one. INVARIANT: the settings refuse it anywhere but in a demonstration on loopback
(:func:`bridge.settings.read_settings`), and so does :func:`development_issuer`.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from bridge.clock import Clock
from bridge.directories import Directory, is_loopback
from bridge.errors import SettingsError
from bridge.identity.signing import ALGORITHM, SigningKey
from bridge.settings import Settings

PATH: Final = "/development"
_SECONDS: Final = 300


@dataclass
class Issuer:
    """What the sign-in keeps, in memory: its key, and the codes it gave out."""

    directory: Directory
    redirect_uri: str
    clock: Clock
    key: SigningKey = field(default_factory=SigningKey.generate)
    codes: dict[str, tuple[Mapping[str, str], str]] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document."""
        here = self.directory.issuer
        return {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "jwks_uri": f"{here}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    def fits(self, asked: Mapping[str, str]) -> bool:
        """Tell whether an authorization request is one of the bridge's."""
        known = {"client_id": self.directory.client_id, "redirect_uri": self.redirect_uri}
        known |= {"response_type": "code", "code_challenge_method": "S256"}
        given = all(asked.get(name) for name in ("state", "nonce", "code_challenge"))
        return given and all(asked.get(name) == value for name, value in known.items())

    def code_for(self, asked: Mapping[str, str], person: str) -> str:
        """Give out a code for a person."""
        code = secrets.token_urlsafe(32)
        self.codes[code] = (dict(asked), person)
        return code

    def id_token(self, form: Mapping[str, str]) -> str | None:
        """Exchange a code, once; None if anything about it is wrong."""
        asked, person = self.codes.pop(form.get("code", ""), ({}, ""))
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        spelled = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        proven = hmac.compare_digest(spelled, asked.get("code_challenge", ""))
        if not proven or form.get("redirect_uri") != self.redirect_uri:
            return None
        now = int(self.clock.real_now().timestamp())
        said = {"iss": self.directory.issuer, "aud": self.directory.client_id, "sub": person}
        times = {"iat": now, "exp": now + _SECONDS}
        return self.key.sign(
            {**said, **times, "nonce": asked["nonce"], self.directory.claim: [person]}
        )


def development_issuer(settings: Settings, clock: Clock) -> FastAPI:
    """Return the sign-in as an application, to be mounted at :data:`PATH`.

    Raises:
        SettingsError: the bridge is not a demonstration on loopback.
    """
    local = is_loopback(settings.base_url) and is_loopback(f"http://{settings.host}")
    if not (settings.development_issuer and settings.demo_start and local):
        raise SettingsError("the development issuer is for the demo on loopback only")
    here = settings.base_url + PATH
    directory = next((d for d in settings.directories if d.issuer == here), None)
    if directory is None:
        raise SettingsError(f"no directory has the development issuer: {here}")
    return _application(Issuer(directory, f"{settings.base_url}/portal/callback", clock))


def _application(issuer: Issuer) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Response:
        return _json(issuer.metadata())

    @app.get("/jwks")
    def jwks() -> Response:
        return _json(issuer.key.public_jwks())

    @app.get("/authorize")
    def choose(request: Request) -> Response:
        asked = dict(request.query_params)
        return _page(issuer, asked) if issuer.fits(asked) else Response(b"", 400)

    @app.post("/authorize")
    async def chosen(request: Request) -> Response:
        asked = await _form(request)
        person = asked.pop("person", "")
        if not issuer.fits(asked) or person not in dict(issuer.directory.roles):
            return Response(b"", 400)
        answer = {"code": issuer.code_for(asked, person), "state": asked["state"]}
        return RedirectResponse(f"{issuer.redirect_uri}?{urlencode(answer)}", 303)

    @app.post("/token")
    async def token(request: Request) -> Response:
        signed = issuer.id_token(await _form(request))
        if signed is None:
            return _json({"error": "invalid_grant"}, 400)
        unused = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer"}
        return _json({**unused, "id_token": signed})

    return app


async def _form(request: Request) -> dict[str, str]:
    text = (await request.body())[:20_000].decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(text).items()}


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


def _page(issuer: Issuer, asked: Mapping[str, str]) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    buttons = "".join(
        f'<p><button name="person" value="{escape(word)}">{escape(word)}</button></p>'
        for word, _ in issuer.directory.roles
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Demo sign-in</title>'
        "</head><body><main><h1>Demo sign-in</h1><p>Made-up people; nothing is checked here.</p>"
        f'<form method="post">{hidden}{buttons}</form></main></body></html>'
    )
    return Response(html, media_type="text/html; charset=utf-8")
