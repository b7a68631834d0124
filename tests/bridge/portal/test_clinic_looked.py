"""Every look of a provider at a page about students is kept, and who leads it reads its own."""

import re

import httpx
import pytest
from sqlalchemy import text

from bridge.identity import Party, Standing, open_session
from bridge.journeys.referrals import note_look
from bridge.portal.visits import COOKIE
from bridge.store.database.engine import read, write
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import COVE, HARBOR, World, referral

LOOKED = "/portal/work/looked"


class Person:
    """The browser of one person of a provider."""

    def __init__(self, world: World, handle: str, role: str, of: str = HARBOR) -> None:
        standing = Standing(Party.PROVIDER, of, "", role, ("refer",))
        with write(world.bridge.engine) as connection:
            self.token = open_session(connection, handle, standing, world.clock).token
        self.world = world

    def get(self, path: str, lang: str = "en") -> httpx.Response:
        cookie = {"Cookie": f"{COOKIE}={self.token}; schoolbridge_language={lang}"}
        return self.world.anonymous.get(path, headers=cookie)


def test_every_page_of_a_provider_about_students_leaves_a_row_and_every_other_none(
    world: World,
) -> None:
    world.refer([referral(0)])
    desk, task = Person(world, "desk-1", "intake"), world.id_of("Task", "R-0")
    for seen, page in enumerate(("", "?show=ended", f"/{task}", "/file"), start=1):
        assert desk.get(f"/portal/work{page}").status_code == 200
        assert world.counts()["page_look"] == seen, page
    for page in ("/portal/work/none", "/portal/help", "/portal/board", LOOKED):
        desk.get(page)
    lead = Person(world, "lead-1", "supervisor")
    assert lead.get(LOOKED).status_code == 200
    world.anonymous.get("/portal/work")
    assert world.counts()["page_look"] == seen


def test_who_leads_a_provider_reads_who_of_its_people_looked_at_what(world: World) -> None:
    world.refer([referral(0)])
    desk = Person(world, "desk-1", "intake")
    desk.get("/portal/work")
    desk.get(f"/portal/work/{world.id_of('Task', 'R-0')}")
    Person(world, "care-1", "clinician").get("/portal/work/file")

    lead = Person(world, "lead-1", "supervisor")
    said = words(lead.get(LOOKED))

    assert "staff:desk-1 intake One referral" in said
    assert "staff:desk-1 intake Referrals sent to you" in said
    assert "staff:care-1 clinician Send your answers as a file" in said
    assert "October 15, 2026, 10:00" in said
    assert f'href="{LOOKED}"' in lead.get("/portal/work").text
    assert f'href="{LOOKED}"' not in desk.get("/portal/work").text
    assert "Quién consultó" in words(lead.get(LOOKED, "es"))


def test_a_number_stands_there_only_where_the_readers_own_list_shows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.refer([referral(0), referral(1)])
    desk = Person(world, "desk-1", "intake")
    for number in ("R-0", "R-1"):
        desk.get(f"/portal/work/{world.id_of('Task', number)}")
    lead = Person(world, "lead-1", "supervisor")

    # Under the agreement a supervisor is no recipient of referrals.
    page = lead.get(LOOKED).text
    marks = re.findall(r'data-label="Referral">([0-9a-f]{8})<', page)
    assert len({*marks}) == len(marks) == 2
    assert not re.findall(r"R-\d", page + lead.get("/portal/work").text)

    monkeypatch.setitem(note_look.READERS, Party.PROVIDER, {"intake"})  # an agreement may say so
    told = re.findall(r'data-label="Referral">(.+?)<', desk.get(LOOKED).text)
    assert {*told} == {"R-0", "R-1", "-"}


def test_nobody_else_reads_it(world: World) -> None:
    world.refer([referral(0)])
    desk = Person(world, "desk-1", "intake")
    desk.get("/portal/work")
    Visitor.signed_in(world, "counselor-1").get("/portal/board")

    assert desk.get(LOOKED).status_code == 404
    assert "staff:" not in words(Person(world, "lead-2", "supervisor", COVE).get(LOOKED))
    own = words(Person(world, "lead-1", "supervisor").get(LOOKED))
    assert "staff:desk-1" in own
    assert "staff:counselor-1" not in own
    school = Visitor.signed_in(world, "lead-3", role="referral_coordinator")
    assert "staff:desk-1" not in words(school.get("/portal/looked"))
    assert school.get(LOOKED).status_code == 303  # asked to sign in, as on each of those pages


def test_no_address_that_is_kept_of_a_provider_names_anybody(world: World) -> None:
    world.refer([referral(0)])
    desk = Person(world, "desk-1", "intake")
    desk.get("/portal/work?show=ended")
    desk.get(f"/portal/work/{world.id_of('Task', 'R-0')}")

    with read(world.bridge.engine) as connection:
        kept = connection.execute(text("SELECT path FROM page_look ORDER BY path")).scalars().all()
    assert kept == ["/portal/work", f"/portal/work/{world.id_of('Task', 'R-0')}"]
