"""Two providers of one name, as older versions let them be: named, told apart, renamed."""

import pytest

from bridge.errors import BridgeError
from bridge.journeys.running.look_for_faults import faults_of
from bridge.journeys.running.rename_party import rename_party
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement
from bridge.store.database.engine import read, write
from bridge.store.directory import organizations, rename_organization
from consent.mou import shipped_document
from tests.bridge.portal.entering import Visitor, words
from tests.bridge.portal.test_board import rows
from tests.support.worlds import COVE, FIRST, HARBOR, HUB, LEA, World, referral

NAME = "Harbor Family Centers"


@pytest.fixture
def alike(world: World) -> World:
    """A deployment in which the district's two providers have one name."""
    with write(world.bridge.engine) as connection:
        rename_organization(connection, COVE, NAME)
    return world


def faults(world: World) -> list[str]:
    with read(world.bridge.engine) as connection:
        return faults_of(connection)


def test_two_providers_of_one_name_are_named_by_their_keys(alike: World) -> None:
    (told,) = faults(alike)
    assert told.startswith(f"{LEA} has two providers of one name, {COVE} and {HARBOR}")
    assert f"party rename {HARBOR}" in told
    assert NAME not in told


def test_a_party_that_is_renamed_is_called_so_everywhere_and_stays_so(alike: World) -> None:
    alike.refer([referral(1)])
    assert rename_party(alike.parts, HARBOR, "  Harbor Family Centers,  Northfield ")
    assert not rename_party(alike.parts, HARBOR, "Harbor Family Centers, Northfield")
    assert faults(alike) == []
    called = {each["name"] for each in alike.web().found("/fhir/Organization")}
    assert "Harbor Family Centers, Northfield" in called
    assert NAME not in called
    page = words(Visitor.signed_in(alike).get("/portal/board"))
    assert "Harbor Family Centers, Northfield" in page

    texts = shipped_document("xx-smh-template"), shipped_document(FIRST)
    activate_agreement(alike.parts, AgreementDocuments(*texts, "US-XX", LEA, HARBOR, HUB))
    assert {each["name"] for each in alike.web().found("/fhir/Organization")} == called


@pytest.mark.parametrize(
    ("key", "name", "told"),
    [
        ("nobody", "A name", "no party has that short name"),
        (HARBOR, "  ", "a name has letters"),
        (HARBOR, "x" * 121, "no more than 120"),
        (HARBOR, "two\x00parts", "a name has letters"),
        (COVE, "HARBOR family  centers", "has that name"),
    ],
)
def test_what_is_no_name_is_refused(world: World, key: str, name: str, told: str) -> None:
    with pytest.raises(BridgeError, match=told):
        rename_party(world.parts, key, name)
    with read(world.bridge.engine) as connection:
        assert organizations(connection)[HARBOR].name == NAME


def test_the_referrals_number_tells_which_of_the_two_it_went_to(alike: World) -> None:
    alike.refer([referral(1)])
    visitor = Visitor.signed_in(alike)
    place = f"/portal/referral/{rows(visitor.get('/portal/board').text)[0]}"
    assert "The family signed a release" in words(visitor.get(place))
    assert visitor.post(f"{place}/withdraw", sure="yes").headers["location"] == place
    assert "Withdrawn by the school" in words(visitor.get(place))
    assert alike.web().found("/fhir/Task?status=cancelled")


def test_where_it_does_not_nothing_is_guessed(alike: World) -> None:
    alike.refer([referral(1)])
    alike.refer([referral(1)], COVE)
    visitor = Visitor.signed_in(alike)
    for key in rows(visitor.get("/portal/board").text):
        for answer in (
            visitor.get(f"/portal/referral/{key}"),
            visitor.post(f"/portal/referral/{key}/withdraw", sure="yes"),
        ):
            assert answer.status_code == 409
            assert "Two providers have one name" in words(answer)
    assert not alike.web().found("/fhir/Task?status=cancelled")

    assert rename_party(alike.parts, COVE, "Cove Counseling")
    for key in rows(visitor.get("/portal/board").text):
        assert visitor.get(f"/portal/referral/{key}").status_code == 200
