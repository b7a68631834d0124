"""A school refers a student: it sees what would leave, sends once, and nothing is lost."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pikepdf

from bridge.identity import Caller, Party, Standing
from bridge.journeys.referrals.enter_referral import KIND, rehearse
from bridge.journeys.referrals.keep_drafts import draft_of
from bridge.portal.leaving_words import leaving
from tests.bridge.portal.entering import ANSWERS, PENDING, Visitor, words
from tests.leaks.work import counted
from tests.support.worlds import LEA, World, referral

MOST_STATEMENTS = 40
"""The page that checks a referral asked the database 67 times, when it took 69 ms."""

READ = (
    "Patient",
    "RelatedPerson",
    "ServiceRequest",
    "Task",
    "Observation",
    "Consent",
    "Provenance",
)


def on_the_roster(world: World) -> None:
    """Have the student of the answers enrolled, as the district's roster says it."""
    world.refer([referral(7)], "cove")


def received(world: World) -> list[dict[str, object]]:
    web = world.web()
    return [resource for kind in READ for resource in web.found(f"/fhir/{kind}")]


def test_danger_is_spoken_of_before_anything_is_asked_in_both_languages(world: World) -> None:
    visitor = Visitor.signed_in(world)
    before = world.counts() | {"page_look": 0}
    for lang in ("en", "es"):
        said = words(visitor.get(f"/portal/refer?language={lang}"))
        assert said.index("911") < said.index("988") < said.index("2-1-1")
        assert '<input type="text"' not in said
    assert world.counts() | {"page_look": 0} == before


