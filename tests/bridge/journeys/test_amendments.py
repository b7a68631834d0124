"""An agreement is amended: on its day, in the district's zone, with what opens in view."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.errors import BridgeError
from bridge.gate import Query, replay_log
from bridge.journeys.running.amend_agreement import amend_agreement, preview_amendment
from bridge.journeys.running.set_up import AgreementDocuments
from bridge.ledger.append import head
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from consent.mou import shipped_document
from tests.support.worlds import COVE, HARBOR, HUB, LEA, World, caller, referral

NARROWER = (b"F1: {drop_elements: [", b"F1: {drop_elements: [referral.reason, ")
LATER = (b"from: 2026-08-24", b"from: 2026-11-01")
# The first instant of 1 November in New York, where summer time ends later that night.
BEGINS = datetime(2026, 11, 1, 4, tzinfo=UTC)


def documents(*edits: tuple[bytes, bytes], provider: str = HARBOR) -> AgreementDocuments:
    agreement = shipped_document("millbrook-harbor-2026")
    for old, new in ((b'version: "1"', b'version: "2"'), *edits):
        assert old in agreement
        agreement = agreement.replace(old, new)
    template = shipped_document("xx-smh-template")
    return AgreementDocuments(template, agreement, "US-XX", LEA, provider, HUB)


def reason_leaves(world: World) -> bool:
    """Whether a referral is released: its reason is what it cannot go without."""
    return bool(world.bridge.gate.search(caller(), Query("ServiceRequest")).matches)


def test_it_takes_effect_at_midnight_of_the_district_and_not_before(world: World) -> None:
    world.refer([referral(1)])
    amended = amend_agreement(world.parts, documents(NARROWER, LATER))
    assert amended.effective_at == BEGINS
    seen = []
    for at in (world.clock.now(), BEGINS - timedelta(seconds=1), BEGINS):
        world.clock.advance(at - world.clock.now())
        seen.append(reason_leaves(world))
    assert seen == [True, True, False]


def test_every_decision_before_and_after_is_replayed_without_a_difference(world: World) -> None:
    world.refer([referral(1), referral(2)])
    amend_agreement(world.parts, documents(NARROWER, LATER))
    for _ in range(2):
        for kind in ("ServiceRequest", "Patient", "Task"):
            world.bridge.gate.search(caller(), Query(kind))
        world.clock.advance(BEGINS - world.clock.now())
    with read(world.bridge.engine) as connection:
        found = list(replay_log(connection, world.agreement))
        assert verify_log(connection, world.agreement).sound
    assert len(found) >= 8
    assert [each.differences for each in found if each.differences] == []
    assert len({each.recorded.entry.terms for each in found}) == 2


def test_the_ledger_says_from_when_which_table_decides(lite: World) -> None:
    amended = amend_agreement(lite.parts, documents(NARROWER, LATER))
    with read(lite.bridge.engine) as connection:
        (entry,) = (e.entry for e in entries(connection, lite.agreement))
    assert (entry.kind, entry.asked_at) == (Kind.AGREEMENT, BEGINS)
    assert entry.terms is not None
    assert (entry.terms.version, entry.terms.table) == ("2", amended.digest)


def test_amending_to_the_same_again_changes_nothing_and_back_again_does(world: World) -> None:
    first = amend_agreement(world.parts, documents(NARROWER))
    again = amend_agreement(world.parts, documents(NARROWER))
    assert (first.new, again.new) == (True, False)
    world.clock.advance(timedelta(hours=1))
    assert amend_agreement(world.parts, documents()).new
    world.clock.advance(timedelta(hours=1))
    assert amend_agreement(world.parts, documents(NARROWER)).new
    with read(world.bridge.engine) as connection:
        assert head(connection, world.agreement).size == 3


def test_what_would_open_and_close_is_told_first(lite: World) -> None:
    preview = preview_amendment(lite.parts, documents(NARROWER))
    assert (preview.opened, preview.closed > 0) == (0, True)
    assert any("referral.reason" in line for line in preview.lines)
    with read(lite.bridge.engine) as connection:
        assert head(connection, lite.agreement).size == 0


def test_other_parties_and_an_unknown_agreement_are_refused(lite: World) -> None:
    with pytest.raises(BridgeError, match="keeps the parties"):
        amend_agreement(lite.parts, documents(provider=COVE))
    other = (b"id: millbrook-harbor-2026", b"id: elsewhere-2026")
    with pytest.raises(BridgeError, match="is in use"):
        amend_agreement(lite.parts, documents(other))


def test_at_the_command_line_nothing_opens_without_yes(tmp_path: Path) -> None:
    home, wide, narrow = tmp_path / "home", tmp_path / "wide.yaml", tmp_path / "narrow.yaml"
    wide.write_bytes(documents().agreement)
    narrow.write_bytes(documents(NARROWER).agreement)
    run = CliRunner()
    parties = ["--lea", LEA, "--provider", HARBOR, "--hub", HUB, "--jurisdiction", "US-XX"]
    rest = ["--template", "xx-smh-template", *parties, "--home", str(home)]
    assert run.invoke(app, ["init", str(home)]).exit_code == 0
    assert run.invoke(app, ["party", "add", str(narrow), *rest]).exit_code == 0
    refused = run.invoke(app, ["party", "amend", str(wide), *rest])
    assert refused.exit_code == 1
    assert "referral.reason" in refused.output
    assert "nothing was changed" in refused.output
    done = run.invoke(app, ["party", "amend", str(wide), *rest, "--yes"])
    assert (done.exit_code, "decides from" in done.output) == (0, True)
    back = run.invoke(app, ["party", "amend", str(narrow), *rest])
    assert (back.exit_code, "cells opened 0" in back.output) == (0, True)
