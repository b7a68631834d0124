"""A download asks again who somebody is: on a shared computer the file of a page is behind a link.

Every route of the portal that gives a file is here, found by what it does, and with them the
family's account.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import httpx
import openpyxl
import pytest
from sqlalchemy import Connection

from bridge.app import create_app
from bridge.clock import Clock
from bridge.directories import Directory
from bridge.identity import Caller, Party, Standing, form_token, open_session, staff_of
from bridge.journeys.families.sign_online import prove
from bridge.portal import family, visits
from bridge.store.database.engine import write
from tests.bridge.journeys.test_ask_family import asked
from tests.bridge.portal.entering import Visitor
from tests.bridge.portal.test_import_page import begun
from tests.leaks.route_table import walk
from tests.support.worlds import HARBOR, LEA, Web, World, make_world, referral

HANDLE, ROLE = f"{LEA}/one", "referral_coordinator"
OF_STAFF = (
    "/portal/board.csv",
    "/portal/board.xlsx",
    "/portal/meeting/paper",
    "/portal/import/{review_id}/held.xlsx",
    "/portal/refer/{draft_id}/paper",
    "/portal/forms/{student_id}/{provider}/blank-{lang}",
)
OF_FAMILIES = ("/portal/family/paper", "/portal/family/account")
NAMES = (b"Winterbourne", b"R-1", b"P-", b"Q-4")


@dataclass
class Shelf:
    """A district with one file behind each of those routes."""

    world: World
    places: dict[str, str]
    taken_away: Web

    def session(self, district: str = LEA) -> str:
        """Sign in as the person the files are for, or as one of another district."""
        standing = Standing(Party.LEA, district, "", ROLE, ("follow",))
        handle = HANDLE if district == LEA else "one"
        with write(self.world.bridge.engine) as connection:
            return open_session(connection, handle, standing, self.world.clock).token

    def get(self, path: str, token: str, web: Web | None = None) -> httpx.Response:
        cookie = {"Cookie": f"{visits.COOKIE}={token}; {family.PROOF}={token}"}
        return (web or self.world.anonymous).get(self.places[path], headers=cookie)

    def sign_out(self, token: str) -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        headers = kind | {"Cookie": f"{visits.COOKIE}={token}"}
        body = f"page_key={form_token(token)}"
        answer = self.world.anonymous.send(
            "POST", "/portal/sign-out", content=body, headers=headers
        )
        assert answer.status_code == 303


def directory(*roles: str) -> Directory:
    """The sign-in of the district, which lets people in in some roles."""
    table = tuple((role, role) for role in roles)
    return Directory(LEA, "https://login.test", "schoolbridge", "", "roles", table, ("follow",))


def served(world: World, *roles: str) -> Web:
    settings = replace(world.bridge.settings, directories=(directory(*roles),))
    return Web(create_app(replace(world.bridge, settings=settings)))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    home: Path = tmp_path_factory.mktemp("downloads")
    made = make_world(f"sqlite:///{home / 'bridge.db'}", home)
    made.refer([referral(1), referral(7)])
    made.anonymous = served(made, ROLE)
    found = Shelf(made, {}, served(made, "counselor"))
    visitor = Visitor(made, found.session())
    review = begun(visitor, ({"Referral number": "Q-4", "Urgency": ""},))
    sent = visitor.answered()
    assert visitor.send(sent).status_code == 303
    student = made.bridge.identifiers.issue("student", LEA, "1001")
    places = (f"{review}/held.xlsx", f"{sent}/paper", f"/portal/forms/{student}/{HARBOR}/blank-en")
    found.places = {path: path for path in (*OF_STAFF[:3], *OF_FAMILIES)}
    found.places |= dict(zip(OF_STAFF[3:], places, strict=True))
    yield found
    made.bridge.engine.dispose()


def told(answer: httpx.Response) -> bool:
    """Tell whether an answer is a file that says anything of the district's students."""
    if answer.status_code != 200:
        return False
    if "spreadsheetml" not in answer.headers["content-type"]:
        return answer.content.startswith(b"%PDF-") or any(n in answer.content for n in NAMES)
    book = openpyxl.load_workbook(BytesIO(answer.content))
    return any(
        name.decode() in str(cell.value)
        for row in book.active.iter_rows()
        for cell in row
        for name in NAMES
    )


def test_every_route_that_gives_a_file_is_here(shelf: Shelf) -> None:
    gives = re.compile("Content-Disposition|media_type=(?!.text/html)")
    found = {
        each.path
        for each in walk(shelf.world.app.routes)
        if each.path.startswith("/portal/") and gives.search(inspect.getsource(each.endpoint))
    }
    assert found - {"/portal/static/{name}"} == {*OF_STAFF, OF_FAMILIES[0]}


@pytest.mark.parametrize("path", OF_STAFF)
def test_after_signing_out_no_file_is_given(shelf: Shelf, path: str) -> None:
    token = shelf.session()
    assert told(shelf.get(path, token))
    shelf.sign_out(token)
    assert not told(shelf.get(path, token))
    assert shelf.get(path, token).headers["location"] == "/portal/sign-in"


@pytest.mark.parametrize("path", OF_STAFF)
def test_after_fifteen_minutes_without_a_request_no_file_is_given(shelf: Shelf, path: str) -> None:
    token = shelf.session()
    shelf.world.clock.advance(timedelta(minutes=14, seconds=59))
    assert told(shelf.get(path, token))
    shelf.world.clock.advance(timedelta(minutes=15))
    assert not told(shelf.get(path, token))


@pytest.mark.parametrize("path", OF_STAFF)
def test_who_lost_the_role_gets_no_file(shelf: Shelf, path: str) -> None:
    token = shelf.session()
    assert told(shelf.get(path, token))
    assert not told(shelf.get(path, token, shelf.taken_away))


@pytest.mark.parametrize("path", OF_STAFF)
def test_another_district_gets_no_file_of_this_one(shelf: Shelf, path: str) -> None:
    assert not told(shelf.get(path, shelf.session("elsewhere")))
    assert not told(shelf.get(path, ""))


@pytest.mark.parametrize("path", OF_FAMILIES)
def test_a_family_proves_who_it_is_for_each_file(shelf: Shelf, path: str) -> None:
    link = asked(shelf.world)
    proof = prove(shelf.world.parts, link.token, link.code) or ""
    assert shelf.get(path, proof).status_code == 200
    assert shelf.get(path, shelf.session()).status_code == 404
    shelf.world.clock.advance(timedelta(minutes=31))
    assert shelf.get(path, proof).status_code == 404


Asks = Callable[[Shelf, str], None]


@pytest.mark.parametrize("path", OF_STAFF[:3])
@pytest.mark.parametrize(
    "asks",
    [
        test_after_signing_out_no_file_is_given,
        test_after_fifteen_minutes_without_a_request_no_file_is_given,
    ],
)
def test_a_session_that_is_remembered_for_files_is_noticed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, path: str, asks: Asks
) -> None:
    known: dict[str, Caller | None] = {}

    def remembered(connection: Connection, token: str, clock: Clock) -> Caller | None:
        known[token] = known.get(token) or staff_of(connection, token, clock)
        return known[token]

    monkeypatch.setattr(visits, "staff_of", remembered)
    with pytest.raises(AssertionError):
        asks(shelf, path)


@pytest.mark.parametrize("path", OF_STAFF[:3])
def test_a_role_that_is_not_asked_again_is_noticed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(visits, "still_admitted", lambda *_: True)
    with pytest.raises(AssertionError):
        test_who_lost_the_role_gets_no_file(shelf, path)
