"""A district's people tell its providers apart by their names."""

import pytest

from bridge.errors import BridgeError
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement
from consent.mou import shipped_document
from tests.support.worlds import HUB, LEA, World


def documents(provider: str, name: bytes) -> AgreementDocuments:
    said = shipped_document("millbrook-harbor-2026").replace(
        b"millbrook-harbor-2026", f"millbrook-{provider}-2026".encode()
    )
    said = said.replace(b"Harbor Family Centers", name)
    return AgreementDocuments(
        shipped_document("xx-smh-template"), said, "US-XX", LEA, provider, HUB
    )


def test_a_second_provider_of_one_name_is_refused(lite: World) -> None:
    with pytest.raises(BridgeError, match="of that name"):
        activate_agreement(lite.parts, documents("harbor-2", b"Harbor Family Centers"))
    activate_agreement(lite.parts, documents("harbor-2", b"Harbor Family Centers, North"))
