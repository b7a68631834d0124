"""The accounting of disclosures. All people made up."""

import re
from datetime import date, timedelta

import pytest

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.gate.released import ReleasedAccount
from bridge.journeys.families.account_for import account_for
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.recall_releases import send_recalls
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import file_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.portal.account_page import LANGUAGES, account_page, account_words
from bridge.store.database.engine import read
from consent.law import load_law
from consent.mou import shipped_template
from consent.signed_release import SignedRelease
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    World,
    caller,
    encounter,
    post_session,
    put_task,
    referral,
)

GUARDIAN = ("guardian", "Max Winterbourne")


def account(
    world: World, local_id: str = "1001", asker: tuple[str, str] = GUARDIAN
) -> ReleasedAccount:
    return account_for(world.parts, LEA, local_id, asker)


def treated(world: World, number: str, whose: str) -> None:
    """Let the provider accept a referral, say whose consent care rests on, and see the student."""
    web = world.web()
    said = {"extension": [{"url": CARE_CONSENT, "valueCode": whose}]}
    for status in ("accepted", "in-progress"):
        world.clock.advance(timedelta(minutes=1))
        task = web.get(f"/fhir/Task/{world.id_of('Task', number)}").json()
        assert put_task(web, task, status, **said).status_code == 200
    sent = encounter(task, f"S-{number}", **said)
    assert post_session(web, sent).status_code == 201
    world.bridge.gate.search(caller("state-hub"), Query("Encounter"))
    world.bridge.gate.follow_up(caller("millbrook-sis"))


def looked(world: World, count: int = 2) -> World:
    world.refer([referral(n) for n in range(1, count + 1)])
    for kind in ("ServiceRequest", "Patient"):
        world.bridge.gate.search(caller(), Query(kind))
    return world


def test_every_disclosure_says_when_who_to_whom_why_what_and_on_what_ground(
    world: World,
) -> None:
    found = account(looked(world), asker=("records_custodian", ""))
    line = found.lines[0]
    assert len(found.lines) == 2
    assert (line.discloser, line.recipient) == ("Millbrook Public Schools", "Harbor Family Centers")
    assert (line.purposes, line.bases) == (("refer",), ("ferpa.consent",))
    assert "referral.reason" in line.elements
    assert line.signed_on == ("2026-09-01",)


def test_a_guardian_sees_the_whole_list_once_the_provider_said_that_they_consented(
    world: World,
) -> None:
    looked(world)
    treated(world, "R-1", "guardian")
    found = account(world)
    everything = account(world, asker=("records_custodian", ""))
    assert found.lines == everything.lines
    assert {"referral.status", "enc.row"} <= {e for line in found.lines for e in line.elements}
    assert len(found.lines) > 5


def test_care_a_minor_sought_alone_leaves_the_guardians_page_byte_for_byte_as_without(
    world: World,
) -> None:
    looked(world)
    treated(world, "R-1", "minor")
    with_care, without = (account_page(account(world, n)) for n in ("1001", "1002"))
    assert with_care.replace("1001", "1002") == without
    assert "reason for the referral" in without
    for asker in ("student", "records_custodian"):
        full = account(world, asker=(asker, ""))
        assert len(full.lines) > len(account(world).lines)


def test_what_is_withheld_from_a_guardian_stays_so_with_the_minors_own_release(
    world: World,
) -> None:
    looked(world)
    own = SignedRelease(
        "minor", "signed", world.clock.now(), date(2012, 3, 4), "Child1", "ONESELF",
        signed_on=date(2026, 9, 1), expires_on=date(2027, 1, 1), elements=("status",),
        purposes=("follow",), recipient="lea", discloser="provider",
        statements=("revoke", "condition", "redisclosure"), minor_consented=True,
    )  # fmt: skip
    assert "minor" in file_release(world.parts, (LEA, HARBOR), "1001", own).met
    treated(world, "R-1", "minor")
    full = account(world, asker=("records_custodian", "")).lines
    assert "referral.status" in {e for line in full for e in line.elements}
    told = {e for line in account(world).lines for e in line.elements}
    assert not told & {"referral.status", "enc.row", "visit.dates", "close.reason"}


def test_what_was_taken_back_and_recalled_is_told(world: World) -> None:
    looked(world)
    treated(world, "R-1", "guardian")
    request = world.id_of("ServiceRequest", "R-1")
    form = world.bridge.identifiers.issue("release", request, "education")
    assert revoke_release(world.parts, form)
    send_recalls(world.parts)
    found = account(world).events
    assert [event.kind for event in found][:2] == ["revoked", "recalled"]
    assert found[1].recipient == "Harbor Family Centers"


def test_a_guardian_a_court_order_keeps_out_is_told_what_a_stranger_is_told(
    lite: World,
) -> None:
    looked(lite)
    student = lite.bridge.identifiers.issue("student", LEA, "1001")
    record_order(lite.parts, student, Order(guardian="Max Winterbourne"))
    said = []
    for local_id, asker in (("1001", GUARDIAN), ("9999", GUARDIAN)):
        with pytest.raises(BridgeError) as raised:
            account(lite, local_id, asker)
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert account(lite, asker=("guardian", "Ann Winterbourne")).lines


@pytest.mark.parametrize(
    ("born", "allowed"), [(date(2008, 10, 16), True), (date(2008, 10, 15), False)]
)
def test_the_guardians_right_ends_on_the_18th_birthday(
    lite: World, born: date, allowed: bool
) -> None:
    lite.refer([referral(1, student={"birth_date": born})])
    if allowed:
        assert account(lite).lines == ()
        return
    with pytest.raises(BridgeError, match="passed to the student"):
        account(lite)


def test_nobody_else_may_ask_and_every_list_made_stands_in_the_ledger(lite: World) -> None:
    looked(lite)
    with pytest.raises(BridgeError):
        account(lite, asker=("reporter", ""))
    account(lite, asker=("auditor", ""))
    with read(lite.bridge.engine) as connection:
        kinds = [e.entry.kind for e in entries(connection, lite.agreement)]
    assert kinds.count(Kind.ACCOUNT) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_one_a_screen_reader_can_read(lite: World, lang: str) -> None:
    page = account_page(account(looked(lite)), lang)
    words = account_words(lang)
    assert f'<html lang="{lang}">' in page
    assert f"<caption>{words['caption']}</caption>" in page
    assert page.count('<th scope="col">') == 7
    assert page.count('<th scope="row">') == len(account(lite).lines)
    assert words["element:referral.reason"].replace("'", "&#39;") in page
    assert not re.search(r"<script|https?://", page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_element_purpose_and_basis_has_words_a_family_can_read(lang: str) -> None:
    template = shipped_template()
    law = load_law(template.jurisdiction)
    keys = [f"element:{name}" for name in template.elements]
    keys += [f"purpose:{name}" for name in template.purposes]
    keys += [f"basis:{name}" for name in law.basis_names()]
    assert len(keys) > 50
    assert [key for key in keys if not account_words(lang).get(key)] == []