def test_a_referral_is_sent_and_the_provider_reads_what_the_page_said(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    page = visitor.get(f"{place}/check")
    assert page.status_code == 200
    before = world.counts()
    assert received(world) == []

    answer = visitor.send(place)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{place}/sent")
    came = received(world)
    assert {str(one["resourceType"]) for one in came} >= {"Patient", "ServiceRequest", "Task"}
    said = words(page).replace("&#39;", "'")
    listed = said[said.index("What leaves") : said.index("Under the release")]
    assert [text for text in leaving(came) if text not in listed] == []
    assert "Harbor" in listed
    assert "June 30, 2027" in said
    assert "Cries in class." not in json.dumps(came)
    assert "What you wrote in your own words" not in listed
    assert world.counts()["portal_draft"] == before["portal_draft"]


def test_what_was_changed_in_another_window_is_not_sent_unseen(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    shown = re.search(r'name="shown" value="([^"]+)"', visitor.get(f"{place}/check").text)
    assert shown
    visitor.post(f"{place}/urgency", urgency="routine")

    late = visitor.post(f"{place}/check", shown=shown.group(1))

    assert late.status_code == 409
    assert "Not sent: your answers have changed" in words(late)
    assert received(world) == []
    assert visitor.send(place).status_code == 303


def test_looking_at_what_would_leave_changes_nothing(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    before = world.counts() | {"page_look": 0}  # that somebody looked is kept

    first, second = (visitor.get(f"{place}/check") for _ in range(2))

    assert world.counts() | {"page_look": 0} == before
    assert first.text == second.text


def test_what_is_undone_is_not_even_written(lite: World) -> None:
    on_the_roster(lite)
    visitor = Visitor.signed_in(lite)
    draft_id = visitor.answered().rpartition("/")[2]
    caller = Caller("staff:one", Standing(Party.LEA, LEA, "", "counselor", ("follow",)))
    draft = draft_of(lite.parts, caller, KIND, draft_id)
    log = Path(f"{lite.bridge.settings.database_url.removeprefix('sqlite:///')}-wal")
    before = log.read_bytes()

    assert draft
    assert rehearse(lite.parts, caller, draft).sent
    assert log.read_bytes() == before


def test_the_page_that_checks_asks_the_database_no_more_than_it_needs(lite: World) -> None:
    on_the_roster(lite)
    visitor = Visitor.signed_in(lite)
    place = visitor.answered()
    visitor.get(f"{place}/check")
    with counted(lite.bridge.engine) as work:
        visitor.get(f"{place}/check")

    assert len(work.statements) <= MOST_STATEMENTS


def test_without_a_signed_form_the_page_says_that_nothing_leaves_and_nothing_does(
    world: World,
) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered(**PENDING)

    assert "Nothing leaves now" in words(visitor.get(f"{place}/check"))
    assert visitor.send(place).status_code == 303
    assert received(world) == []
    assert "Waits for a signature" in words(visitor.get("/portal/board"))


def test_an_earlier_release_for_the_same_provider_is_named_where_it_lets_a_referral_go(
    world: World,
) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    visitor.send(visitor.answered())

    said = words(visitor.get(f"{visitor.answered(**PENDING)}/check"))

    assert "Under a release for this provider that the family signed before." in said
    assert "Nothing leaves now" not in said


def test_a_referral_is_sent_once_however_often_it_is_pressed(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    before = world.counts()["record"]
    with ThreadPoolExecutor(4) as tabs:
        answers = list(tabs.map(lambda _: visitor.send(place), range(4)))
    once = world.counts()["record"]
    world.clock.advance(timedelta(minutes=5))
    answers.append(visitor.send(place))

    assert {a.headers["location"] for a in answers} == {f"{place}/sent"}
    assert world.counts()["record"] == once > before
    assert len(world.web().found("/fhir/ServiceRequest")) == 1
    assert visitor.get(f"{place}/sent").text == visitor.get(f"{place}/sent").text
    assert visitor.get(f"{place}/why").status_code == 404


def test_the_confirmation_is_kept_as_a_pdf_that_names_nobody(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    assert visitor.get(f"{place}/paper").status_code == 404
    visitor.send(place)

    answer = visitor.get(f"{place}/paper")

    with pikepdf.open(BytesIO(answer.content)) as made:
        assert made.Root.MarkInfo.Marked
        assert str(made.Root.Lang) == "en"
        assert "P-" in str(made.docinfo["/Title"])
        assert "Winterbourne" not in str(made.docinfo)
    assert answer.headers["content-type"] == "application/pdf"
    other = Visitor.signed_in(world, "two")
    assert other.get(f"{place}/paper").status_code == 404


def test_what_an_earlier_referral_said_need_not_be_typed_again(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.begun()
    visitor.post(f"{place}/find", local_id="1007")

    page = visitor.get(f"{place}/student").text

    assert 'value="Child7"' in page
    assert 'value="2012"' in page
    assert 'value="Max Winterbourne"' in visitor.get(f"{place}/family").text


def test_nothing_said_of_one_student_is_said_of_another(world: World) -> None:
    on_the_roster(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    visitor.post(f"{place}/find", local_id="4711")

    assert "Ana" not in visitor.get(f"{place}/student").text
    assert visitor.get(f"{place}/check").headers["location"] == f"{place}/student"


def test_a_time_out_loses_nothing_that_was_sent_page_by_page(world: World) -> None:
    visitor = Visitor.signed_in(world)
    place = visitor.begun()
    for step in ("find", "student", "family"):
        visitor.post(f"{place}/{step}", **ANSWERS[step])
    world.clock.advance(timedelta(minutes=16))
    ended = visitor.get(f"{place}/why")
    assert ended.headers["location"] == "/portal/sign-in"
    assert f"schoolbridge_back={place}/why" in ended.headers["set-cookie"].replace('"', "")

    again = Visitor.signed_in(world)

    assert 'value="Max Winterbourne"' in again.get(f"{place}/family").text
    assert f'href="{place}/why"' in again.get("/portal/refer").text


def test_a_draft_is_its_owners_alone(world: World) -> None:
    place = Visitor.signed_in(world).answered()
    for other in (
        Visitor.signed_in(world, "two"),
        Visitor.signed_in(world, district="elsewhere"),
    ):
        for page in ("find", "check", "sent"):
            assert other.get(f"{place}/{page}").status_code == 404
        assert other.send(place).status_code == 404


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(world: World) -> None:
    visitor = Visitor.signed_in(world)
    place = visitor.begun()
    visitor.post(f"{place}/find", local_id="1007")
    wrong = {**ANSWERS["student"], "birth_date-day": "31", "birth_date-month": "2"}

    page = visitor.post(f"{place}/student", **wrong)

    assert page.status_code == 422
    assert "<title>Error: " in page.text
    assert words(page).count("Enter a real date. Use numbers for month, day and year.") == 2
    assert 'value="Ana"' in page.text
    assert 'href="#birth_date-month"' in page.text


def test_changing_the_language_keeps_what_is_typed_and_complains_of_nothing(world: World) -> None:
    visitor = Visitor.signed_in(world)
    place = visitor.begun()

    page = visitor.post(f"{place}/find", local_id="typed", language="es")

    assert page.status_code == 200
    assert '<html lang="es">' in page.text
    assert 'value="typed"' in page.text
    assert "Hay un problema" not in page.text


def test_a_form_that_ended_or_is_signed_tomorrow_is_not_taken(world: World) -> None:
    visitor = Visitor.signed_in(world)
    place = visitor.begun()
    late = {**ANSWERS["release"], "expires_on-year": "2026"}
    early = {**ANSWERS["release"], "signed_on-month": "12"}

    assert "has ended already" in words(visitor.post(f"{place}/release", **late))
    assert "in the future" in words(visitor.post(f"{place}/release", **early))


def test_providers_stand_in_another_order_for_each_referral(world: World) -> None:
    visitor = Visitor.signed_in(world)
    first = set()
    for _ in range(12):
        said = visitor.get(f"{visitor.begun()}/provider").text
        first.add(said.index('value="harbor"') < said.index('value="cove"'))
    assert first == {True, False}
