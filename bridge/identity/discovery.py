"""What ``/.well-known/smart-configuration`` says.

Source: SMART App Launch, *Conformance*, and *Client Authentication: Asymmetric*, "Advertising
server support". ``permission-v1`` is not claimed, so that clients ask in the newer spelling; the
older one is understood all the same.
"""

from typing import Final

from bridge.identity.jwks import ALGORITHM_OF

TOKEN_PATH: Final = "/auth/token"  # noqa: S105 - an address
INTROSPECTION_PATH: Final = "/auth/introspect"
REVOCATION_PATH: Final = "/auth/revoke"
JWKS_PATH: Final = "/.well-known/jwks.json"
_METHODS: Final = ("private_key_jwt",)


def token_url(base_url: str) -> str:
    """Return the public address of the token endpoint: the audience of every assertion."""
    return base_url.rstrip("/") + TOKEN_PATH


def endpoints(base_url: str) -> dict[str, str]:
    """Return the addresses of identity by the names of the ``oauth-uris`` extension."""
    base = base_url.rstrip("/")
    return {
        "token": base + TOKEN_PATH,
        "introspect": base + INTROSPECTION_PATH,
        "revoke": base + REVOCATION_PATH,
    }


def smart_configuration(
    base_url: str, scopes: tuple[str, ...] = ("system/*.rs", "system/*.cruds")
) -> dict[str, str | list[str]]:
    """Return the discovery document.

    Args:
        base_url: the public base address of the FHIR service.
        scopes: the scopes to name.
    """
    here = endpoints(base_url)
    algorithms = sorted(ALGORITHM_OF.values(), reverse=True)
    return {
        "token_endpoint": here["token"],
        # Nobody signs in here: it is the key by which our own requests can be told from others'.
        "jwks_uri": base_url.rstrip("/") + JWKS_PATH,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": list(_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": here["introspect"],
        "introspection_endpoint_auth_methods_supported": list(_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(algorithms),
        "revocation_endpoint": here["revoke"],
        "revocation_endpoint_auth_methods_supported": list(_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(algorithms),
        "scopes_supported": list(scopes),
        # Asked for in every such document; nobody is sent to an authorization endpoint from here.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
