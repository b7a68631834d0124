"""What a school gets over HTTP: follow-up by API and CSV, and the status board."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

import httpx

from bridge.identity import Party, Standing, form_token, mint_staff_code
from bridge.store.database.engine import write
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    World,
    form_education,
    put_task,
    referral,
)

GUARDIAN = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
MINOR = [{"url": CARE_CONSENT, "valueCode": "minor"}]


def answered(world: World) -> None:
    """Accepted with a guardian's consent, with a minor's, without a release, and unanswered."""
    world.refer(
        [
            referral(0),
            referral(1),
            referral(2, releases=(form_education(),)),
            referral(3),
            referral(4, student={"given_name": "=cmd|' /C calc'!A0"}),
        ]
    )
    web = world.web()
    for n, care in ((0, GUARDIAN), (1, MINOR), (2, GUARDIAN)):
        task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}").json()
        assert put_task(web, task, "accepted", extension=care).status_code == 200


def test_a_school_learns_what_became_of_a_referral_and_nothing_where_it_may_not(
    world: World,
) -> None:
    answered(world)
    rows = world.web("millbrook-sis", "system/Task.rs").get("/school/follow-up").json()["referrals"]
    told = {row["referral"]: (row["status"], row["status_on"]) for row in rows}
    silent = ("sent", "")
    assert told == {
        "R-0": ("accepted", "2026-10-15"),
        "R-1": silent,
        "R-2": silent,
        "R-3": silent,
        "R-4": silent,
    }


def test_a_withheld_status_reads_like_no_answer_to_the_byte(world: World) -> None:
    world.refer([referral(1)])
    web, school = world.web(), world.web("millbrook-sis", "system/Task.rs")
    unanswered = school.get("/school/follow-up")
    entries = world.counts()["ledger_entry"]
    task = web.found("/fhir/Task")[0]
    assert put_task(web, task, "accepted", extension=MINOR).status_code == 200
    withheld = school.get("/school/follow-up")
    assert withheld.content == unanswered.content
    assert dict(withheld.headers) == dict(unanswered.headers)
    told = world.counts()["ledger_entry"] - entries
    assert told == 2  # the provider's own reading and its answer; nothing for the school


def test_the_csv_says_the_same_and_no_spreadsheet_takes_a_cell_for_a_formula(
    world: World,
) -> None:
    answered(world)
    school = world.web("millbrook-sis", "system/Task.rs")
    rows = school.get("/school/follow-up").json()["referrals"]
    answer = school.get("/school/follow-up.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [r["referral"] for r in found] == [r["referral"] for r in rows]
    assert found[4]["student"].startswith("'=cmd")
    assert not any(cell.startswith(("=", "+", "-", "@")) for r in found for cell in r.values())


def test_only_a_school_gets_follow_up(world: World) -> None:
    answered(world)
    for stranger in ("harbor-ehr", "state-hub"):
        answer = world.web(stranger).get("/school/follow-up")
        assert answer.status_code == 403
        assert "R-0" not in answer.text
    assert world.anonymous.get("/school/follow-up.csv").status_code == 401


def code_for(world: World, party: Party = Party.LEA, organization: str = LEA) -> str:
    standing = Standing(party, organization, "", "counselor", ("follow",))
    with write(world.bridge.engine) as connection:
        return mint_staff_code(connection, standing, world.clock)


def signed_in(world: World, code: str) -> httpx.Response:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"code": code})
    return world.anonymous.send("POST", "/portal/sign-in", content=form, headers=kind)


def board(world: World, cookie: str) -> httpx.Response:
    return world.anonymous.get("/portal/board", headers={"Cookie": cookie})


def cookie_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_counsellor_signs_in_once_with_a_code_and_sees_the_board(world: World) -> None:
    answered(world)
    code = code_for(world)
    answer = signed_in(world, code.lower().replace("-", " "))
    settings = answer.headers["set-cookie"].lower()
    assert all(word in settings for word in ("httponly", "samesite=lax", "path=/portal"))
    page = board(world, cookie_of(answer))
    assert page.status_code == 200
    assert "Child0" in page.text
    assert "<script>" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert signed_in(world, code).status_code == 422


def test_a_wrong_code_and_no_code_get_the_same_page(world: World) -> None:
    code = code_for(world)
    wrong = "0000" + code[4:]
    pages = {
        signed_in(world, given).content
        for given in ("", "x", wrong, code[:-1], "A" * 16, "\x00" * 16, "Ж" * 16, code + "0")
    }
    assert len(pages) == 1
    assert signed_in(world, code).status_code == 303


def test_a_code_guessed_at_too_often_is_dead(world: World) -> None:
    code = code_for(world)
    for _ in range(5):
        assert signed_in(world, code[:5] + "0000-0000-0000").status_code == 422
    assert signed_in(world, code).status_code == 422


def test_the_board_is_shut_without_a_session_after_it_and_after_signing_out(world: World) -> None:
    answered(world)
    cookie = cookie_of(signed_in(world, code_for(world)))
    for bad in ("", "schoolbridge_session=", "schoolbridge_session=x", f"{cookie}x"):
        shut = board(world, bad)
        assert (shut.status_code, shut.headers["location"]) == (303, "/portal/sign-in")
        assert "Child0" not in shut.text
    world.clock.advance(timedelta(minutes=14))
    assert board(world, cookie).status_code == 200
    world.clock.advance(timedelta(minutes=15))
    assert board(world, cookie).status_code == 303
    fresh = cookie_of(signed_in(world, code_for(world)))
    form = {"page_key": form_token(fresh.partition("=")[2])}
    kind = {"Cookie": fresh, "Content-Type": "application/x-www-form-urlencoded"}
    world.anonymous.send("POST", "/portal/sign-out", content=urlencode(form), headers=kind)
    assert board(world, fresh).status_code == 303


def test_the_board_is_for_schools_alone(world: World) -> None:
    answered(world)
    cookie = cookie_of(signed_in(world, code_for(world, Party.PROVIDER, HARBOR)))
    assert board(world, cookie).status_code == 303
