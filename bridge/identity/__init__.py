"""Who is asking: registered clients of other parties, and staff at the status board.

Party, role and purposes come from what the operator registered, never from a request. Clients prove
themselves as SMART Backend Services does (``private_key_jwt``): ``jose_guard`` checks the
assertion, ``token_endpoint`` turns it into an opaque token of at most five minutes, ``callers``
answers for each request who holds a token *now*. Staff sign in with a code the operator minted
(``staff``) and become the same :class:`~bridge.identity.model.Caller`.

No secret is stored: tokens, codes and sessions are kept as SHA-256 digests. Lifetimes are measured
in real time (:meth:`bridge.clock.Clock.real_now`), whatever day a demonstration pretends it is.
"""

from bridge.identity.callers import caller_of
from bridge.identity.clients import (
    client_of,
    disable_client,
    enable_client,
    keys_due,
    list_clients,
    register_client,
    replace_keys,
)
from bridge.identity.discovery import TOKEN_PATH, smart_configuration, token_url
from bridge.identity.errors import KeysRefused, OAuthError, RegistrationRefused
from bridge.identity.model import Caller, Client, Party, Registration, Standing, Status
from bridge.identity.scopes import Interaction, Scope, read_scopes
from bridge.identity.staff import SignedIn, mint_staff_code, sign_in, sign_out, staff_of
from bridge.identity.token_endpoint import Grant, grant_token

__all__ = [
    "TOKEN_PATH",
    "Caller",
    "Client",
    "Grant",
    "Interaction",
    "KeysRefused",
    "OAuthError",
    "Party",
    "Registration",
    "RegistrationRefused",
    "Scope",
    "SignedIn",
    "Standing",
    "Status",
    "caller_of",
    "client_of",
    "disable_client",
    "enable_client",
    "grant_token",
    "keys_due",
    "list_clients",
    "mint_staff_code",
    "read_scopes",
    "register_client",
    "replace_keys",
    "sign_in",
    "sign_out",
    "smart_configuration",
    "staff_of",
    "token_url",
]
