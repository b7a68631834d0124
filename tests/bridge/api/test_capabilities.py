"""The CapabilityStatement against those of the guides, line by line; each exception has a reason.

The guides' statements are cut to what is compared here (tests/data/ig/capabilities). What ours
lacks must stand in capability-exceptions.csv beside this file, and nothing that it has may.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.api.offered import interactions_of
from bridge.store.search.index import INCLUDES, PARAMETERS, REVINCLUDES
from tests.support.worlds import Json, World

TESTS = Path(__file__).parents[2]
GUIDES = {
    "sdohcc": "sdohcc-coordination-platform.json",
    "us-core": "us-core-server.json",
    "inferno": "inferno-us-core-6.1.0.json",
}
Line = tuple[str, str, str, str]


def guide(name: str) -> Any:  # noqa: ANN401 - JSON
    file = TESTS / "data" / "ig" / "capabilities" / GUIDES[name]
    return json.loads(file.read_text(encoding="utf-8"))


def exceptions() -> dict[Line, str]:
    file = Path(__file__).with_name("capability-exceptions.csv")
    with file.open(encoding="utf-8", newline="") as rows:
        return {
            (r["guide"], r["type"], r["item"], r["expectation"]): r["because"]
            for r in csv.DictReader(rows)
        }


@pytest.fixture
def ours(lite: World) -> Json:
    statement = lite.anonymous.get("/fhir/metadata").json()
    return {each["type"]: each for each in statement["rest"][0]["resource"]}


def lacking(name: str, asked: Json, ours: Json) -> Iterator[Line]:
    """Yield what a guide asks of one type (SHALL or SHOULD) that ours does not say."""
    kind = asked["type"]
    if kind not in ours:
        if asked.get("expectation") in ("SHALL", "SHOULD"):
            yield name, kind, "type", asked["expectation"]
        return
    for item, expectation in _items(asked):
        if expectation in ("SHALL", "SHOULD") and item not in said(ours[kind]):
            yield name, kind, item, expectation


def _items(asked: Json) -> Iterator[tuple[str, str]]:
    for field, word, key in _LISTED:
        for each in asked.get(field, ()):
            yield f"{word} {each[key]}", each["expectation"]
    for each in (*asked.get("combination", ()), *asked.get("search", ())):
        yield from ((f"search {name}", each["expectation"]) for name in each["names"])
    yield from ((f"revinclude {each}", "SHALL") for each in asked.get("revinclude", ()))
    for field in ("versioning", "conditionalRead"):
        if asked.get(field):
            yield f"{field} {asked[field]}", "SHOULD"


_LISTED = (
    ("interaction", "interaction", "code"),
    ("searchParam", "search", "name"),
    ("searchInclude", "include", "value"),
    ("searchRevInclude", "revinclude", "value"),
)


def said(resource: Json) -> set[str]:
    """Return what ours says of a type, in the words of :func:`_items`."""
    found = {f"interaction {each['code']}" for each in resource.get("interaction", ())}
    found |= {f"search {each['name']}" for each in resource.get("searchParam", ())}
    found |= {f"include {each}" for each in resource.get("searchInclude", ())}
    # A search of HealthcareService takes the guide's misspelt include as well.
    found |= {
        f.replace("HealthcareService:", "HealthCareService:") for f in found if "include" in f
    }
    found |= {f"revinclude {each}" for each in resource.get("searchRevInclude", ())}
    found.add(f"versioning {resource.get('versioning')}")
    found.add(f"conditionalRead {resource.get('conditionalRead')}")
    return found


@pytest.mark.parametrize("name", GUIDES)
def test_what_a_guide_asks_is_offered_or_listed_with_its_reason(name: str, ours: Json) -> None:
    found = guide(name)
    asked = found if isinstance(found, list) else found["resource"]
    missing = {line for each in asked for line in lacking(name, each, ours)}
    listed = {line for line in exceptions() if line[0] == name}

    assert sorted(missing - listed) == []
    assert sorted(listed - missing) == [], "an exception that is none any more"


def test_every_exception_has_a_reason() -> None:
    assert len(exceptions()) > 10
    assert [line for line, because in exceptions().items() if len(because) < 15] == []


def test_a_type_that_is_asked_for_and_lacks_something_is_noticed(ours: Json) -> None:
    asked = {
        "type": "Task",
        "interaction": [{"code": "delete", "expectation": "SHALL"}],
        "searchParam": [{"name": "colour", "expectation": "SHOULD"}],
        "combination": [{"names": ["status", "shape"], "expectation": "SHALL"}],
    }

    assert {item for _, _, item, _ in lacking("x", asked, ours)} == {
        "interaction delete",
        "search colour",
        "search shape",
    }
    assert list(lacking("x", {"type": "Goal", "expectation": "SHALL"}, ours)) == [
        ("x", "Goal", "type", "SHALL")
    ]


def test_the_statement_says_what_the_tables_say(ours: Json) -> None:
    for kind, parameters in PARAMETERS.items():
        described = ours[kind]
        assert {i["code"] for i in described["interaction"]} == set(interactions_of(kind))
        names = {p["name"]: p["type"] for p in described["searchParam"]}
        assert names == {"_id": "token", "_lastUpdated": "date"} | {
            p.name: str(p.kind) for p in parameters
        }
        assert described.get("searchInclude", []) == [f"{kind}:{n}" for n in INCLUDES.get(kind, ())]
        assert described.get("searchRevInclude", []) == [
            f"{t}:{n}" for t, n in REVINCLUDES.get(kind, ())
        ]


def test_what_the_statement_offers_is_answered(lite: World, ours: Json) -> None:
    web, nobody = lite.web(), "00000000-0000-8000-8000-000000000000"
    # The code tables have a route of their own, for one method.
    ours = {kind: ours[kind] for kind in PARAMETERS}
    methods = {"create": ("POST", ""), "update": ("PUT", nobody), "patch": ("PATCH", nobody)}
    for kind, described in ours.items():
        codes = {each["code"] for each in described["interaction"]}
        for code, (method, record_id) in methods.items():
            place = f"/fhir/{kind}/{record_id}".rstrip("/")
            answer = web.send(method, place, content=b"{}")
            assert (answer.status_code == 405) is (code not in codes), (kind, code)


def test_the_statement_is_the_same_for_everybody(lite: World) -> None:
    answers = {
        web.get("/fhir/metadata").content
        for web in (lite.anonymous, lite.web(), lite.web("state-hub"), lite.web("cove-ehr"))
    }

    assert len(answers) == 1
    statement = json.loads(answers.pop())
    assert statement["fhirVersion"] == "4.0.1"
    assert {i["code"] for i in statement["rest"][0]["interaction"]} == {"batch", "transaction"}
