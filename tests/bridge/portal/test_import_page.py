"""A file of referrals is looked at in groups, repaired, approved; before, nothing is kept."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest

from bridge.clock import FixedClock
from bridge.journeys.files.review_import import PART
from bridge.journeys.files.uploaded_rows import MOST_BYTES, MOST_ROWS
from bridge.store.database.engine import read, write
from bridge.store.directory import held
from bridge.store.people.drafts import drop_drafts_before
from tests.bridge.journeys.test_held_queue import GOOD, HEADER
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import HARBOR, LEA, World

MAP = "schoolbridge-template"
Rows = tuple[dict[str, str], ...]
# One row of every group; of the last but one a person may say that it is the same student.
ON_FILE: Rows = (
    {"Referral number": "Q-1"},
    {"Referral number": "Q-2", "Student ID": "4711", "Last name": "Okafor"},
)
WEEK: Rows = (
    {"Referral number": "Q-1"},
    {"Referral number": "Q-3"},
    {"Referral number": "Q-3"},
    {"Referral number": "Q-4", "Urgency": ""},
    {"Referral number": "Q-2", "Student ID": "4711", "Last name": "Okafor", "Description": "new"},
    {"Referral number": "Q-5", "Student ID": "4711", "Last name": "Ibarra"},
)


def file_of(rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(HEADER))
    writer.writeheader()
    writer.writerows(GOOD | row for row in rows)
    return out.getvalue().encode()


def lead(world: World, handle: str = "lead-1", role: str = "referral_coordinator") -> Visitor:
    return Visitor.signed_in(world, handle, role=role)


def begun(visitor: Visitor, rows: Rows) -> str:
    """Choose a file; return the address of its review."""
    answers = {"map": MAP, "provider": HARBOR}
    answer = visitor.send_file("/portal/import", file_of(rows), "week.csv", **answers)
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["location"])


def brought_in(world: World, rows: Rows) -> None:
    visitor = lead(world, "lead-0")
    assert visitor.post(f"{begun(visitor, rows)}/approve").status_code == 303


def counted(page: str) -> dict[str, int]:
    found = re.search(r'id="counts">(.*?)</ul>', page, re.DOTALL)
    assert found
    return {name: int(n) for name, n in re.findall(r"<li>(.*?): (\d+)</li>", found[1])}


def cells(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(cell-[0-9]+)"[^>]*value="([^"]*)"', page))


def kept(world: World) -> dict[str, int]:
    """Return the rows of every table but what is kept of looks, drafts and sessions."""
    aside = ("page_look", "portal_draft", "identity_staff_session")
    return {name: n for name, n in world.counts().items() if name not in aside}


def test_each_row_stands_in_its_group_and_nothing_is_kept_before_it_is_approved(
    world: World,
) -> None:
    brought_in(world, ON_FILE)
    before = kept(world)
    visitor = lead(world)

    page = visitor.get(begun(visitor, WEEK))

    groups = {"New": 1, "Already there": 1, "Close match": 2, "Waits for a correction": 1}
    assert counted(page.text) == {**groups, "Not imported": 1}
    said = words(page)
    assert "Row 5 Urgency : Nothing is filled in. Fill it in here or in your file." in said
    assert "Row 6 A referral with this number is on file and says something else." in said
    assert "Row 7 The student number is on file with another name or date of birth." in said
    assert kept(world) == before


def test_what_was_reviewed_is_taken_in_and_what_waits_is_on_the_list(world: World) -> None:
    brought_in(world, ON_FILE)
    visitor = lead(world)
    place = begun(visitor, WEEK)

    assert visitor.post(f"{place}/approve").status_code == 303

    page = visitor.get(place)
    assert "1 referral was added." in words(page)
    assert counted(page.text)["Already there"] == 2
    assert world.stored("ServiceRequest", world.id_of("ServiceRequest", "Q-3"))
    with read(world.bridge.engine) as connection:
        assert [each.row for each in held(connection, LEA)] == [5, 6, 7]


def test_a_row_is_corrected_in_the_page_and_comes_in(world: World) -> None:
    brought_in(world, ON_FILE)
    visitor = lead(world)
    place = begun(visitor, WEEK)
    visitor.post(f"{place}/approve")
    asked = visitor.get(f"{place}/row/5").text
    typed = dict(re.findall(r'name="(cell-\d+)"[^>]*value="([^"]*)"', asked))
    urgency = f"cell-{list(HEADER).index('Urgency')}"
    assert re.findall(r'name="(cell-\d+)"', asked)[0] == urgency
    description = f"cell-{list(HEADER).index('Description')}"

    still = visitor.post(f"{place}/row/5", **typed | {urgency: "sometime"})
    assert still.status_code == 422
    assert "This answer is not one of the known ones" in words(still)
    typed |= {urgency: "Routine", description: "Sleeps in class."}
    assert visitor.post(f"{place}/row/5", **typed).status_code == 303
    assert visitor.post(f"{place}/approve").status_code == 303

    request = world.stored("ServiceRequest", world.id_of("ServiceRequest", "Q-4"))
    assert request["priority"] == "routine"
    with read(world.bridge.engine) as connection:
        assert [each.row for each in held(connection, LEA)] == [6, 7]


def test_a_cell_that_is_too_long_is_said_and_the_others_stay_as_they_are(world: World) -> None:
    visitor = lead(world)
    place = begun(visitor, WEEK)
    visitor.post(f"{place}/approve")
    address = f"{place}/row/{re.findall('/row/([0-9]+)', visitor.get(place).text)[0]}"
    typed = cells(visitor.get(address).text)
    wrong = next(iter(typed))

    page = visitor.post(address, **typed | {wrong: "x" * 12_000})

    assert page.status_code == 422
    assert "Use 10000 characters or fewer" in words(page)
    assert cells(page.text) | {wrong: ""} == typed | {wrong: ""}


def test_a_row_whose_number_is_somebody_elses_comes_in_if_a_person_says_so(world: World) -> None:
    brought_in(world, ON_FILE)
    visitor = lead(world)
    place = begun(visitor, WEEK)
    assert "bring it in" in visitor.get(place).text

    visitor.post(f"{place}/approve", same="7")

    assert world.stored("ServiceRequest", world.id_of("ServiceRequest", "Q-5"))
    with read(world.bridge.engine) as connection:
        assert [each.row for each in held(connection, LEA)] == [5, 6]


def test_what_changed_since_the_review_is_looked_at_again(world: World) -> None:
    first, second = lead(world), lead(world, "lead-2")
    here, there = begun(first, WEEK), begun(second, WEEK)
    second.post(f"{there}/approve")
    before = kept(world)

    first.post(f"{here}/approve")

    page = first.get(here)
    assert "The data has changed: look again" in words(page)
    assert counted(page.text)["New"] == 0
    assert kept(world) == before
    first.post(f"{here}/approve")
    assert "The data has changed" not in words(first.get(here))


def test_of_two_at_once_each_row_is_taken_in_by_one(world: World) -> None:
    rows = tuple({"Referral number": f"Q-{n}", "Student ID": str(n)} for n in range(PART + 2))
    first, second = lead(world), lead(world, "lead-2")
    here, there = begun(first, rows), begun(second, rows[-1:])
    second.post(f"{there}/approve")

    first.post(f"{here}/approve")

    page = first.get(here)
    assert "The data has changed: look again" in words(page)
    assert counted(page.text)["New"] == 1
    assert counted(page.text)["Already there"] == PART + 1


def test_who_throws_a_file_away_leaves_only_that_somebody_looked(world: World) -> None:
    before = kept(world) | {"portal_draft": world.counts()["portal_draft"]}
    visitor = lead(world)
    place = begun(visitor, WEEK)

    assert visitor.post(f"{place}/cancel").status_code == 303

    assert visitor.get(place).status_code == 404
    assert kept(world) | {"portal_draft": world.counts()["portal_draft"]} == before
    assert "A file of referrals: thrown away" in words(visitor.get("/portal/looked"))


def test_the_file_is_gone_when_nothing_waits_and_after_seven_days_anyway(world: World) -> None:
    visitor = lead(world)
    place = begun(visitor, WEEK[:2])
    assert world.counts()["portal_draft"] == 2
    visitor.post(f"{place}/approve")
    assert world.counts()["portal_draft"] == 1
    assert "2 referrals were added." in words(visitor.get(place))
    begun(visitor, WEEK)
    later = FixedClock(world.clock.real_now() + timedelta(days=7, seconds=1))
    with write(world.bridge.engine) as connection:
        drop_drafts_before(connection, later.now())
    assert world.counts()["portal_draft"] == 0


def test_nobody_reads_the_file_in_the_database(world: World) -> None:
    begun(lead(world), WEEK)
    with read(world.bridge.engine) as connection:
        rows = connection.exec_driver_sql("SELECT * FROM portal_draft").fetchall()
    assert len(rows) == 2
    assert not any(word in str(rows) for word in ("Okafor", GOOD["Last name"], "week.csv", "Q-3"))


def test_the_rows_that_wait_come_as_a_workbook_of_texts_and_go_back(world: World) -> None:
    formula = '=HYPERLINK("http://x.example","see")'
    visitor = lead(world)
    place = begun(visitor, ({"Referral number": "Q-9", "Urgency": "", "Description": formula},))
    visitor.post(f"{place}/approve")

    book = openpyxl.load_workbook(io.BytesIO(visitor.get(f"{place}/held.xlsx").content))

    sheet = book.worksheets[0]
    assert {cell.data_type for row in sheet for cell in row if cell.value} == {"s"}
    columns = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.cell(2, columns["Description"]).value == formula
    sheet.cell(2, columns["Urgency"]).value = "Routine"
    out = io.BytesIO()
    book.save(out)
    answers = {"map": MAP, "provider": HARBOR}
    again = visitor.send_file("/portal/import", out.getvalue(), "held.xlsx", **answers)
    visitor.post(f"{again.headers['location']}/approve")
    with read(world.bridge.engine) as connection:
        assert held(connection, LEA) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: b"", "The file is empty."),
        (lambda: b"x" * (MOST_BYTES + 1), "The file is larger than 3 megabytes. Divide it."),
        (lambda: b"Name\nAnn\n", "The file cannot be used as it is."),
        (lambda: b"PK\x03\x04 no workbook", "The file cannot be used as it is."),
        (lambda: b"\x00\xff\xfe\x00", "The file cannot be used as it is."),
        (
            lambda: file_of(tuple({"Referral number": f"Q-{n}"} for n in range(MOST_ROWS + 1))),
            "The file has more than 200 rows. Divide it.",
        ),
    ],
    ids=["empty", "large", "other headings", "no workbook", "bytes", "rows"],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(
    world: World, content: Callable[[], bytes], said: str
) -> None:
    before = world.counts()["portal_draft"]
    answers = {"map": MAP, "provider": HARBOR}
    answer = lead(world).send_file("/portal/import", content(), "week.csv", **answers)

    assert answer.status_code == 422
    assert said in words(answer)
    assert world.counts()["portal_draft"] == before


def test_it_is_for_who_leads_and_a_review_is_for_who_began_it(world: World) -> None:
    place = begun(lead(world), WEEK)

    counselor = Visitor.signed_in(world)
    assert counselor.get("/portal/import").status_code == 404
    assert counselor.get(place).status_code == 404
    assert lead(world, "lead-2").get(place).status_code == 404
    assert "/portal/import" not in counselor.get("/portal/board").text
    assert "/portal/import" in lead(world).get("/portal/board").text


def test_it_is_said_in_spanish_too(world: World) -> None:
    visitor = lead(world)
    page = visitor.get(f"{begun(visitor, WEEK)}?language=es")
    assert "No hay nada escrito. Escríbalo aquí o en su archivo." in words(page)
    assert "Aprobar e incorporar" in page.text
