"""Court orders and safety flags entered, listed and lifted by hand. All people made up."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.cli import orders
from bridge.cli.running import open_at
from bridge.clock import FixedClock
from bridge.context import Bridge
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.recall_releases import all_recalls
from bridge.journeys.families.record_guardians import Guardian, add_guardian
from bridge.journeys.families.register_release import BLOCKED, file_release
from bridge.journeys.running.let_be_seen import let_be_seen
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from tests.bridge.api.test_newly_permitted import later, shown
from tests.bridge.cli.test_accounts import run
from tests.bridge.journeys.test_release_register import FORM, PARTIES, sees, student
from tests.support.worlds import LEA, NOW, World, make_world, referral

OF = ("1001", "--lea", LEA)
BY = ("--by", "records-office")
FATHER = "max  WINTERBOURNE\n"


@pytest.fixture(autouse=True)
def commands_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a command leaves for the end of its process to close."""
    opened: list[Bridge] = []

    def opening(home: Path) -> Bridge:
        opened.append(open_at(home))
        return opened[-1]

    monkeypatch.setattr(orders, "open_at", opening)
    yield
    for each in opened:
        each.engine.dispose()


@pytest.fixture
def timed(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world whose business time stands, so that the command's clock is a little ahead of it."""
    made = make_world(database_url, tmp_path, FixedClock(NOW, NOW))
    yield made
    made.bridge.engine.dispose()


def ordered(world: World, *more: str, typed: str | None = FATHER) -> dict[str, Any]:
    """Record an order by the command; returns what it says."""
    done = run(world, "student", "order", "record", *OF, *BY, *more, "--json", typed=typed)
    assert done.exit_code == 0, (done.output, done.exception)
    world.clock.instant += timedelta(minutes=5)  # beyond the instant of the command's own clock
    # Before the result stands what was typed, as a terminal shows it.
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def listed(world: World) -> list[dict[str, Any]]:
    told = run(world, "student", "order", "list", *OF, "--json").stdout
    assert "inter" not in told.casefold()
    return list(json.loads(told))


def lifted(world: World, order: str) -> dict[str, Any]:
    done = run(world, "student", "order", "lift", "1001", order, *OF[1:], *BY, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    world.clock.instant += timedelta(minutes=5)
    return dict(json.loads(done.stdout))


def test_a_guardians_form_no_longer_lets_the_referral_leave_and_must_be_signed_anew(
    timed: World,
) -> None:
    timed.refer([referral(1)])
    assert sees(timed)

    told = ordered(timed, "--from", NOW.date().isoformat())

    assert (told["new"], told["forms_ended"] > 0, told["recalls_drafted"] > 0) == (True,) * 3
    assert any("signed anew" in note for note in told["notes"])
    assert len(all_recalls(timed.parts)) == told["recalls_drafted"]
    assert not sees(timed)
    again = replace(FORM, signed_on=NOW.date())
    assert file_release(timed.parts, PARTIES, "1001", again).notes == (BLOCKED,)
    assert not sees(timed)

    assert lifted(timed, told["order"])["held"]
    assert not sees(timed)
    anew = replace(FORM, signed_on=NOW.date(), form="education after the order")
    assert file_release(timed.parts, PARTIES, "1001", anew).facts > 0
    assert sees(timed)


def test_what_a_guardian_signed_while_kept_out_does_not_count_once_they_are_entered_again(
    timed: World,
) -> None:
    timed.refer([referral(1, releases=())])
    order = ordered(timed)["order"]
    assert file_release(timed.parts, PARTIES, "1001", FORM).notes == (BLOCKED,)
    timed.clock.instant += timedelta(days=1)
    lifted(timed, order)

    again = Guardian(str(FORM.signer), "FTH", ("education",), date(2026, 8, 1), "court-order")
    assert add_guardian(timed.parts, LEA, "1001", again)[1]

    assert not sees(timed)
    anew = replace(FORM, signed_on=NOW.date())
    assert file_release(timed.parts, PARTIES, "1001", anew).facts > 0
    assert sees(timed)


def test_whoever_polls_learns_of_an_order_that_is_lifted(timed: World) -> None:
    timed.refer([referral(1)])
    web = timed.web()
    told = ordered(timed, "--party", "provider", "--source", "safety-flag", typed=None)
    cursor = later(timed)
    assert (told["forms_ended"], told["notes"]) == (0, [])
    assert shown(web, cursor) == (0, 0)

    assert lifted(timed, told["order"])["held"]

    assert shown(web, cursor) == (1, 1)


def test_whoever_polls_learns_of_an_order_that_ran_out(timed: World) -> None:
    timed.refer([referral(1)])
    web, last = timed.web(), (NOW + timedelta(days=1)).date().isoformat()
    told = ordered(timed, "--party", "provider", "--until", last, typed=None)
    assert told["notes"] == []
    timed.clock.instant += timedelta(days=2)
    cursor = later(timed)
    assert [row["holds"] for row in listed(timed)] == [False]

    let_be_seen(timed.parts)

    assert not lifted(timed, told["order"])["held"]
    assert shown(web, cursor) == (1, 1)


def test_whoever_polls_learns_of_what_a_blocked_guardians_refusal_kept_back(timed: World) -> None:
    timed.refer([referral(1)])
    refused = replace(FORM, answer="refused", signer="Mia Winterbourne", signer_relationship="MTH")
    file_release(timed.parts, PARTIES, "1001", refused)
    web, cursor = timed.web(), later(timed)
    assert shown(web, cursor) == (0, 0)

    ordered(timed, typed="Mia Winterbourne\n")

    assert shown(web, cursor) == (1, 1)


def test_orders_are_listed_without_a_name_and_the_ledger_keeps_who_said_so(timed: World) -> None:
    timed.refer([referral(1)])
    guardian = ordered(timed)["order"]
    party = ordered(timed, "--party", "hub", "--until", "2999-12-31", typed=None)["order"]
    rows = {row["order"]: row for row in listed(timed)}

    assert {rows[o]["keeps_out"] for o in (guardian, party)} == {"guardian", "hub"}
    assert (rows[guardian]["until"], rows[party]["until"][:10]) == (None, "3000-01-01")
    assert all(row["holds"] and row["source"] == "court-order" for row in rows.values())
    lifted(timed, guardian)
    assert {r["order"]: r["holds"] for r in listed(timed)} == {guardian: False, party: True}
    with read(timed.bridge.engine) as connection:
        said = [e.entry for e in entries(connection, timed.agreement)]
    assert [(e.request, e.evidence) for e in said if e.kind is Kind.EVIDENCE] == [
        ("records-office: order recorded", (guardian,)),
        ("records-office: order recorded", (party,)),
        ("records-office: order lifted", (guardian,)),
    ]


def test_an_order_that_was_lifted_may_be_made_again_from_the_same_day(timed: World) -> None:
    timed.refer([referral(1)])
    since = ("--party", "provider", "--from", "2026-10-01")
    order = ordered(timed, *since, typed=None)["order"]
    assert not ordered(timed, *since, typed=None)["new"]
    lifted(timed, order)
    assert sees(timed)

    assert ordered(timed, *since, typed=None)["new"]
    assert not sees(timed)


def test_an_order_is_made_longer_by_recording_it_again(timed: World) -> None:
    timed.refer([referral(1)])
    short = (NOW + timedelta(days=1)).date().isoformat()
    since = ("--party", "provider", "--from", "2026-10-01")
    ordered(timed, *since, "--until", short, typed=None)
    assert ordered(timed, *since, typed=None)["new"]
    timed.clock.instant += timedelta(days=3)
    assert not sees(timed)


def test_a_name_that_nobody_has_is_said_to_be_one(lite: World) -> None:
    lite.refer([referral(1)])
    told = run(lite, "student", "order", "record", *OF, *BY, typed="Max Winterborne\n")
    assert told.exit_code == 0
    assert "check the spelling" in told.stdout
    assert "interborne" not in told.stdout.split("\n", 1)[1]  # after what was typed
    assert "forms ended: 0" in told.stdout


def test_a_name_is_read_from_a_file_and_stands_nowhere(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1, releases=())])
    file = tmp_path / "name.txt"
    file.write_text("\ufeffMax Winterbourne\n", encoding="utf-8")
    asked = ("student", "order", "record", *OF, *BY, "--name-file", str(file))
    done = run(lite, *asked)
    assert done.exit_code == 0, done.output
    assert "check the spelling" in done.stdout  # no form of his is on file
    file.write_text("Max Winterbourne\nand another\n", encoding="utf-8")
    assert run(lite, *asked).exit_code == 2
    assert run(lite, *asked, "--party", "provider").exit_code == 2
    with read(lite.bridge.engine) as connection:
        kept = connection.execute(text("SELECT * FROM evidence WHERE source_id LIKE 'order/%'"))
        assert "winterbourne" not in str(kept.all()).casefold()


