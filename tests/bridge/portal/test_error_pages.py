"""Whatever goes wrong under ``/portal``, a browser shows a page in the person's language."""

import httpx
import pytest
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from bridge.ledger.errors import LedgerHalted
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import World

ACCEPTS = "text/html,application/xhtml+xml,*/*;q=0.8"
SECRET = "Child1 Winterbourne"
FAULTS = {
    "wrong": ValueError(f"cannot read {SECRET}"),
    "busy": NoConnectionFreeError(SECRET),
    "halted": LedgerHalted(SECRET),
}


@pytest.fixture
def failing(lite: World) -> World:
    """A bridge with pages that fail, each in its own way."""

    def fails(how: str) -> None:
        raise FAULTS[how]

    lite.app.add_api_route("/portal/fails/{how}", fails, response_model=None)
    return lite


def shown(world: World, method: str, path: str, **headers: str) -> httpx.Response:
    return world.anonymous.send(method, path, headers={"Accept": ACCEPTS, **headers})


CASES = (
    ("GET", "/portal/nothing-here", 404, "Page not found", "No se encontró la página"),
    ("GET", "/portal", 404, "Page not found", "No se encontró la página"),
    ("DELETE", "/portal/help", 405, "That is not possible here", "Eso no es posible aquí"),
    ("GET", "/portal/fails/wrong", 500, "Something went wrong", "Algo salió mal"),
    ("GET", "/portal/fails/busy", 503, "Not available now", "No disponible ahora"),
    ("GET", "/portal/fails/halted", 503, "Not available now", "No disponible ahora"),
)


@pytest.mark.parametrize(("method", "path", "status", "english", "spanish"), CASES)
def test_a_browser_is_shown_a_page_in_the_persons_language(
    failing: World, method: str, path: str, status: int, english: str, spanish: str
) -> None:
    for lang, title in (("en", english), ("es", spanish)):
        page = shown(failing, method, path, **{"Accept-Language": lang})
        assert (page.status_code, page.headers["content-type"]) == (
            status,
            "text/html; charset=utf-8",
        )
        assert f'<html lang="{lang}">' in page.text
        assert title in words(page)
        assert page.text.count("Content-Security-Policy") == 0
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"


def test_nobody_is_told_that_nothing_was_done_where_it_may_have_been(failing: World) -> None:
    failing.app.add_api_route("/portal/sent", lambda: 1 / 0, methods=["GET", "POST"])
    sent, asked = (words(shown(failing, how, "/portal/sent")) for how in ("POST", "GET"))
    assert "look before you send it again" in sent
    assert "look before" not in asked


@pytest.mark.parametrize("how", FAULTS)
def test_nothing_of_what_went_wrong_is_told(failing: World, how: str) -> None:
    page = shown(failing, "GET", f"/portal/fails/{how}?q=Winterbourne")
    assert "Winterbourne" not in page.text + str(page.headers)


def test_a_page_that_is_refused_still_says_what_is_offered_and_when_to_come_back(
    failing: World,
) -> None:
    assert shown(failing, "DELETE", "/portal/help").headers["allow"] == "GET, HEAD, OPTIONS"
    assert shown(failing, "GET", "/portal/fails/halted").headers["retry-after"] == "3600"
    assert shown(failing, "OPTIONS", "/portal/help").status_code == 204


def test_each_room_keeps_its_way_out(failing: World) -> None:
    rooms = {
        path: shown(failing, "GET", f"/portal/{path}/none/none").text
        for path in ("family", "work", "nowhere")
    }
    assert "Leave this page now" in rooms["family"]
    assert "Go to the referrals" not in rooms["family"]
    assert 'href="/portal/work"' in rooms["work"]
    assert 'href="/portal/board"' in rooms["nowhere"]


def test_an_address_that_cannot_be_read_is_one_that_is_not_there(failing: World) -> None:
    token = Visitor.signed_in(failing).token
    cookie = {"Cookie": f"schoolbridge_session={token}"}
    pages = [
        shown(failing, "GET", f"/portal/{path}", **cookie)
        for path in ("board?page=x", f"referral/{'0' * 32}", "nothing")
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({words(page) for page in pages}) == 1


@pytest.mark.parametrize(("method", "path", "status", "_en", "_es"), CASES)
def test_a_program_gets_the_answer_of_the_api_as_before(
    failing: World, method: str, path: str, status: int, _en: str, _es: str
) -> None:
    answer = failing.anonymous.send(method, path, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_outside_of_the_portal_a_browser_gets_what_a_program_gets(failing: World) -> None:
    for path in ("/fhir/Nothing/1", "/portals", "/nothing"):
        assert shown(failing, "GET", path).json()["resourceType"] == "OperationOutcome"
