"""What ``/.well-known/smart-configuration`` says.

Source: SMART App Launch, *Conformance*, and *Client Authentication: Asymmetric*, "Advertising
server support". ``permission-v1`` is not claimed, so that clients ask in the newer spelling; the
older one is understood all the same.
"""

from typing import Final

from bridge.identity.jwks import ALGORITHM_OF

TOKEN_PATH: Final = "/auth/token"  # noqa: S105 - an address


def token_url(base_url: str) -> str:
    """Return the public address of the token endpoint: the audience of every assertion."""
    return base_url.rstrip("/") + TOKEN_PATH


def smart_configuration(
    base_url: str, scopes: tuple[str, ...] = ("system/*.rs", "system/*.cruds")
) -> dict[str, str | list[str]]:
    """Return the discovery document.

    Args:
        base_url: the public base address of the FHIR service.
        scopes: the scopes to name.
    """
    return {
        "token_endpoint": token_url(base_url),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": sorted(
            ALGORITHM_OF.values(), reverse=True
        ),
        "scopes_supported": list(scopes),
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
