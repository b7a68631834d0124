"""Plain reads are answered before the routes, and answered the same."""

import asyncio

import httpx
import pytest

from bridge.api.hot import _resolve
from bridge.gate.together import Asked
from tests.support.worlds import World, form_health, referral

PATHS = {
    "one that may be seen": "ServiceRequest/{shown}",
    "one that may not": "ServiceRequest/{hidden}",
    "one that is not there": "ServiceRequest/none",
    "a type that is not served": "Medication/{shown}",
    "a type out of the token's reach": "Encounter/{shown}",
}
HEADERS: dict[str, dict[str, str]] = {
    "": {},
    "another type wanted": {"Accept": "text/html"},
    "a part wanted": {"Range": "bytes=0-10"},
    "no token": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic eDp5"},
    "a token nobody has": {"Authorization": "Bearer nobody"},
    "a version nobody has": {"If-None-Match": 'W/"none"'},
    "long ago": {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    "later": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
}


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, dict(answer.headers)


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("path", PATHS)
def test_a_plain_read_is_answered_as_the_routes_answer_it(
    lite: World, path: str, headers: str
) -> None:
    lite.refer([referral(1), referral(2, releases=(form_health(),))])
    web = lite.web(scope="system/ServiceRequest.rs")
    ids = {"shown": lite.id_of("ServiceRequest", "R-1")}
    ids |= {"hidden": lite.id_of("ServiceRequest", "R-2")}
    place = f"/fhir/{PATHS[path].format(**ids)}"
    routes = told(web.get(f"{place}?_format=json", headers=HEADERS[headers]))
    for _ in range(2):  # the second is remembered
        assert told(web.get(place, headers=HEADERS[headers])) == routes


def test_a_version_the_client_has_is_not_sent_again(lite: World) -> None:
    lite.refer([referral(1)])
    web, place = lite.web(), f"/fhir/ServiceRequest/{lite.id_of('ServiceRequest', 'R-1')}"
    etag = web.get(place).headers["ETag"]
    for path in (place, f"{place}?_format=json"):
        again = web.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_who_left_before_the_answer_takes_no_other_read_along(lite: World) -> None:
    lite.refer([referral(1)])
    loop = asyncio.new_event_loop()
    left = Asked("nobody", "Task", "none", "r", answered=_resolve, waiting=loop.create_future())
    loop.close()
    _resolve([left])
    place = f"/fhir/ServiceRequest/{lite.id_of('ServiceRequest', 'R-1')}"
    assert lite.web().get(place).status_code == 200
