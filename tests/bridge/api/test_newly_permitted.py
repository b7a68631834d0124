"""Whoever polls by time learns of what has just come to be seen, whatever let it be seen."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.clock import FixedClock
from bridge.errors import BridgeError
from bridge.journeys.families.check_signatures import invalidate_release
from bridge.journeys.families.guardian_blocks import Order, lift_order, record_order
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import file_release
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.referrals.same_student import Pair, doubt, settle
from bridge.journeys.running.amend_agreement import amend_agreement
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.intake import touch
from consent.mou import shipped_document
from mappings.language import Mapped
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import HARBOR, HUB, LEA, NOW, Web, World, make_world, referral

NARROWER = (b"F1: {drop_elements: [", b"F1: {drop_elements: [referral.reason, ")
FROM = b"from: 2026-08-24, to: 2027-06-30"


@pytest.fixture
def timed(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world whose business time can be moved on while tokens live."""
    made = make_world(database_url, tmp_path, FixedClock(NOW, NOW))
    yield made
    made.bridge.engine.dispose()


def later(world: World, minutes: int = 5) -> str:
    """Let some minutes pass; returns the instant in their middle, as a poller's cursor."""
    cursor = world.clock.instant + timedelta(minutes=minutes / 2)
    world.clock.instant += timedelta(minutes=minutes)
    return str(cursor.strftime("%Y-%m-%dT%H:%M:%SZ"))


def shown(web: Web, cursor: str) -> tuple[int, int]:
    """Return how many Tasks there are to see, and how many of them whoever polls is shown."""
    return len(web.found("/fhir/Task")), len(web.found(f"/fhir/Task?_lastUpdated=gt{cursor}"))


def roster(world: World, *, enrolled: bool) -> None:
    row = referral(1)
    student = replace(row.student, enrolled=enrolled)
    import_roster(world.parts, LEA, [Mapped(student, row.origin.row)])


def test_a_referral_that_came_before_the_roster(timed: World) -> None:
    timed.refer([referral(1, student={"enrolled": None})])
    web, cursor = timed.web(), later(timed)
    assert shown(web, cursor) == (0, 0)
    roster(timed, enrolled=True)

    assert shown(web, cursor) == (1, 1)


def test_a_student_who_comes_back_to_the_district(timed: World) -> None:
    timed.refer([referral(1)])
    web = timed.web()
    roster(timed, enrolled=False)
    cursor = later(timed)
    assert shown(web, cursor) == (0, 0)
    roster(timed, enrolled=True)

    assert shown(web, cursor) == (1, 1)


def test_an_order_against_a_provider_that_is_lifted(timed: World) -> None:
    timed.refer([referral(1)])
    web, student = timed.web(), timed.bridge.identifiers.issue("student", LEA, "1001")
    order, _ = record_order(timed.parts, student, Order(party="provider"))
    cursor = later(timed)
    assert shown(web, cursor) == (0, 0)
    assert lift_order(timed.parts, student, order)

    assert shown(web, cursor) == (1, 1)


@pytest.mark.parametrize("end", [revoke_release, lambda p, i: invalidate_release(p, i, ("x", "y"))])
def test_a_refusal_that_ends(timed: World, end: Callable[[Parts, str], bool]) -> None:
    timed.refer([referral(1)])
    refused = replace(FORM, answer="refused", signer="Mia Winterbourne", signer_relationship="MTH")
    filed = file_release(timed.parts, (LEA, HARBOR), "1001", refused)
    web, cursor = timed.web(), later(timed)
    assert shown(web, cursor) == (0, 0)
    assert end(timed.parts, filed.id)

    assert shown(web, cursor) == (1, 1)


def test_two_students_who_turn_out_to_be_two(timed: World) -> None:
    timed.refer([referral(1), referral(2)])
    pair = Pair(LEA, ("1001", "1002"), "staff:office")
    doubt(timed.parts, pair)
    web, cursor = timed.web(), later(timed)
    assert shown(web, cursor) == (0, 0)
    settle(timed.parts, pair, None)

    assert shown(web, cursor) == (2, 2)


def documents(*edits: tuple[bytes, bytes], version: bytes = b"2") -> AgreementDocuments:
    """Return the first agreement as it will read."""
    agreement = shipped_document("millbrook-harbor-2026")
    for old, new in ((b'version: "1"', b'version: "%b"' % version), *edits):
        assert old in agreement
        agreement = agreement.replace(old, new)
    template = shipped_document("xx-smh-template")
    return AgreementDocuments(template, agreement, "US-XX", LEA, HARBOR, HUB)


def test_an_agreement_that_is_amended_to_pass_more(timed: World) -> None:
    amend_agreement(timed.parts, documents(NARROWER))
    timed.refer([referral(1)])
    web, cursor = timed.web(), later(timed)
    assert shown(web, cursor) == (0, 0)
    amend_agreement(timed.parts, documents(version=b"3"))

    assert shown(web, cursor) == (1, 1)


def test_an_agreement_whose_first_day_comes(database_url: str, tmp_path: Path) -> None:
    """Signed and put to use some days before, as referrals of the new year already come in."""
    early = NOW.replace(month=8, day=21)
    world = make_world(database_url, tmp_path, FixedClock(early, NOW))
    world.refer([referral(1, authored_on=early.date())])
    world.clock.instant = NOW
    cursor = (early + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert shown(world.web(), cursor) == (1, 1)
    world.bridge.engine.dispose()


def test_a_first_day_that_waits_does_not_bring_earlier_documents_back(tmp_path: Path) -> None:
    early = NOW.replace(month=8, day=21)
    world = make_world(f"sqlite:///{tmp_path / 'b.db'}", tmp_path, FixedClock(early, NOW))
    sooner = (FROM, b"from: 2026-08-21, to: 2027-06-30")
    amend_agreement(world.parts, documents(NARROWER, sooner))
    world.refer([referral(1, authored_on=early.date())])
    world.clock.instant = NOW
    assert world.web().found("/fhir/Task") == []
    world.bridge.engine.dispose()


def test_a_second_agreement_of_two_parties_is_refused(tmp_path: Path) -> None:
    """What comes in would go under one of them: the one that has ended, and nobody would see it."""
    world = make_world(f"sqlite:///{tmp_path / 'b.db'}", tmp_path)
    next_year = ((b"id: millbrook-harbor-2026", b"id: millbrook-harbor-2027"),)
    with pytest.raises(BridgeError, match="amend"):
        activate_agreement(world.parts, documents(*next_year))
    assert activate_agreement(world.parts, documents()) == "millbrook-harbor-2026"
    world.bridge.engine.dispose()


def test_so_many_referrals_at_once_as_no_statement_takes(timed: World) -> None:
    timed.refer([referral(1)])
    with write(timed.bridge.engine) as connection:
        touch(connection, [f"none-{n}" for n in range(70_000)], NOW)
