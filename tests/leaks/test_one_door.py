"""Every way to the same thing gives the same answer, and costs the same where there is none."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from bridge.store.search.index import PARAMETERS, searchable
from tests.leaks.callers import Opened, open_world
from tests.leaks.viewpoints import PENDING, answer, send, session
from tests.support.worlds import COVE, FHIR, NOW, SESSIONS, Json, Web, encounter, referral

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ABSENT = "00000000-0000-8000-8000-000000000000"
WITHHELD, OTHERS, MINE = 7, 8, 1


def made(folder: Path) -> Opened:
    """Make a provider's own referral with a session, a withheld one, and one of another's."""
    opened = open_world(folder)
    send(opened, 1, referral(MINE), referral(2), referral(WITHHELD, releases=PENDING))
    send(opened, 2, referral(OTHERS), provider=COVE)
    answer(opened, 3, MINE, "accepted", consent="guardian")
    session(opened, 4, MINE, "own-1")
    opened.at(NOW)
    return opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A world that the tests of this module do not change in what may be seen."""
    opened = made(tmp_path_factory.mktemp("one-door") / "world")
    yield opened
    opened.world.bridge.engine.dispose()


def web(world: Opened) -> Web:
    return world.web("harbor intake")


def ids(world: Opened, kind: str) -> dict[str, str]:
    """Return an id that may be read, one that is withheld, another party's, and none's."""
    key = {"Patient": "100{}"}.get(kind, "R-{}")
    of = world.world.id_of
    return {
        "mine": of(kind, key.format(MINE)),
        "withheld": of(kind, key.format(WITHHELD)),
        "another's": of(kind, key.format(OTHERS), COVE),
        "absent": ABSENT,
    }


KINDS = ("Task", "ServiceRequest", "Patient")


# --- a batch ------------------------------------------------------------------------------------


def asked_in_a_batch(world: Opened, caller: str, urls: list[str]) -> list[Json]:
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answered = world.web(caller).send("POST", "/fhir", json=bundle)
    return list(answered.json()["entry"])


def told(answered: httpx.Response) -> tuple[str, object, object]:
    """Return status, tag and body of a single answer."""
    return str(answered.status_code), answered.headers.get("etag"), answered.json()


def told_by(entry: Json) -> tuple[str, object, object]:
    """Return the same of an entry of a batch."""
    response = entry["response"]
    body = entry.get("resource", response.get("outcome"))
    return response["status"][:3], response.get("etag"), body


def urls_of(world: Opened) -> list[str]:
    reads = [f"{kind}/{each}" for kind in KINDS for each in ids(world, kind).values()]
    searches = [f"Task?_id={each}&_include=Task:focus" for each in ids(world, "Task").values()]
    return [*reads, *searches, "Task?colour=red", "Flag/1", "Patient/*", "Task?_count=1"]


def test_an_entry_of_a_batch_is_answered_as_the_single_call(world: Opened) -> None:
    urls = [url for url in urls_of(world) if "_count" not in url]  # page links are sealed anew
    single = [told(web(world).get(f"/fhir/{url}")) for url in urls]
    together = [told_by(each) for each in asked_in_a_batch(world, "harbor intake", urls)]
    absolute = asked_in_a_batch(world, "harbor intake", [f"{FHIR}/{url}" for url in urls])

    assert together == single
    assert [told_by(each) for each in absolute] == single
    # The comparison notices: another caller's batch is another answer.
    other = [told_by(each) for each in asked_in_a_batch(world, "cove intake", urls)]
    assert other != single


# --- a search -----------------------------------------------------------------------------------


def queries(world: Opened) -> list[tuple[str, list[tuple[str, str]]]]:
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for kind in KINDS:
        found += [(kind, [("_id", each)]) for each in ids(world, kind).values()]
        found += [(kind, []), (kind, [("_count", "0x1")]), (kind, [("colour", "red")])]
    for each in ids(world, "Patient").values():
        found += [("Task", [("patient", f"Patient/{each}"), ("status", "requested")])]
        found += [("Observation", [("patient", each)])]
    return found


def test_a_search_by_post_is_the_search_by_get(world: Opened) -> None:
    for kind, query in queries(world):
        by_get = web(world).get(f"/fhir/{kind}?{urlencode(query)}")
        by_post = web(world).send(
            "POST", f"/fhir/{kind}/_search", content=urlencode(query), headers=FORM
        )
        assert told(by_get) == told(by_post), (kind, query)


def test_parameters_in_the_address_of_a_search_by_post_are_refused(world: Opened) -> None:
    path = f"/fhir/Task/_search?_id={ids(world, 'Task')['withheld']}"

    assert web(world).send("POST", path, content="", headers=FORM).status_code == 400


