"""Our own calls to another bridge."""

import pytest

from bridge.clock import SystemClock
from bridge.identity.signing import SigningKey
from bridge.outbound import BackendClient, OutboundError, Partner

OPEN = (
    "http://bridge.example.org/fhir",
    "http://10.0.0.7/fhir",
    "ftp://bridge.example.org",
    "bridge.example.org/fhir",
    "",
)


@pytest.mark.parametrize("base", OPEN)
def test_a_partner_is_called_over_tls_alone(base: str) -> None:
    with pytest.raises(OutboundError):
        BackendClient(Partner(base, "a-hub", "system/*.rs"), SigningKey.generate(), SystemClock())


@pytest.mark.parametrize("base", ["https://bridge.example.org/fhir", "http://127.0.0.1:8000/fhir"])
def test_a_partner_over_tls_or_on_this_machine_is_called(base: str) -> None:
    partner = Partner(base, "a-hub", "system/*.rs")
    BackendClient(partner, SigningKey.generate(), SystemClock())
