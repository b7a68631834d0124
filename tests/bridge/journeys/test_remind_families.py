"""Families are reminded by mail, in their language, and never against their wish. Made up."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.journeys.families.ask_family import (
    ask_to_sign,
    keep_contact,
    token_of,
)
from bridge.journeys.families.remind_families import (
    FamilyReminders,
    Sender,
    mailing,
    reminder_words,
    senders_of,
)
from bridge.journeys.families.sign_online import prove, sign_online
from bridge.journeys.families.sign_release import Asked
from bridge.journeys.families.stop_contact import stop_contact
from bridge.settings import MailServer
from bridge.store.database.engine import read
from bridge.store.facts.families import contacts_of, requests_of_student
from consent.forms import FormKind
from consent.forms.reading_level import is_plain
from tests.bridge.journeys.test_ask_family import FATHER, asked
from tests.bridge.journeys.test_digests import DESK, digests, told
from tests.support.certificates import Authority
from tests.support.mail_server import PASSWORD, Mailbox, mail_server
from tests.support.signing import BOTH, PARTIES
from tests.support.text_gateway import Texts, text_gateway
from tests.support.worlds import LEA, World, referral

PLACE = "https://bridge.example/portal/family"
FORBIDDEN = (
    *("Winterbourne", "Child1", "Max", "Millbrook", "Harbor", "Family Centers", "north-middle"),
    *("nxiety", "phq", "referral", "counsel", "mental", "1001", "R-1", "school", "escuela"),
)
pytestmark = pytest.mark.filterwarnings("ignore:Session.login_data is deprecated")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def box(authority: Authority) -> Iterator[Mailbox]:
    with mail_server(authority.server("localhost")) as made:
        yield made


@pytest.fixture
def waiting(lite: World) -> World:
    lite.refer([referral(1, releases=())])
    return lite


def reminders(world: World, box: Mailbox, authority: Authority) -> FamilyReminders:
    server = MailServer("localhost", box.port, "bridge@millbrook.example", "bridge", PASSWORD)
    senders = {"mail": mailing(server, authority.trusted())}
    return FamilyReminders(world.parts, senders, PLACE, world.bridge.settings.home)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_mail_has_fixed_words_and_the_link_in_the_familys_language(
    waiting: World, box: Mailbox, authority: Authority, lang: str
) -> None:
    link = asked(waiting, lang=lang)
    assert reminders(waiting, box, authority).send_due() == 1
    (mail,) = box.came
    words = reminder_words(lang)
    assert (mail["To"], mail["Subject"]) == ("max@family.example", words["subject"])
    told = words["text"].replace("{link}", f"{PLACE}/{link.token}")
    said = mail.get_payload(decode=True)
    assert isinstance(said, bytes)
    assert said.decode().split() == told.split()
    assert is_plain(words["text"].replace("{link}", ""), lang)
    for word in FORBIDDEN:
        assert word.casefold() not in said.decode().casefold().replace(link.token.casefold(), "")
        assert word not in mail["Subject"]
    assert link.code not in mail.as_string()


def test_a_mail_that_named_somebody_would_be_noticed() -> None:
    said = f"{reminder_words('en')['text']} Max"
    assert [word for word in FORBIDDEN if word.casefold() in said.casefold()] == ["Max"]


def test_three_reminders_on_school_days_and_then_no_more(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    calendar = waiting.bridge.settings.home / f"{LEA}.csv"
    calendar.write_text("from,to,kind,name\n2026-10-19,2026-10-20,recess,Made up\n")
    asked(waiting)  # Thursday, 15 October
    due, days = reminders(waiting, box, authority), []
    for _ in range(60):
        if due.send_due():
            days.append(waiting.clock.now().date().isoformat())
        waiting.clock.advance(timedelta(days=1))
    assert days == ["2026-10-15", "2026-10-22", "2026-10-28", "2026-11-06"]


def test_who_answered_is_not_reminded(waiting: World, box: Mailbox, authority: Authority) -> None:
    link = asked(waiting)
    due = reminders(waiting, box, authority)
    assert due.send_due() == 1
    proof = prove(waiting.parts, link.token, link.code) or ""
    sign_online(waiting.parts, proof, BOTH, approved=True)
    waiting.clock.advance(timedelta(days=25))
    assert due.send_due() == 0


def test_a_mail_server_that_is_away_is_tried_again_and_a_dead_address_is_not(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    asked(waiting)
    due = reminders(waiting, box, authority)
    box.reply = "451 come later"
    assert due.send_due() == 0
    box.reply = "550 nobody here"
    waiting.clock.advance(timedelta(minutes=30))
    assert due.send_due() == 0
    box.reply = "250 OK"
    waiting.clock.advance(timedelta(days=20))
    assert due.send_due() == 0
    with read(waiting.bridge.engine) as connection:
        student = waiting.bridge.identifiers.issue("student", LEA, "1001")
        assert [c.refused for c in contacts_of(connection, student)] == [550]


def test_a_server_that_does_not_take_the_bridge_itself_speaks_of_no_address(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    """An operator's password that has run out is no reason to give up a family's address."""
    asked(waiting)
    wrong = MailServer("localhost", box.port, "bridge@millbrook.example", "bridge", "another")
    senders = {"mail": mailing(wrong, authority.trusted())}
    due = FamilyReminders(waiting.parts, senders, PLACE, waiting.bridge.settings.home)
    assert due.send_due() == 0
    waiting.clock.advance(timedelta(minutes=30))

    assert reminders(waiting, box, authority).send_due() == 1


def test_a_calendar_that_cannot_be_read_keeps_nobody_from_being_told(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    calendar = waiting.bridge.settings.home / f"{LEA}.csv"
    calendar.write_text("from,to,kind,name\nsoon,later,recess,Made up\n")
    asked(waiting)
    due = reminders(waiting, box, authority)
    assert (due.send_due(), due.send_due()) == (1, 0)
    waiting.clock.advance(timedelta(days=5))
    assert due.send_due() == 1


@pytest.fixture
def texts() -> Iterator[Texts]:
    with text_gateway() as made:
        yield made


BY_TEXT = {"channel": "sms", "address": "+12035550142", "code_via": "in-person"}


def texted(world: World, texts: Texts) -> FamilyReminders:
    senders = senders_of(None, texts.by_form())
    return FamilyReminders(world.parts, senders, PLACE, world.bridge.settings.home)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_text_message_has_fixed_words_and_the_link(
    waiting: World, texts: Texts, lang: str
) -> None:
    link = asked(waiting, lang=lang, **BY_TEXT)
    assert texted(waiting, texts).send_due() == 1
    (came,) = texts.came
    words = reminder_words(lang)["sms"]
    assert came["To"] == "+12035550142"
    assert came["Body"] == words.replace("{link}", f"{PLACE}/{link.token}")
    assert is_plain(words.replace("{link}", ""), lang)
    said = came["Body"].replace(link.token, "")
    assert [word for word in FORBIDDEN if word.casefold() in said.casefold()] == []
    assert link.code not in came["Body"]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_text_message_fits_into_two_on_every_telephone(waiting: World, lang: str) -> None:
    """GSM 03.38 6.2.1: 153 of its letters in each part; one letter outside halves that."""
    told = reminder_words(lang)["sms"].replace(
        "{link}", f"{PLACE}/{asked(waiting, **BY_TEXT).token}"
    )
    assert all(letter.isascii() or letter in "ñÑéèàùìòÉüÜ¿¡" for letter in told)
    assert not set("[]{}^~|\\`") & set(told)
    assert len(told) <= 2 * 153


def test_a_number_the_gateway_refuses_is_not_tried_again_and_a_gateway_that_is_away_is(
    waiting: World, texts: Texts
) -> None:
    asked(waiting, **BY_TEXT)
    due = texted(waiting, texts)
    texts.status = 503
    assert due.send_due() == 0
    texts.status = 400
    waiting.clock.advance(timedelta(minutes=30))
    assert due.send_due() == 0
    texts.status = 201
    waiting.clock.advance(timedelta(days=20))
    assert due.send_due() == 0
    assert texts.came == []
    with read(waiting.bridge.engine) as connection:
        student = waiting.bridge.identifiers.issue("student", LEA, "1001")
        assert [c.refused for c in contacts_of(connection, student)] == [400]


def test_who_changes_to_mail_gets_no_more_texts(
    waiting: World, box: Mailbox, authority: Authority, texts: Texts
) -> None:
    asked(waiting, **BY_TEXT)
    keep_contact(waiting.parts, PARTIES, "1001", FATHER)
    both = reminders(waiting, box, authority)
    senders = {**both.senders, **senders_of(None, texts.by_form())}
    assert replace(both, senders=senders).send_due() == 1
    assert (len(box.came), texts.came) == (1, [])


class Outbox:
    """Takes what a channel is given."""

    def __init__(self) -> None:
        self.to: list[str] = []

    def __call__(self, address: str, words: tuple[str, str]) -> None:
        assert words[1]
        self.to.append(address)


def random_runs(world: World, runs: int, seed: int) -> None:
    """Let families change their minds at random; nothing goes to one that wants nothing."""
    drawn, box, silent = random.Random(seed), Outbox(), set[str]()  # noqa: S311 - a test
    senders = dict.fromkeys(("mail", "sms", "letter", "phone", "none"), box)
    due = FamilyReminders(world.parts, senders, PLACE, world.bridge.settings.home)
    for run in range(runs):
        member = replace(FATHER, name=f"Made Up {run}", address=f"p{run}@family.example")
        ask_to_sign(world.parts, PARTIES, "1001", (member, Asked(FormKind.SHARE, "en")))
        if drawn.random() < 0.5:
            keep_contact(world.parts, PARTIES, "1001", replace(member, channel="none"))
            silent.add(member.address)
        if drawn.random() < 0.1:
            world.clock.advance(timedelta(hours=drawn.randrange(1, 90)))
            due.send_due()
    for _ in range(3):
        world.clock.advance(timedelta(days=5))
        due.send_due()
    assert len(silent) > runs / 3
    assert set(box.to) & silent == set()
    assert len(set(box.to)) == runs - len(silent)


def test_whoever_wants_nothing_is_sent_nothing(waiting: World) -> None:
    random_runs(waiting, 60, 7)


@pytest.mark.faults
def test_whoever_wants_nothing_is_sent_nothing_in_a_thousand_runs(waiting: World) -> None:
    random_runs(waiting, 1000, 11)


def test_a_family_that_said_stop_gets_no_mail_and_the_clinic_still_gets_its_own(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    """One mail server: what is due to both, once the family asked not to be contacted."""
    told(waiting)
    waiting.refer([referral(2)])
    asked(waiting)
    due = reminders(waiting, box, authority)
    student = waiting.bridge.identifiers.issue("student", LEA, "1001")
    with read(waiting.bridge.engine) as connection:
        (request,), (contact,) = (
            requests_of_student(connection, student),
            contacts_of(connection, student),
        )
    assert request.next_at is not None
    stop_contact(waiting.parts, student, contact.id)

    waiting.clock.advance(timedelta(days=8))
    assert due.send_due() == 0
    assert digests(waiting, box, authority).send_due() == 1

    assert [mail["To"] for mail in box.came] == [DESK]
    with read(waiting.bridge.engine) as connection:
        (request,) = requests_of_student(connection, student)
    assert (request.sent, request.next_at) == (0, None)


def test_a_stop_that_nobody_reads_when_it_sends_is_noticed(
    waiting: World, box: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whatever_they_said(reminders: FamilyReminders, _contact: object) -> Sender | None:
        return reminders.senders["mail"]

    monkeypatch.setattr(FamilyReminders, "_sender", whatever_they_said)
    with pytest.raises(AssertionError):
        test_a_family_that_said_stop_gets_no_mail_and_the_clinic_still_gets_its_own(
            waiting, box, authority
        )
    assert {mail["To"] for mail in box.came} == {FATHER.address}


def test_a_channel_without_a_provider_is_left_to_people(
    waiting: World, box: Mailbox, authority: Authority
) -> None:
    asked(waiting)
    keep_contact(waiting.parts, PARTIES, "1001", replace(FATHER, channel="sms", address="555-0100"))
    assert reminders(waiting, box, authority).send_due() == 0
    with read(waiting.bridge.engine) as connection:
        student = waiting.bridge.identifiers.issue("student", LEA, "1001")
        (request,) = requests_of_student(connection, student)
    assert token_of(waiting.bridge.identifiers, request.handle) not in str(box.came)
    assert (request.sent, request.next_at) == (0, None)
