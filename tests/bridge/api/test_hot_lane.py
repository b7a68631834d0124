"""Plain reads and searches are answered before the routes, and answered the same."""

import asyncio
import re

import httpx
import pytest

from bridge.api.hot import _ELSEWHERE, _resolve
from bridge.gate.hot.asked import Asked
from tests.support.worlds import World, form_health, referral

_PAGE = re.compile(rb"_page=[A-Za-z0-9_%-]+")
FORM = "application/x-www-form-urlencoded"
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


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    # A page link is sealed anew each time; headers count in their order.
    return answer.status_code, _PAGE.sub(b"_page=", answer.content), answer.headers.multi_items()


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


@pytest.mark.parametrize(
    ("query", "is_for_the_routes"),
    [
        (b"authored=ap2026", True),
        (b"_summary=count", True),
        (b"_count=0", True),
        (b"_page=apX4", False),  # how a sealed link begins is chance
        (b"authored=ge2026&_page=apX4", False),
    ],
)
def test_what_a_page_link_looks_like_does_not_decide_who_answers(
    query: bytes, *, is_for_the_routes: bool
) -> None:
    assert bool(_ELSEWHERE.search(query)) == is_for_the_routes


def test_a_version_the_client_has_is_not_sent_again(lite: World) -> None:
    lite.refer([referral(1)])
    web, place = lite.web(), f"/fhir/ServiceRequest/{lite.id_of('ServiceRequest', 'R-1')}"
    etag = web.get(place).headers["ETag"]
    for path in (place, f"{place}?_format=json"):
        again = web.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_who_waits_in_another_loop_is_woken_too() -> None:
    loops = [asyncio.new_event_loop() for _ in range(2)]
    asked = [
        Asked("nobody", "Task", "none", "r", answered=_resolve, waiting=loop.create_future())
        for loop in loops
    ]
    _resolve(asked)
    for loop, each in reversed(list(zip(loops, asked, strict=True))):
        loop.run_until_complete(asyncio.wait_for(each.waiting, 5))
        loop.close()


def test_who_left_before_the_answer_takes_no_other_read_along(lite: World) -> None:
    lite.refer([referral(1)])
    loop = asyncio.new_event_loop()
    left = Asked("nobody", "Task", "none", "r", answered=_resolve, waiting=loop.create_future())
    loop.close()
    _resolve([left])
    place = f"/fhir/ServiceRequest/{lite.id_of('ServiceRequest', 'R-1')}"
    assert lite.web().get(place).status_code == 200


SEARCHES = (
    "",
    "_count=1",
    "_count=x",
    "_count=1&_count=2",
    "_count=0",
    "_summary=count",
    "_elements=status",
    "_total=accurate",
    "_sort=-_lastUpdated",
    "_include=ServiceRequest:patient",
    "_include=ServiceRequest:performer&_include=ServiceRequest:subject",
    "_revinclude=Task:focus",
    "_lastUpdated=gt2020-01-01",
    "_lastUpdated=ap2026-01-01",
    "_id={shown},{hidden}",
    "_id={hidden}",
    "status=active&performer:missing=false",
    "status=",
    "patient.identifier=1001",
    "colour=red",
    "_page=nothing",
    "status=%00",
    "status=a%2Cb&_format=json",
    "_format=xml",
)


@pytest.mark.parametrize("scope", ["system/*.rs", "system/ServiceRequest.rs", "system/Task.rs"])
def test_a_search_is_answered_as_the_routes_answer_it(lite: World, scope: str) -> None:
    lite.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    web = lite.web(scope=scope)
    ids = {"shown": lite.id_of("ServiceRequest", "R-1")}
    ids |= {"hidden": lite.id_of("ServiceRequest", "R-3")}
    for asked in (each.format(**ids) for each in SEARCHES):
        by_post = {"content": asked, "headers": {"Content-Type": FORM}}
        routes = told(web.send("POST", "/fhir/ServiceRequest/_search", **by_post))
        for _ in range(2):  # the second is remembered
            assert told(web.get(f"/fhir/ServiceRequest?{asked}")) == routes, asked


def test_a_search_without_a_good_token_is_refused_alike(lite: World) -> None:
    web = lite.web()
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer nobody"}):
        form = {"content": "", "headers": {**headers, "Content-Type": FORM}}
        routes = told(web.send("POST", "/fhir/Task/_search", **form))
        assert told(web.get("/fhir/Task", headers=headers)) == routes
        assert routes[0] == 401


def test_pages_follow_one_another(lite: World) -> None:
    lite.refer([referral(n) for n in range(1, 6)])
    web, path, found = lite.web(), "/fhir/ServiceRequest?_count=2", list[str]()
    while path:
        bundle = web.get(path).json()
        found += [entry["resource"]["id"] for entry in bundle["entry"][:2]
                  if entry["search"]["mode"] == "match"]  # fmt: skip
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = "/fhir" + links["next"].partition("/fhir")[2] if "next" in links else ""
    assert found == [lite.id_of("ServiceRequest", f"R-{n}") for n in range(1, 6)]