def test_a_search_over_several_types_is_not_there(world: Opened) -> None:
    statuses = {
        web(world).send(method, f"/fhir/{path}").status_code
        for method, path in (
            ("GET", ""),
            ("GET", f"?_id={ids(world, 'Task')['mine']}"),
            ("GET", "?_type=Task"),
            ("GET", "_search?_type=Task"),
            ("GET", f"Patient/{ids(world, 'Patient')['mine']}/Task"),
            ("POST", "_search"),
        )
    }
    assert statuses <= {307, 404, 405}  # 307: the base address with and without a slash


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_a_misspelt_parameter_is_refused_and_never_left_out(world: Opened, kind: str) -> None:
    offered = {p.name for p in searchable("provider", kind)} | {"_id", "_lastUpdated", "_count"}
    for name in sorted(offered):
        wrong = {name.upper(), name.title(), f" {name}", f"{name} ", f"{name}s", name[:-1]}
        wrong |= {f"_{name}", f"{name}:", f"{name}:contains", f"{name}.name", f"{name}[]"}
        for each in sorted(wrong - offered):
            query = urlencode([(each, "1")])
            refused = web(world).get(f"/fhir/{kind}?{query}")
            assert refused.status_code == 400, (kind, each)


def matches(bundle: Json) -> set[str]:
    found = (each for each in bundle.get("entry", []) if each["search"]["mode"] == "match")
    return {each["resource"]["id"] for each in found}


def test_a_parameter_given_twice_narrows_and_does_not_replace(world: Opened) -> None:
    own = ids(world, "Task")["mine"]
    both = web(world).get(f"/fhir/Task?_id={own}&_id={ABSENT}").json()
    twice = web(world).get("/fhir/Task?status=accepted&status=requested").json()

    assert matches(both) <= {own}
    assert matches(twice) == set()


NOT_FOUND_BY = (
    "name=Winterbourne",
    "family=Winterbourne",
    "given=Child7",
    "birthdate=2012-03-04",
    "identifier=1007",
    "identifier=*",
    "identifier=100",
    "phone=555-0100",
    "address=Elm",
    "_text=Winterbourne",
    "_content=Winterbourne",
    "name:contains=inter",
)


@pytest.mark.parametrize("query", NOT_FOUND_BY)
def test_nobody_finds_out_whether_a_child_is_known_here(world: Opened, query: str) -> None:
    """A child that is on the roster and withheld is found no better than one nobody knows."""
    name, _, value = query.partition("=")
    nobody = value.replace("Winterbourne", "Zzyzx").replace("1007", "9999").replace("d7", "d9")
    here, there = (
        web(world).get(f"/fhir/Patient?{urlencode([(name, each)])}") for each in (value, nobody)
    )
    found = matches(here.json())

    assert not found & {ids(world, "Patient")[whose] for whose in ("withheld", "another's")}
    assert here.status_code == there.status_code
    # All that is told is what is shown: a number, too.
    for one in (here.json(), there.json()):
        assert one.get("total", 0) == len(matches(one)), query


def test_matching_a_patient_is_not_offered(world: Opened) -> None:
    body = {"resourceType": "Parameters", "parameter": []}
    matched = web(world).send("POST", "/fhir/Patient/$match", json=body)

    assert matched.status_code in {400, 404, 405}


# --- who asks -----------------------------------------------------------------------------------

CLAIMS = {
    "X-Purpose-Of-Use": "BTG",
    "X-Role": "clinician",
    "X-Organization": "cove",
    "X-Forwarded-User": "administrator",
    "Purpose": "emergency",
    "From": "cove",
    "X-Break-Glass": "true",
    "X-Consent": "granted",
}


def test_what_a_caller_says_of_itself_changes_nothing(world: Opened) -> None:
    for each in ids(world, "Task").values():
        path = f"/fhir/Task/{each}"
        plain, claimed = web(world).get(path), web(world).get(path, headers=CLAIMS)
        assert claimed.status_code == plain.status_code
        assert claimed.content == plain.content
    for name in ("purpose", "role", "organization", "_security", "_consent"):
        assert web(world).get(f"/fhir/Task?{name}=safety").status_code == 400


# --- conditional writes -------------------------------------------------------------------------


def posted(world: Opened, number: int, identifier: str, header: str) -> tuple[int, str]:
    whose = "mine" if number == MINE else "another's"
    task = {
        "for": {"reference": f"Patient/{ids(world, 'Patient')[whose]}"},
        "focus": {"reference": f"ServiceRequest/{ids(world, 'ServiceRequest')[whose]}"},
    }
    sent = world.web("harbor intake" if number == MINE else "cove intake").send(
        "POST",
        "/fhir/Encounter",
        json=encounter(task, identifier),
        headers={"If-None-Exist": header},
    )
    return sent.status_code, sent.text.partition('"id"')[0]


def test_a_conditional_create_matches_nothing_of_anothers(world: Opened) -> None:
    """The other provider asks whether there is a session with an identifier that there is."""
    there = posted(world, OTHERS, "own-1", f"identifier={SESSIONS}|own-1")
    absent = posted(world, OTHERS, "own-2", f"identifier={SESSIONS}|own-2")

    assert there == absent
    assert there[0] == 201
    for header in ("patient=x", "_id=1", "identifier=own-1", "identifier=a|b&c=d"):
        assert posted(world, MINE, "own-3", header)[0] == 400, header


def test_conditional_updates_and_deletes_are_not_offered(world: Opened) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        for query in ("identifier=R-1", "identifier=R-7", f"_id={ABSENT}"):
            sent = web(world).send(method, f"/fhir/Task?{query}", json={})
            assert sent.status_code == 405, (method, query)
