import pytest

from bridge.identity.discovery import smart_configuration, token_url


@pytest.mark.parametrize(
    "base", ["https://bridge.example.org/fhir", "https://bridge.example.org/fhir/"]
)
def test_the_token_endpoint_lies_below_the_base_address(base: str) -> None:
    assert token_url(base) == "https://bridge.example.org/fhir/auth/token"


def test_the_document_names_what_a_backend_service_needs() -> None:
    document = smart_configuration("https://bridge.example.org")
    assert document["token_endpoint"] == "https://bridge.example.org/auth/token"
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert "client-confidential-asymmetric" in document["capabilities"]


def test_clients_are_told_to_ask_in_the_newer_spelling() -> None:
    capabilities = smart_configuration("https://bridge.example.org")["capabilities"]
    assert "permission-v2" in capabilities
    assert "permission-v1" not in capabilities


def test_the_document_names_what_a_client_does_with_its_tokens() -> None:
    document = smart_configuration("https://bridge.example.org")
    for name in ("introspection", "revocation"):
        assert str(document[f"{name}_endpoint"]).startswith("https://bridge.example.org/auth/")
        assert document[f"{name}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        algorithms = document[f"{name}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == ["RS384", "ES384"]


def test_plain_pkce_is_not_named() -> None:
    document = smart_configuration("https://bridge.example.org")
    assert document["code_challenge_methods_supported"] == ["S256"]
