"""What a district's roster says of a student is typed by nobody who refers that student."""

import json
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.files.import_roster import import_roster
from bridge.store.database.engine import read
from mappings.canonical import Coded, Guardian, Student
from mappings.language import Mapped
from tests.bridge.portal.entering import ANSWERS, Visitor, words
from tests.support.worlds import LEA, World, referral

MOTHER = Guardian("Ines Quintero", Coded("MTH", "mother"), "555-0177", "ines@example.org")
STUDENT = Student(
    "2042",
    "Quintero",
    "Luz",
    date(2012, 4, 9),
    school="north-middle",
    home_language=Coded("es-MX", "Spanish"),
    interpreter_needed=True,
    address_line="12 Quiet Street",
    enrolled=True,
    guardians=(MOTHER,),
)


def enrol(world: World, *students: Student, names: bool = True) -> None:
    import_roster(world.parts, LEA, [Mapped(each, 2) for each in students], names=names)


def shown(visitor: Visitor, local_id: str = "2042") -> str:
    """Return the entry pages of a student, begun by its number."""
    place = visitor.begun()
    assert visitor.post(f"{place}/find", local_id=local_id).status_code == 303
    return visitor.get(f"{place}/student").text + visitor.get(f"{place}/family").text


def test_what_the_roster_says_is_filled_in(world: World) -> None:
    enrol(world, STUDENT)

    pages = shown(Visitor.signed_in(world))

    for value in ("Luz", "Quintero", "2012", "04", "09", "Ines Quintero", "555-0177"):
        assert f'value="{value}"' in pages
    for chosen in ("north-middle", "MTH", "es"):
        assert f'<option value="{chosen}" selected>' in pages
    assert 'value="yes" checked' in pages
    assert "Quiet Street" not in pages


def test_the_roster_goes_before_an_earlier_referral(world: World) -> None:
    world.refer([referral(7)])
    enrol(world, replace(STUDENT, local_id="1007"))

    pages = shown(Visitor.signed_in(world), "1007")

    assert "Luz" in pages
    assert "Child7" not in pages


def test_it_is_for_the_own_district_and_cannot_be_read_in_the_database(world: World) -> None:
    enrol(world, STUDENT)
    with read(world.bridge.engine) as connection:
        kept = [str(row) for row in connection.execute(text("SELECT * FROM roster_entry"))]

    assert len(kept) == 1
    assert "Quintero" not in kept[0]
    assert "Luz" not in shown(Visitor.signed_in(world, "two", district="elsewhere"))


@pytest.mark.parametrize("how", ["left", "without names"])
def test_it_is_gone_when_the_student_has_left_or_the_district_keeps_no_names(
    world: World, how: str
) -> None:
    enrol(world, STUDENT, replace(STUDENT, local_id="2043", given_name="Sol"))

    if how == "left":
        enrol(world, replace(STUDENT, enrolled=False))
    else:
        enrol(world, STUDENT, names=False)

    assert "Luz" not in shown(Visitor.signed_in(world))
    assert "Sol" in shown(Visitor.signed_in(world), "2043")


@pytest.mark.parametrize("others", [(), (replace(MOTHER, name="Juan Quintero"),)])
def test_who_may_not_be_contacted_is_never_filled_in(
    world: World, others: tuple[Guardian, ...]
) -> None:
    world.refer([referral(7)])  # names a guardian of its own
    barred = replace(MOTHER, contact_prohibited=True)
    enrol(world, replace(STUDENT, local_id="1007", guardians=(barred, *others)))

    pages = shown(Visitor.signed_in(world), "1007")

    assert "Ines" not in pages
    assert "Max Winterbourne" not in pages
    assert ("Juan Quintero" in pages) == bool(others)


def test_who_an_order_keeps_out_is_never_filled_in(world: World) -> None:
    enrol(world, STUDENT)
    student_id = world.bridge.identifiers.issue("student", LEA, "2042")

    record_order(world.parts, student_id, Order(guardian="ines  quintero"))

    pages = shown(Visitor.signed_in(world))
    assert "Luz" in pages
    assert "Ines" not in pages
    assert "555-0177" not in pages


def test_who_asks_for_a_student_by_number_is_kept(world: World) -> None:
    enrol(world, STUDENT)
    shown(Visitor.signed_in(world))
    shown(Visitor.signed_in(world), "9999")

    lead = Visitor.signed_in(world, "lead-1", role="referral_coordinator")
    assert words(lead.get("/portal/looked")).count("A student, by number") == 1


def test_the_guardian_named_before_is_typed_no_second_time(world: World) -> None:
    enrol(world, STUDENT)
    visitor = Visitor.signed_in(world)
    release = dict(ANSWERS["release"])
    del release["signer"], release["signer_relationship"]
    place = visitor.answered(find={"local_id": "2042"}, release=release | {"by_guardian": "yes"})

    page = visitor.get(f"{place}/release").text
    assert "Max Winterbourne" in page
    assert visitor.send(place).status_code == 303

    with read(world.bridge.engine) as connection:
        forms = connection.execute(text("SELECT parts FROM signed_release")).scalars().all()
    said = [json.loads(each) if isinstance(each, str) else each for each in forms]
    assert {each["signer"] for each in said} == {"Max Winterbourne"}


def test_that_a_guardian_signed_is_said_of_that_guardian_alone(world: World) -> None:
    visitor = Visitor.signed_in(world)
    release = {**ANSWERS["release"], "by_guardian": "yes"}
    both = visitor.post(f"{visitor.answered()}/release", **release)
    assert "not both" in words(both)
    del release["signer"], release["signer_relationship"]
    place = visitor.answered(release=release)

    visitor.post(f"{place}/family", **{**ANSWERS["family"], "guardian": "Somebody Else"})

    assert visitor.get(f"{place}/check").headers["location"] == f"{place}/release"
    assert 'name="by_guardian" value="yes" checked' not in visitor.get(f"{place}/release").text


def test_the_last_roster_holds(world: World) -> None:
    enrol(world, STUDENT)
    enrol(world, replace(STUDENT, family_name="Reyes"))

    assert "Reyes" in shown(Visitor.signed_in(world))
    assert world.counts()["roster_entry"] == 1