@pytest.mark.parametrize(
    ("number", "more", "code", "says"),
    [
        ("1001", ("--from", "2026-13-01"), 2, "YYYY-MM-DD"),
        ("1001", ("--source", "rumour"), 2, "court-order"),
        ("1001", ("--party", "neighbour"), 1, "one of:"),
        ("1001", ("--until", "2020-01-01"), 1, "over"),
        ("1001", ("--from", "2999-01-01"), 1, "enter it that day"),
        ("9999", (), 1, "import the roster first"),
    ],
)
def test_what_cannot_be_is_refused_and_says_what_to_do(
    lite: World, number: str, more: tuple[str, ...], code: int, says: str
) -> None:
    lite.refer([referral(1)])
    asked = ("student", "order", "record", number, *OF[1:], *BY, *more)
    done = run(lite, *asked, typed=FATHER)
    told = f"{done.output} {done.exception}"
    assert (done.exit_code, says in told) == (code, True), told
    for value in ("WINTERBOURNE", "neighbour", "9999"):
        assert value not in str(done.exception)
    assert listed(lite) == []


def test_only_an_order_of_the_student_is_lifted(lite: World) -> None:
    lite.refer([referral(1), referral(2)])
    other, _ = record_order(lite.parts, student(lite, "1002"), Order(party="provider"))
    with read(lite.bridge.engine) as connection:
        form = str(connection.scalar(text("SELECT id FROM signed_release")))
    for each in (other, form, "order/none"):
        done = run(lite, "student", "order", "lift", "1001", each, *OF[1:], *BY)
        assert (done.exit_code, "no such order" in str(done.exception)) == (1, True)
    assert sees(lite)
    assert not sees(lite, "R-2")
