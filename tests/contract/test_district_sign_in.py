"""People sign in at a district's directory: oidc-provider, which nobody here wrote."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from bridge.app import create_app
from bridge.clock import FixedClock, SystemClock
from bridge.directories import Directory
from bridge.identity.tables import SEEN, SESSION
from bridge.store.database.engine import read, write
from bridge.store.people.drafts import KeptDraft, put_draft
from tests.contract.directory import CALLBACK, SECRET, Browser, oidc_provider
from tests.support.worlds import BASE, LEA, NOW, World, make_world, referral

PEOPLE = {
    "counselor-1": ["Staff", "District Counselor"],
    "principal-1": ["Principal"],
    "both": ["Principal", "District Counselor"],
    "teacher-1": ["Staff"],
    "nobody": [],
}
ROLES = (("District Counselor", "counselor"), ("Principal", "administrator"))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with oidc_provider(PEOPLE, tmp_path_factory.mktemp("oidc") / "provider.log") as running:
        yield running


@pytest.fixture
def district(issuer: str) -> Directory:
    return Directory(LEA, issuer, "schoolbridge", SECRET, "roles", ROLES, ("follow",))


@pytest.fixture
def school(sqlite_url: str, tmp_path: Path, district: Directory) -> Iterator[World]:
    """A bridge with one referral whose district signs in at oidc-provider."""
    clock = FixedClock(NOW, real=SystemClock().real_now())
    made = make_world(sqlite_url, tmp_path, clock)
    made.refer([referral(0)])
    with_directory(made, district)
    yield made
    made.bridge.engine.dispose()


def with_directory(world: World, directory: Directory) -> None:
    settings = replace(world.bridge.settings, directories=(directory,))
    world.bridge = replace(world.bridge, settings=settings)
    world.app = create_app(world.bridge)
    world.anonymous.app = world.app


def answered(browser: Browser, login: str = "counselor-1") -> str:
    """Begin and log in; returns the answer, not yet taken to the bridge."""
    return browser.log_in(browser.begin(LEA), login)


def changed(address: str, **parameters: str | None) -> str:
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    kept = {name: value for name, value in {**query, **parameters}.items() if value is not None}
    return f"{CALLBACK}?{urlencode(kept)}"


def roles(world: World) -> list[str]:
    with read(world.bridge.engine) as connection:
        return [row.role for row in connection.execute(SESSION.select())]


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and "did not let you in" in answer.text


def test_a_counsellor_signs_in_and_sees_the_board(school: World) -> None:
    browser = Browser(school)
    assert f'href="/portal/sign-in/{LEA}"' in browser.get("/portal/sign-in").text
    answer = browser.come_back(answered(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/board")
    board = browser.get("/portal/board")
    assert board.status_code == 200
    assert "Child0" in board.text


def test_with_a_sign_in_what_nobody_goes_on_with_is_gone(school: World) -> None:
    over = school.clock.real_now() - timedelta(seconds=1)
    with write(school.bridge.engine) as connection:
        put_draft(connection, KeptDraft("a", "somebody", "import-file", "sealed", "", over))
    browser = Browser(school)
    assert browser.come_back(answered(browser)).status_code == 303
    assert school.counts()["portal_draft"] == 0


def test_the_request_is_exactly_what_the_protocol_asks_for(school: World) -> None:
    browser = Browser(school)
    first, second = browser.begin(LEA), Browser(school).begin(LEA)
    asked = parse_qs(urlsplit(first).query)
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [CALLBACK]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid"]
    for name, length in (("state", 64), ("nonce", 64), ("code_challenge", 43)):
        assert len(asked[name][0]) == length
        assert asked[name] != parse_qs(urlsplit(second).query)[name]


def test_cookies_are_kept_from_scripts_and_sent_over_https_alone(school: World) -> None:
    browser = Browser(school)
    begun = browser.get(f"/portal/sign-in/{LEA}").headers["set-cookie"].lower()
    back = browser.come_back(answered(browser)).headers.get_list("set-cookie")[0].lower()
    for cookie in (begun, back):
        assert all(
            word in cookie for word in ("httponly", "samesite=lax", "secure", "path=/portal")
        )


@pytest.mark.parametrize(
    ("login", "role"),
    [("counselor-1", "counselor"), ("principal-1", "administrator"), ("both", "counselor")],
)
def test_the_role_is_what_the_directory_says(school: World, login: str, role: str) -> None:
    browser = Browser(school)
    assert browser.come_back(answered(browser, login)).status_code == 303
    assert roles(school) == [role]


@pytest.mark.parametrize("login", ["teacher-1", "nobody"])
def test_who_has_no_role_that_counts_is_not_let_in(school: World, login: str) -> None:
    browser = Browser(school)
    assert refused(browser.come_back(answered(browser, login)))
    assert browser.get("/portal/board").status_code == 303
    assert roles(school) == []


def test_an_answer_is_taken_once(school: World) -> None:
    browser = Browser(school)
    address = answered(browser)
    kept = dict(browser.cookies)
    assert browser.come_back(address).status_code == 303
    browser.cookies = kept
    assert refused(browser.come_back(address))
    assert len(roles(school)) == 1


def test_an_answer_fits_the_browser_that_asked_alone(school: World) -> None:
    mine, other = Browser(school), Browser(school)
    address = answered(mine)
    assert refused(other.come_back(address))  # has begun nothing
    other.begin(LEA)
    assert refused(other.come_back(address))  # has begun another
    assert mine.come_back(address).status_code == 303


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "0" * 64},
        {"state": None},
        {"state": "\u00e9"},
        {"code": "x"},
        {"code": None},
        {"code": "x" * 5000},
        {"iss": "https://evil.example.org"},
        {"error": "access_denied"},
    ],
)
def test_a_changed_answer_lets_nobody_in(school: World, changes: dict[str, str | None]) -> None:
    browser = Browser(school)
    assert refused(browser.come_back(changed(answered(browser), **changes)))
    assert roles(school) == []


def test_an_answer_with_a_parameter_twice_lets_nobody_in(school: World) -> None:
    browser = Browser(school)
    assert refused(browser.come_back(answered(browser) + "&code=x"))


def test_an_answer_that_comes_late_lets_nobody_in(school: World) -> None:
    browser = Browser(school)
    address = answered(browser)
    school.clock.real = school.clock.real_now().replace(year=2099)
    assert refused(browser.come_back(address))


@pytest.mark.parametrize(
    "cookie", ["", "x", "millbrook.1.x", "millbrook.x." + "A" * 43, "\u00b2.\u00b2." + "A" * 43]
)
def test_a_cookie_of_ones_own_making_lets_nobody_in(school: World, cookie: str) -> None:
    browser = Browser(school)
    address = answered(browser)
    raw = f"schoolbridge_signing_in={cookie}".encode()
    answer = school.anonymous.get(address.removeprefix(BASE), headers={"Cookie": raw})
    assert refused(answer)


def test_the_directory_takes_the_code_from_who_knows_the_verifier_alone(
    school: World, issuer: str
) -> None:
    code = parse_qs(urlsplit(answered(Browser(school))).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    stolen = httpx.post(
        f"{issuer}/token", data=form, auth=("schoolbridge", SECRET.replace(" ", "+")), timeout=30
    )
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "another"},
        {"client_id": "another"},
        {"claim": "groups"},
        {"roles": (("Superintendent", "counselor"),)},
    ],
)
def test_a_directory_that_is_set_up_otherwise_lets_nobody_in(
    school: World, district: Directory, change: dict[str, str]
) -> None:
    browser = Browser(school)
    address = answered(browser)
    with_directory(school, replace(district, **change))
    assert refused(browser.come_back(address))
    assert roles(school) == []


def test_a_directory_that_calls_itself_otherwise_or_is_not_there_is_refused(
    school: World, district: Directory
) -> None:
    for issuer in (district.issuer + "/", "http://127.0.0.1:9"):
        with_directory(school, replace(district, issuer=issuer))
        assert refused(Browser(school).get(f"/portal/sign-in/{LEA}"))
    assert refused(Browser(school).get("/portal/sign-in/elsewhere"))


def test_a_session_ends_where_the_directory_gives_its_role_no_more(
    school: World, district: Directory
) -> None:
    browser = Browser(school)
    browser.come_back(answered(browser))
    assert browser.get("/portal/board").status_code == 200
    with_directory(school, replace(district, roles=(("Principal", "administrator"),)))
    assert browser.get("/portal/board").status_code == 303


def test_signing_out_needs_the_form_of_the_page(school: World) -> None:
    browser = Browser(school)
    browser.come_back(answered(browser))
    form = re.search(r'name="page_key" value="([0-9a-f]{64})"', browser.get("/portal/board").text)
    assert form is not None
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    elsewhere = kind | {"Sec-Fetch-Site": "cross-site"}
    for sent, headers in (("", kind), ("page_key=x", kind), (f"page_key={form[1]}", elsewhere)):
        assert browser.post("/portal/sign-out", content=sent, headers=headers).status_code == 403
    other = kind | {"Origin": "https://evil.example.org"}
    out = browser.post("/portal/sign-out", content=f"page_key={form[1]}", headers=other)
    assert out.status_code == 403
    assert browser.get("/portal/board").status_code == 200
    out = browser.post("/portal/sign-out", content=f"page_key={form[1]}", headers=kind)
    assert out.status_code == 303
    assert browser.get("/portal/board").status_code == 303


def test_nothing_of_the_person_or_the_sign_in_is_in_the_database(school: World) -> None:
    browser = Browser(school)
    address = answered(browser)
    cookie = browser.cookies["schoolbridge_signing_in"]
    browser.come_back(address)
    with read(school.bridge.engine) as connection:
        rows = [*connection.execute(SESSION.select()), *connection.execute(SEEN.select())]
    text = str(rows)
    token = browser.cookies["schoolbridge_session"]
    for secret in ("counselor-1", cookie, token, *parse_qs(urlsplit(address).query)["code"]):
        assert secret not in text
