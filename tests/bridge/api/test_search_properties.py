"""The SQL finds what a plain search of the released resources finds, on both databases."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog

from bridge.clock import FixedClock
from bridge.store.search.index import PARAMETERS, ParameterKind, searchable
from mappings.canonical import Coded
from tests.bridge.api.search_oracle import Asked, Json, found
from tests.support.worlds import (
    FHIR,
    NOW,
    Web,
    encounter,
    form_health,
    make_world,
    post_session,
    put_task,
    referral,
)

SEED, QUERIES, REFERRALS = 20261126, 400, 14
KINDS = ("Task", "ServiceRequest", "Patient", "RelatedPerson", "Observation", "Encounter")
KINDS += ("Organization", "Location", "HealthcareService", "PractitionerRole")
STATUSES = ("accepted", "rejected", "on-hold")


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> Iterator[Web]:
    """A provider's view of a world in which much differs between records, some withheld."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    world = make_world(database_url, tmp_path, FixedClock(NOW, NOW))  # tokens live on
    web, draw = world.web(), random.Random(SEED)  # noqa: S311 - a repeatable world
    for number in range(REFERRALS):
        world.clock.instant += timedelta(seconds=draw.choice((1, 61, 3600)))
        more: Json = {"urgency": Coded(draw.choice(("urgent", "routine")), "x")}
        more["authored_on"] = date(2026, 9, 1 + number % 3)
        more["student"] = {"family_name": draw.choice(("Åsen", "Winterbourne", "Winter-Smith"))}
        if number % 5 == 4:
            more["releases"] = (form_health(),)
        world.refer([referral(number, **more)])
    for n, task in enumerate(web.found("/fhir/Task")):
        world.clock.instant += timedelta(minutes=draw.choice((0, 1, 90)))
        if n % 3:
            moved = put_task(web, task, "accepted")
            assert moved.status_code == 200, moved.text
            period = {"start": f"2026-10-0{n % 9 + 1}T13:00:00-04:00"}
            if n % 2:
                period["end"] = f"2026-10-0{n % 9 + 1}T14:30:00-04:00"
            assert post_session(web, encounter(task, f"s{n}", period=period)).status_code == 201
        else:
            assert put_task(web, task, "rejected").status_code == 200
    for n, capacity in enumerate(("capacity", "waitlist")):
        made = web.send("POST", "/fhir/HealthcareService", json=service(n, capacity))
        assert made.status_code == 201, made.text
    yield web
    world.bridge.engine.dispose()


def service(number: int, capacity: str) -> Json:
    guide = "http://hl7.org/fhir/us/sdoh-clinicalcare"
    said = {"system": f"{guide}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes", "code": capacity}
    status = {"url": "capacityStatus", "valueCodeableConcept": {"coding": [said]}}
    place = f"{guide}/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
    return {
        "resourceType": "HealthcareService",
        "identifier": [{"system": "https://harbor.example/services", "value": f"S{number}"}],
        "active": True,
        "name": f"Counselling {number}",
        "extension": [{"url": place, "extension": [status]}],
    }


class Queries:
    """Draws searches from what is there, near to what is there, and not there at all."""

    def __init__(self, released: list[Json]) -> None:
        self.draw = random.Random(SEED)  # noqa: S311 - repeatable
        self.released = released

    def __iter__(self) -> Iterator[Asked]:
        while True:
            kind = self.draw.choice(KINDS)
            count = self.draw.choice((1, 1, 2, 3))
            pairs = [pair for _ in range(count) if (pair := self._parameter(kind))]
            yield Asked(kind, tuple(pairs))

    def _parameter(self, kind: str) -> tuple[str, str] | None:
        chance = self.draw.random()
        mine = [r for r in self.released if r["resourceType"] == kind]
        if chance < 0.1 and mine:
            return "_id", ",".join(self.draw.choice(mine)["id"] for _ in range(3))
        if chance < 0.25:
            return "_lastUpdated", self._moment()
        offered = searchable("provider", kind)
        parameter = self.draw.choice(offered) if offered else None
        if parameter is None:
            return None
        if self.draw.random() < 0.12:
            return f"{parameter.name}:missing", self.draw.choice(("true", "false"))
        values = [self._value(parameter.kind, kind) for _ in range(self.draw.choice((1, 1, 2)))]
        return self._modified(parameter.name, parameter.kind), ",".join(values)

    def _modified(self, name: str, kind: ParameterKind) -> str:
        chance = self.draw.random()
        if kind is ParameterKind.TOKEN and chance < 0.25:
            return f"{name}:not"
        if kind is ParameterKind.STRING and chance < 0.3:
            return f"{name}:exact"
        return name

    def _value(self, of: ParameterKind, kind: str) -> str:
        if of is ParameterKind.DATE:
            return self._moment()
        mine = [r for r in self.released if r["resourceType"] == kind]
        texts = list(leaves(mine or self.released))
        text = self.draw.choice(texts).replace(",", "").replace("|", "") or "x"
        if of is ParameterKind.STRING:
            return self.draw.choice((text, text[:3], text.upper(), "zzz"))
        if of is ParameterKind.REFERENCE:
            links = [t for t in texts if t.count("/") == 1 and t[0].isupper()] or ["Task/x"]
            link = self.draw.choice(links)
            return self.draw.choice((link, link.partition("/")[2], f"{FHIR}/{link}"))
        system = self.draw.choice([t for t in texts if t.startswith("http")] or ["urn:x"])
        return self.draw.choice((text, f"{system}|{text}", f"|{text}", f"{system}|", "nothing"))

    def _moment(self) -> str:
        prefix = self.draw.choice(("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"))
        day = f"2026-{self.draw.choice(('09', '10'))}-{self.draw.randrange(1, 29):02}"
        time = f"T{self.draw.randrange(24):02}:{self.draw.randrange(60):02}"
        written = (day[:4], day[:7], day, f"{day}{time}Z", f"{day}{time}:30Z")
        near = [r["meta"]["lastUpdated"] for r in self.released if "lastUpdated" in r["meta"]]
        return prefix + self.draw.choice((*written, self.draw.choice(near).replace("+00:00", "Z")))


