"""A provider nobody registered is told by mail that referrals wait; the school is told to call."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bridge.journeys.partners.reach_unregistered import is_registered
from bridge.journeys.partners.send_digests import TEXT
from bridge.store.database.engine import read, write
from bridge.store.directory import agreements, replace_agreement
from bridge.store.partners.digest_contacts import contacts
from consent.mou import read_template, seal
from tests.bridge.journeys.test_digests import PLACE, authority, box, digests
from tests.bridge.portal.entering import Visitor, words
from tests.support.certificates import Authority
from tests.support.mail_server import Mailbox
from tests.support.worlds import HARBOR, World, referral

__all__ = ["authority", "box"]
pytestmark = pytest.mark.filterwarnings("ignore:Session.login_data is deprecated")


@pytest.fixture
def strangers(lite: World) -> World:
    """A bridge on which nobody of Harbor is registered."""
    with write(lite.bridge.engine) as connection:
        connection.execute(text("DELETE FROM identity_client WHERE client_id = 'harbor-ehr'"))
    return lite


def page(world: World) -> str:
    visitor = Visitor.signed_in(world)
    key = re.findall(r"/portal/referral/([0-9a-f]{32})", visitor.get("/portal/board").text)[0]
    return words(visitor.get(f"/portal/referral/{key}"))


def test_it_is_told_by_mail_how_many_wait_and_nothing_more(
    strangers: World, box: Mailbox, authority: Authority
) -> None:
    due = digests(strangers, box, authority)
    assert due.send_due() == 0  # none wait
    strangers.refer([referral(1), referral(2), referral(3, releases=())])
    strangers.clock.advance(timedelta(days=1))
    assert due.send_due() == 1
    assert due.send_due() == 0
    (mail,) = box.came
    assert mail["To"] == "privacy@harbor.example"  # the agreement's own contact
    assert str(mail.get_payload()).split() == TEXT.format(count=2, place=PLACE).split()
    for word in ("Winterbourne", "Child1", "R-1", "Millbrook", "Harbor Family"):
        assert word not in mail.as_string()


def test_whoever_is_registered_later_is_told_in_the_usual_way_alone(
    lite: World, box: Mailbox, authority: Authority
) -> None:
    lite.refer([referral(1)])
    assert is_registered(lite.bridge, HARBOR)
    assert digests(lite, box, authority).send_due() == 0
    with read(lite.bridge.engine) as connection:
        assert contacts(connection) == []


def test_after_two_business_days_the_school_sees_that_nobody_picked_it_up(
    strangers: World,
) -> None:
    strangers.refer([referral(1, authored_on=strangers.clock.now().date())])
    assert "Not picked up" not in page(strangers)
    strangers.clock.advance(timedelta(days=4))  # a weekend lies between
    said = page(strangers)
    assert "Not picked up" in said
    assert "Harbor Family Centers: privacy@harbor.example" in said


def test_the_number_to_call_that_the_agreement_names_stands_first(strangers: World) -> None:
    with write(strangers.bridge.engine) as connection:
        entry = next(each for each in agreements(connection) if each.provider == HARBOR)
        said = "steward: privacy@harbor.example"
        text_of = entry.agreement_text.replace(said, f"{said}, phone: (860) 555-0100 ext. 2")
        template = read_template(entry.template_text.encode(), "template")
        sealed = seal(text_of.encode(), template).decode()
        later = strangers.clock.now() + timedelta(seconds=1)
        replace_agreement(connection, replace(entry, agreement_text=sealed, activated_at=later))
    strangers.refer([referral(1, authored_on=strangers.clock.now().date())])
    strangers.clock.advance(timedelta(days=4))

    said = page(strangers)

    assert "Harbor Family Centers, phone: (860) 555-0100 ext. 2" in said
    assert said.index("phone: (860)") < said.index("privacy@harbor.example")


def test_of_a_registered_provider_it_says_how_to_reach_it_and_not_that(lite: World) -> None:
    lite.refer([referral(1, authored_on=lite.clock.now().date())])
    lite.clock.advance(timedelta(days=4))
    said = page(lite)
    assert "Not picked up" not in said
    assert "How to reach the provider" in said
