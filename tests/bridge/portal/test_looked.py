"""Every look of a school at a page about students is kept, and who leads the school reads it."""

import re

from sqlalchemy import text

from bridge.portal.visits import OF_NOBODY
from bridge.store.database.engine import write
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import World, referral


def test_every_page_about_students_leaves_a_row_and_every_other_none(world: World) -> None:
    world.refer([referral(0)])
    visitor = Visitor.signed_in(world)
    key = re.findall(r"/portal/referral/([0-9a-f]{32})", visitor.get("/portal/board").text)[0]
    seen = 1
    for page in ("board?show=act", "board.csv", "board.xlsx", f"referral/{key}", "refer", "forms"):
        assert visitor.get(f"/portal/{page}").status_code == 200
        seen += 1
        assert world.counts()["page_look"] == seen, page
    for page in ("help", "referral/" + "0" * 32, "session", "looked"):
        visitor.get(f"/portal/{page}")
    world.anonymous.get("/portal/board")
    assert world.counts()["page_look"] == seen
    assert "board.html" not in OF_NOBODY


def test_who_leads_reads_who_looked_at_whom(world: World) -> None:
    world.refer([referral(0)])
    visitor = Visitor.signed_in(world, "nurse-1", role="nurse")
    key = re.findall(r"/portal/referral/([0-9a-f]{32})", visitor.get("/portal/board").text)[0]
    visitor.get(f"/portal/referral/{key}")

    lead = Visitor.signed_in(world, "lead-1", role="referral_coordinator")
    said = words(lead.get("/portal/looked"))

    assert "staff:nurse-1 nurse One referral Child0 Winterbourne, R-0" in said
    assert "staff:nurse-1 nurse The list of referrals" in said
    assert "October 15, 2026, 10:00" in said
    assert "Quién consultó" in words(lead.get("/portal/looked?language=es"))


def test_who_leads_reads_no_name_that_their_own_board_does_not_show(world: World) -> None:
    world.refer([referral(0)])
    visitor = Visitor.signed_in(world)
    key = re.findall(r"/portal/referral/([0-9a-f]{32})", visitor.get("/portal/board").text)[0]
    visitor.get(f"/portal/referral/{key}")
    lead = Visitor.signed_in(world, "lead-1", role="administrator")
    with write(world.bridge.engine) as connection:
        connection.execute(
            text("UPDATE page_look SET path = replace(path, :key, :other)"),
            {"key": key, "other": "0" * 32},
        )

    page = lead.get("/portal/looked")

    assert "One referral" in page.text
    assert "Child0" not in page.text


def test_nobody_else_reads_it(world: World) -> None:
    world.refer([referral(0)])
    Visitor.signed_in(world).get("/portal/board")

    assert Visitor.signed_in(world).get("/portal/looked").status_code == 404
    other = Visitor.signed_in(world, district="elsewhere", role="principal")
    assert "staff:one" not in other.get("/portal/looked").text


def test_no_address_that_is_kept_names_anybody(world: World) -> None:
    world.refer([referral(0)])
    visitor = Visitor.signed_in(world)
    visitor.get("/portal/board?show=act")
    visitor.get(f"{visitor.answered()}/check")
    lead = Visitor.signed_in(world, role="referral_coordinator")

    assert "show=act" not in lead.get("/portal/looked").text
    assert "Ana" not in lead.get("/portal/looked").text
