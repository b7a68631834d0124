"""What the routes share: the bridge's parts, and who is calling."""

import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine

from bridge.clock import Clock
from bridge.errors import BadRequestError, Finding, ForbiddenError, UnauthorizedError
from bridge.gate import Gate
from bridge.identifiers import Identifiers
from bridge.identity import Caller, TokenCache, caller_of
from bridge.identity.signing import SigningKey
from bridge.outbound import Fetching, Outgoing
from bridge.prometheus import Prometheus
from bridge.settings import Settings
from bridge.store.database.engine import read

MAX_BODY = 1_000_000
Transaction = Connection
"""What routes know of a database: something to pass on."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """The running bridge's parts, made once by :func:`bridge.app.create_app`.

    Attributes:
        signing: what our own requests are signed with; None where nothing is sent.
        measures: what the work is counted by; None where it is not.
    """

    settings: Settings
    engine: Engine
    clock: Clock
    identifiers: Identifiers
    gate: Gate
    tokens: TokenCache = field(default_factory=TokenCache)
    fetching: Fetching = field(default_factory=lambda: Fetching(Outgoing(loopback=False)))
    signing: SigningKey | None = None
    notifying: Outgoing = field(default_factory=lambda: Outgoing(loopback=False))
    measures: Prometheus | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request: the bridge, the caller, and an id for log and ledger.

    ``within`` is the transaction it is part of; without one each interaction has its own.
    """

    bridge: Bridge
    caller: Caller
    request_id: str
    within: Transaction | None = None

    def require(self, kind: str, interaction: str) -> None:
        """Refuse what the token's scopes do not cover, before any data is looked at.

        Their limits are applied by the gate, inside the query.

        Raises:
            ForbiddenError: SMART App Launch 2.0 scopes: no scope allows it.
        """
        if not self.caller.limits(kind, interaction):
            raise ForbiddenError

    def require_all(self, kind: str, interaction: str) -> None:
        """Refuse a token whose scopes do not cover a type without limits.

        Raises:
            ForbiddenError: no scope allows it, or only within limits.
        """
        if not self.caller.allows(kind, interaction):
            raise ForbiddenError


def bridge_of(request: Request) -> Bridge:
    """Return the bridge an application was made with."""
    bridge: Bridge = request.app.state.bridge
    return bridge


def call_of(request: Request) -> Call:
    """Authenticate a request by its bearer token.

    Raises:
        UnauthorizedError: no token, or one that is not (or no longer) good. The client's status is
            checked at every call.
    """
    bridge = bridge_of(request)
    with read(bridge.engine) as connection:
        caller = caller_of(connection, bearer_of(request), bridge.clock, bridge.tokens)
    if caller is None:
        raise UnauthorizedError
    return Call(bridge, caller, secrets.token_hex(8))


def bearer_of(request: Request) -> str:
    """Return the token in a request's Authorization header (RFC 6750 2.1); "" if there is none."""
    return bearer_in(request.headers.get("authorization", ""))


def bearer_in(authorization: str) -> str:
    """Return the token an Authorization header carries; "" if it carries none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def body_of(request: Request) -> bytes:
    """Read a request's body, up to :data:`MAX_BODY` bytes.

    Raises:
        BadRequestError: it is larger.
    """
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MAX_BODY:
            raise BadRequestError(Finding("too-long", f"The body is larger than {MAX_BODY} bytes."))
    return bytes(parts)


async def _bridge_here(request: Request) -> Bridge:
    # Not awaiting anything: a plain function would be given a thread of its own, which costs more.
    return bridge_of(request)


BridgeOf = Annotated[Bridge, Depends(_bridge_here)]
CallOf = Annotated[Call, Depends(call_of)]
BodyOf = Annotated[bytes, Depends(body_of)]
