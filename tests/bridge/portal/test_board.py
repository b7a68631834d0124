"""The board and a referral's page: what to do first, and nothing that may not be told."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from bridge.gate import ReleasedFollowUps
from bridge.gate.people import school_side
from bridge.gate.people.school_side import SchoolSide
from bridge.journeys.files.export_follow_up import follow_up_table
from bridge.portal.board import PRESETS
from bridge.store.database.engine import write
from bridge.store.directory import organizations, put_organizations
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import CARE_CONSENT, HARBOR, World, caller, put_task, referral

GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
MINOR = [{"url": CARE_CONSENT, "valueCode": "minor"}]


def answered(world: World, number: int, status: str, care: list[dict[str, str]]) -> None:
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{number}')}").json()
    assert put_task(web, task, status, extension=care).status_code == 200


def rows(page: str) -> list[str]:
    return re.findall(r"/portal/referral/([0-9a-f]{32})", page)


def test_fifty_rows_a_page_the_longest_due_first(world: World) -> None:
    world.refer([referral(n) for n in range(53)])
    answered(world, 0, "accepted", GUARDIAN)
    visitor = Visitor.signed_in(world)

    first, second = (visitor.get(f"/portal/board?page={n}").text for n in (1, 2))

    assert (len(rows(first)), len(rows(second))) == (50, 3)
    assert "Child0 Winterbourne" in second
    assert len(set(rows(first) + rows(second))) == 53
    assert "Page 2 of 2." in second
    assert len(first) <= 30_000


def test_a_preset_keeps_its_rows_and_its_address_names_nobody(world: World) -> None:
    world.refer([referral(n) for n in range(3)])
    answered(world, 0, "accepted", GUARDIAN)
    visitor = Visitor.signed_in(world)

    page = visitor.get("/portal/board?show=unanswered").text

    assert len(rows(page)) == 2
    assert 'role="status" id="count">2 referrals.' in page
    addresses = re.findall(r'href="([^"]+)"', page)
    assert not any("Winterbourne" in one or "R-1" in one for one in addresses)
    assert len(rows(visitor.get("/portal/board?show=nothing-of-ours").text)) == 3


def test_a_minor_treated_alone_changes_no_page_of_the_school(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor = Visitor.signed_in(world)
    key = rows(visitor.get("/portal/board").text)[0]
    places = ("board", "board?show=unanswered", "board.csv", f"referral/{key}")
    places = (*places, f"referral/{key}/withdraw")
    before = [visitor.get(f"/portal/{place}").content for place in places]

    answered(world, 0, "accepted", MINOR)
    answered(world, 1, "accepted", MINOR)

    assert [visitor.get(f"/portal/{place}").content for place in places] == before


def test_a_school_withdraws_a_referral_once_it_says_so(world: World) -> None:
    world.refer([referral(0)])
    visitor = Visitor.signed_in(world)
    place = f"/portal/referral/{rows(visitor.get('/portal/board').text)[0]}"

    assert visitor.post(f"{place}/withdraw").status_code == 422
    assert visitor.post(f"{place}/withdraw", sure="no").status_code == 303
    assert "Withdrawn by the school" not in words(visitor.get(place))
    assert visitor.post(f"{place}/withdraw", sure="yes").headers["location"] == place
    assert "Withdrawn by the school" in words(visitor.get(place))
    assert visitor.post(f"{place}/withdraw", sure="yes").status_code == 303
    assert world.web().found("/fhir/Task?status=cancelled")


def test_a_site_that_is_called_like_its_provider_is_not_taken_for_it(world: World) -> None:
    world.refer([referral(0)])
    with write(world.bridge.engine) as connection:
        known = organizations(connection)[HARBOR]
        site = replace(known, key=f"{HARBOR}/z", id="a-site", parent=HARBOR)
        put_organizations(connection, [site])
    visitor = Visitor.signed_in(world)
    place = f"/portal/referral/{rows(visitor.get('/portal/board').text)[0]}"

    assert "The family signed a release" in words(visitor.get(place))
    assert visitor.post(f"{place}/withdraw", sure="yes").headers["location"] == place
    assert "Withdrawn by the school" in words(visitor.get(place))


def test_a_referral_of_another_district_is_not_here(world: World) -> None:
    world.refer([referral(0)])
    key = rows(Visitor.signed_in(world).get("/portal/board").text)[0]
    other = Visitor.signed_in(world, district="elsewhere")

    assert other.get(f"/portal/referral/{key}").status_code == 404
    assert other.post(f"/portal/referral/{key}/withdraw", sure="yes").status_code == 404


def test_the_workbook_holds_every_cell_as_text(world: World) -> None:
    world.refer([referral(0, student={"given_name": "=1+1", "family_name": "@SUM(1)"})])
    visitor = Visitor.signed_in(world)

    book = openpyxl.load_workbook(BytesIO(visitor.get("/portal/board.xlsx").content))

    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert "=1+1 @SUM(1)" in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells if cell.value} == {"s"}


def test_a_file_of_the_board_is_made_part_by_part_and_each_row_stands_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(school_side, "PART", 2)
    world.refer([referral(n) for n in range(5)])
    answered(world, 2, "accepted", GUARDIAN)
    answered(world, 3, "accepted", MINOR)
    visitor = Visitor.signed_in(world)
    wanted = follow_up_table(world.bridge.gate.follow_up(caller("millbrook-sis")))

    found = visitor.get("/portal/board.csv").text
    book = openpyxl.load_workbook(BytesIO(visitor.get("/portal/board.xlsx").content))

    assert sorted(found.splitlines()) == sorted(wanted.splitlines())
    assert found.splitlines()[0] == wanted.splitlines()[0]
    cells = [[cell.value or "" for cell in row] for row in book.active.iter_rows()]
    assert cells == list(csv.reader(StringIO(found)))


def test_a_file_ends_early_where_somebody_is_signed_out_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(school_side, "PART", 2)
    world.refer([referral(n) for n in range(5)])
    visitor = Visitor.signed_in(world)
    released = SchoolSide.follow_up_parts

    def signed_out_after_one(*given: Any, **more: Any) -> Iterator[ReleasedFollowUps]:  # noqa: ANN401 - as it is called
        for part in released(*given, **more):
            with write(world.bridge.engine) as connection:
                connection.execute(text("DELETE FROM identity_staff_session"))
            yield part

    monkeypatch.setattr(SchoolSide, "follow_up_parts", signed_out_after_one)
    assert len(visitor.get("/portal/board.csv").text.splitlines()) == 1 + 2


def test_a_declined_referral_asks_for_another_provider_and_nothing_is_typed_again(
    world: World,
) -> None:
    visitor = Visitor.signed_in(world)
    world.refer([referral(7)], "cove")  # so that the student is on the roster
    sent = visitor.answered()
    visitor.send(sent)
    number = re.findall(r"P-[0-9A-F]{10}", visitor.get(f"{sent}/sent").text)[0]
    web = world.web()
    (task,) = web.found("/fhir/Task")
    assert put_task(web, task, "rejected", extension=GUARDIAN).status_code == 200
    page = visitor.get("/portal/board?show=act").text
    assert number not in page  # the student is cared for under the other referral
    cove = world.web("cove-ehr")
    assert put_task(cove, cove.found("/fhir/Task")[0], "rejected", extension=GUARDIAN).is_success
    page = visitor.get("/portal/board?show=act").text
    assert page.count("Choose another provider") == 2
    keys = dict.fromkeys(rows(page))
    key = dict(zip(re.findall(r"P-[0-9A-F]{10}|R-7", page), keys, strict=True))[number]

    begun = visitor.post(f"/portal/referral/{key}/again").headers["location"]

    place = begun.removesuffix("/provider")  # all before it is answered
    for step in ("student", "family", "why", "urgency"):
        said = visitor.get(f"{place}/{step}").text
        assert any(word in said for word in ("Ana", "Max Winterbourne", " checked", " selected"))
    assert " checked" not in visitor.get(f"{place}/provider").text


def test_the_page_for_staff_explains_every_choice_of_rows() -> None:
    page = (Path(__file__).parents[3] / "docs" / "school-staff.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([^|]+) \| [a-z]", page, re.MULTILINE)
    assert explained[1:] == [preset.label for preset in PRESETS.values()]
