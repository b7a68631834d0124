"""A mail says how many referrals wait, over TLS, and nothing about anybody."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.identity import RegistrationRefused
from bridge.journeys.partners import send_digests
from bridge.journeys.partners.send_digests import Digests, keep_contact
from bridge.outbound.mail import MailRefusedError, send_mail
from bridge.settings import MailServer
from bridge.store.database.engine import read, write
from bridge.store.partners.digest_contacts import contacts
from tests.bridge.cli.test_accounts import run
from tests.support.certificates import Authority
from tests.support.mail_server import PASSWORD, Mailbox, mail_server
from tests.support.worlds import World, referral

DESK = "desk@harbor.example"
PLACE = "https://bridge.example/portal/sign-in"
pytestmark = pytest.mark.filterwarnings("ignore:Session.login_data is deprecated")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def box(authority: Authority) -> Iterator[Mailbox]:
    with mail_server(authority.server("localhost")) as made:
        yield made


def server_of(box: Mailbox, **changes: Any) -> MailServer:  # noqa: ANN401 - settings
    made = MailServer("localhost", box.port, "bridge@millbrook.example", "bridge", PASSWORD)
    return replace(made, **changes)


def digests(world: World, box: Mailbox, authority: Authority, **changes: Any) -> Digests:  # noqa: ANN401 - fields as a case changes them
    server = server_of(box, **changes)
    return Digests(world.parts, world.bridge.gate, server, PLACE, authority.trusted())


def told(world: World, client: str = "harbor-ehr", hours: int = 24) -> None:
    with write(world.bridge.engine) as connection:
        keep_contact(connection, (client, DESK, hours), world.clock.real_now())


def row(world: World) -> Any:  # noqa: ANN401 - a row
    with read(world.bridge.engine) as connection:
        (found,) = contacts(connection)
    return found


def test_a_mail_says_how_many_referrals_wait_and_nothing_more(
    world: World, box: Mailbox, authority: Authority
) -> None:
    world.refer([referral(1), referral(2), referral(3, releases=())])
    told(world)

    assert digests(world, box, authority).send_due() == 1
    (mail,) = box.came
    assert box.encrypted == [True]
    assert (mail["To"], mail["Subject"]) == (DESK, "Referrals are waiting")
    text = str(mail.get_payload())
    assert text.split() == send_digests.TEXT.format(count=2, place=PLACE).split()
    whole = mail.as_string()
    for word in ("Winterbourne", "Child1", "R-1", world.id_of("Task", "R-1"), "Millbrook"):
        assert word not in whole


def test_the_next_mail_comes_after_its_hours_and_only_if_some_wait(
    lite: World, box: Mailbox, authority: Authority
) -> None:
    told(lite, hours=6)
    due = digests(lite, box, authority)
    assert due.send_due() == 0  # none wait

    lite.refer([referral(1)])
    assert due.send_due() == 0
    lite.clock.advance(timedelta(hours=6))
    assert due.send_due() == 1
    assert due.send_due() == 0
    lite.clock.advance(timedelta(hours=6))
    assert due.send_due() == 1


def test_a_server_that_cannot_take_it_now_is_tried_again(
    lite: World, box: Mailbox, authority: Authority
) -> None:
    lite.refer([referral(1)])
    told(lite)
    box.reply = "451 come later"
    due = digests(lite, box, authority)

    assert due.send_due() == 0
    assert (row(lite).attempts, row(lite).refused) == (1, 0)
    box.reply = "250 OK"
    assert due.send_due() == 0  # not before its time
    lite.clock.advance(timedelta(minutes=5))
    assert due.send_due() == 1
    assert row(lite).attempts == 0


def test_an_address_that_is_refused_waits_for_a_person(
    lite: World, box: Mailbox, authority: Authority
) -> None:
    lite.refer([referral(1)])
    told(lite)
    box.reply = "550 nobody here"
    due = digests(lite, box, authority)

    due.send_due()
    box.reply = "250 OK"
    lite.clock.advance(timedelta(days=60))
    assert due.send_due() == 0
    (listed,) = json.loads(run(lite, "notifications", "mails", "--json").output)
    assert (listed["address"], listed["refused"]) == (DESK, 550)
    assert run(lite, "notifications", "mail", "harbor-ehr", DESK).exit_code == 0
    assert due.send_due() == 1
    assert run(lite, "notifications", "mail", "harbor-ehr", DESK, "--stop").exit_code == 0
    assert run(lite, "notifications", "mail", "harbor-ehr", DESK, "--stop").exit_code == 1


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"port": 1}], ids=["login", "away"])
def test_a_server_that_does_not_take_the_bridge_refuses_no_address(
    lite: World, box: Mailbox, authority: Authority, changes: dict[str, Any]
) -> None:
    lite.refer([referral(1)])
    told(lite)
    for _ in range(30):  # an operator is away for a week
        digests(lite, box, authority, **changes).send_due()
        lite.clock.advance(timedelta(hours=6))
    assert (row(lite).attempts, row(lite).refused, box.came) == (30, 0, [])

    assert digests(lite, box, authority).send_due() == 1
    assert row(lite).attempts == 0


def test_an_address_that_is_put_off_for_days_waits_for_a_person(
    lite: World, box: Mailbox, authority: Authority
) -> None:
    lite.refer([referral(1)])
    told(lite)
    box.reply = "451 come later"
    for _ in range(14):
        digests(lite, box, authority).send_due()
        lite.clock.advance(timedelta(hours=6))
    assert row(lite).refused == send_digests.UNANSWERED


def test_nothing_is_mailed_without_tls_or_to_a_strange_certificate(
    box: Mailbox, authority: Authority, tmp_path: Path
) -> None:
    words = ("Referrals are waiting", "1 referral")
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(MailRefusedError):
        send_mail(server_of(box), DESK, words, Authority(other).trusted())
    with pytest.raises(MailRefusedError):
        send_mail(server_of(box, host="127.0.0.1"), DESK, words, authority.trusted())
    with mail_server(None) as plain, pytest.raises(MailRefusedError):
        send_mail(server_of(plain, username=""), DESK, words, authority.trusted())
    assert (box.came, plain.came, plain.encrypted) == ([], [], [])


def test_a_server_that_says_nothing_is_not_waited_for_long(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.outbound.mail.SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer("localhost", silent.getsockname()[1], "bridge@millbrook.example")
        with pytest.raises(MailRefusedError) as refused:
            send_mail(server, DESK, ("a", "b"), authority.trusted())
    assert not refused.value.final


def test_only_an_address_and_a_registered_client_are_kept(lite: World) -> None:
    with write(lite.bridge.engine) as connection:
        for wrong in ("desk", "a b@x.example", "a@x.example\nBcc: b@x.example"):
            with pytest.raises(BridgeError):
                keep_contact(connection, ("harbor-ehr", wrong, 24), lite.clock.real_now())
        with pytest.raises(RegistrationRefused):
            keep_contact(connection, ("nobody", DESK, 24), lite.clock.real_now())


def test_a_mail_that_names_somebody_is_noticed(
    world: World, box: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = f"{send_digests.TEXT}Child1 Winterbourne\n"
    monkeypatch.setattr(send_digests, "TEXT", named)
    with pytest.raises(AssertionError):
        test_a_mail_says_how_many_referrals_wait_and_nothing_more(world, box, authority)
