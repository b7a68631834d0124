"""Who is asking: registered clients of other parties, and staff at the status board.

Party, role and purposes come from what the operator registered, never from a request. Clients prove
themselves as SMART Backend Services does (``private_key_jwt``): ``jose_guard`` checks the assertion
with keys that are registered or fetched from the client's address (``key_fetching``), and
``token_endpoint`` turns it into an opaque token of at most five minutes. ``callers`` answers for
each request who holds a token *now*; ``own_tokens`` lets a client look into its tokens and end
them.

Staff sign in at their district's directory (``directory_sign_in``, ``id_tokens``), or with a code
the operator minted, get a session (``staff``) and become the same
:class:`~bridge.identity.model.Caller`.

No secret is stored: tokens, codes and sessions are kept as SHA-256 digests. Lifetimes are measured
in real time (:meth:`bridge.clock.Clock.real_now`), whatever day a demonstration pretends it is.
"""

from bridge.identity.callers import caller_of, client_caller, still_holds
from bridge.identity.clients import (
    client_of,
    disable_client,
    enable_client,
    list_clients,
    register_client,
    replace_key_address,
    replace_keys,
)
from bridge.identity.directory_sign_in import (
    Begun,
    Pending,
    Provider,
    begin_sign_in,
    handle_of,
    pending_sign_in,
    read_provider,
    standing_in,
    still_admitted,
)
from bridge.identity.discovery import (
    INTROSPECTION_PATH,
    JWKS_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    endpoints,
    smart_configuration,
    token_url,
)
from bridge.identity.errors import (
    KeysRefused,
    OAuthError,
    RegistrationRefused,
    SignInRefused,
    TokenRefused,
)
from bridge.identity.id_tokens import SignInExpected, verify_id_token
from bridge.identity.jose_guard import claimed_kid
from bridge.identity.jwks import VerificationKey, read_sign_in_keys
from bridge.identity.key_fetching import (
    FetchedKeys,
    KeySource,
    keep_fetched,
    kept_until,
    keys_due,
    note_failed_fetch,
)
from bridge.identity.model import Caller, Client, Party, Registration, Standing, Status
from bridge.identity.own_tokens import introspect, revoke
from bridge.identity.rows import digest_of
from bridge.identity.scopes import Interaction, Scope, read_scopes, spelled
from bridge.identity.staff import (
    SignedIn,
    form_token,
    mint_staff_code,
    open_session,
    seconds_left,
    sign_in,
    sign_out,
    staff_of,
)
from bridge.identity.token_cache import TokenCache
from bridge.identity.token_endpoint import Endpoint, Grant, grant_token, proven_client
from bridge.identity.used_once import forget_expired, use_once
from bridge.identity.version import LOCKED_VERSION, locked_version_of, version_in

__all__ = [
    "INTROSPECTION_PATH",
    "JWKS_PATH",
    "LOCKED_VERSION",
    "REVOCATION_PATH",
    "TOKEN_PATH",
    "Begun",
    "Caller",
    "Client",
    "Endpoint",
    "FetchedKeys",
    "Grant",
    "Interaction",
    "KeySource",
    "KeysRefused",
    "OAuthError",
    "Party",
    "Pending",
    "Provider",
    "Registration",
    "RegistrationRefused",
    "Scope",
    "SignInExpected",
    "SignInRefused",
    "SignedIn",
    "Standing",
    "Status",
    "TokenCache",
    "TokenRefused",
    "VerificationKey",
    "begin_sign_in",
    "caller_of",
    "claimed_kid",
    "client_caller",
    "client_of",
    "digest_of",
    "disable_client",
    "enable_client",
    "endpoints",
    "forget_expired",
    "form_token",
    "grant_token",
    "handle_of",
    "introspect",
    "keep_fetched",
    "kept_until",
    "keys_due",
    "list_clients",
    "locked_version_of",
    "mint_staff_code",
    "note_failed_fetch",
    "open_session",
    "pending_sign_in",
    "proven_client",
    "read_provider",
    "read_scopes",
    "read_sign_in_keys",
    "register_client",
    "replace_key_address",
    "replace_keys",
    "revoke",
    "seconds_left",
    "sign_in",
    "sign_out",
    "smart_configuration",
    "spelled",
    "staff_of",
    "standing_in",
    "still_admitted",
    "still_holds",
    "token_url",
    "use_once",
    "verify_id_token",
    "version_in",
]