def leaves(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield every text in what was released."""
    if isinstance(node, list):
        for item in node:
            yield from leaves(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from leaves(item)
    elif isinstance(node, str) and node:
        yield node


def test_a_search_finds_what_a_plain_search_of_what_was_released_finds(filled: Web) -> None:
    web = filled
    released = [each for kind in KINDS for each in web.found(f"/fhir/{kind}?_count=200")]
    assert len(released) > 80
    hits = 0
    for asked, _ in zip(Queries(released), range(QUERIES), strict=False):
        path = f"/fhir/{asked.kind}?{urlencode([*asked.parameters, ('_count', '200')])}"
        answer = web.get(path)
        assert answer.status_code == 200, (path, answer.text)
        ids = [e["resource"]["id"] for e in answer.json().get("entry", ()) if _is_match(e)]
        assert len(ids) == len(set(ids)), path
        assert set(ids) == found(released, asked), path
        hits += bool(ids)
    assert hits > QUERIES / 6


def _is_match(entry: Json) -> bool:
    return bool(entry["search"]["mode"] == "match")


KEYS = {
    "_lastUpdated": lambda r: r["meta"]["lastUpdated"],
    "authored-on": lambda r: r["authoredOn"],
    "_id": lambda r: r["id"],
}
SORTS = ("_lastUpdated", "-_lastUpdated", "authored-on", "-authored-on")
SORTS += tuple(
    f"{date},{tie}"
    for date in ("authored-on", "-authored-on")
    for tie in ("_id", "-_id", "_lastUpdated", "-_lastUpdated")
)


def ordered(resources: list[Json], sort: str) -> list[tuple[Any, ...]]:
    """Return the keys of resources as a plain sort puts them."""
    for key in reversed(sort.split(",")):
        name = key.removeprefix("-")
        resources = sorted(resources, key=KEYS[name], reverse=key.startswith("-"))
    return keys_of(resources, sort)


def keys_of(resources: list[Json], sort: str) -> list[tuple[Any, ...]]:
    names = [key.removeprefix("-") for key in sort.split(",")]
    return [tuple(KEYS[name](each) for name in names) for each in resources]


def test_pages_in_any_order_hold_each_match_once_and_in_that_order(filled: Web) -> None:
    web = filled
    every = {task["id"] for task in web.found("/fhir/Task?_count=200")}
    assert 1 < len({task["authoredOn"] for task in web.found("/fhir/Task")}) < len(every)
    for sort in SORTS:
        for more in ("", "&status=accepted", "&status=accepted,rejected", "&intent=order"):
            tasks = web.found(f"/fhir/Task?_sort={sort}&_count=2{more}")
            whole = web.found(f"/fhir/Task?_count=200{more}")
            assert keys_of(tasks, sort) == ordered(tasks, sort), (sort, more)
            assert sorted(t["id"] for t in tasks) == sorted(t["id"] for t in whole), (sort, more)
            assert {t["id"] for t in whole} <= every


def test_a_total_is_counted_when_it_is_asked_for_and_left_out_where_it_is_not_known(
    filled: Web,
) -> None:
    web = filled
    known = len(web.found("/fhir/Task?_count=200"))
    assert web.get("/fhir/Task?_count=200").json()["total"] == known
    assert "total" not in web.get("/fhir/Task?_count=2").json()
    assert "total" not in web.get("/fhir/Task?_count=2&_total=none").json()
    assert web.get("/fhir/Task?_count=2&_total=accurate").json()["total"] == known
    for query in ("_summary=count", "_count=0", "_count=0&_total=accurate"):
        bundle = web.get(f"/fhir/Task?{query}").json()
        assert (bundle["total"], "entry" in bundle) == (known, False)


def test_every_parameter_of_every_type_is_answered(filled: Web) -> None:
    web = filled
    values = {ParameterKind.DATE: "2026-10-15", ParameterKind.STRING: "a"}
    for kind, parameters in PARAMETERS.items():
        for each in parameters:
            path = f"/fhir/{kind}?{each.name}={values.get(each.kind, 'x')}"
            assert web.get(path).status_code == 200, path
