"""What a stored session might ever say, as JSON."""

import json
import random
from collections.abc import Iterator

import orjson

from tests.support.worlds import Json

BODY: Json = {
    "resourceType": "Encounter",
    "id": "0f6f0f0e-0000-8000-8000-000000000001",
    "meta": {"security": [{"system": "http://x", "code": "MH"}]},
    "status": "finished",
    "class": {"system": "http://x", "code": "FLD"},
    "type": [{"coding": [{"system": "http://x", "code": "c"}], "text": "Session"}],
    "subject": {"reference": "Patient/0f6f0f0e-0000-8000-8000-000000000002"},
    "basedOn": [{"reference": "ServiceRequest/0f6f0f0e-0000-8000-8000-000000000003"}],
    "period": {"start": "2026-10-05T23:30:00-04:00", "end": "2026-10-06T00:15:00-04:00"},
}
REFERENCES = (
    *("Patient/1", "Patient/1/_history/2", "Patient/", "Patient", "patient/1", "#here", ""),
    *("https://elsewhere.example/Patient/1", "Task/%b%s{}", "Organization/1", "Patient/a|b"),
    *("Patient/1#x", "Patient/é", "Encounter/1?x=1", "urn:uuid:1", "Patient/the-pseudonym"),
)
ODD: tuple[object, ...] = (
    *(None, 0, True, 1.5, "", "x", "é", "a\\b", 'a"b', "100 %", [], {}, [[]], [{}]),
    {"reference": 5},
    {"reference": "Patient/1", "display": "A Name", "type": "Patient"},
    [{"reference": "Patient/1"}, {"reference": "Patient/2"}],
    {"reference": "Patient/1", "identifier": {"assigner": {"reference": "Organization/1"}}},
    {"reference": "Patient/1", "modifierExtension": [{"url": "http://x"}]},
    {"extension": [{"url": "http://x", "valueReference": {"reference": "Patient/1"}}]},
    {"a": {"reference": "Patient/1"}, "reference": "Patient/2"},
    {"system": "http://x", "code": 'says "reference":"Patient/1" itself'},
    {"start": "2026-10-05"},
    {"start": "yesterday"},
    {"start": ["2026-10-05T23:30:00Z"]},
)


def bodies(dice: random.Random) -> Iterator[str]:
    """Yield what a stored session might ever say, as JSON."""
    yield json.dumps(BODY)
    yield compact(BODY)
    for name in BODY:
        yield compact({key: value for key, value in BODY.items() if key != name})
        for odd in ODD:
            yield compact({**BODY, name: odd})
        yield json.dumps({key: value for key, value in BODY.items() if key != name})
        for odd in ODD:
            yield json.dumps({**BODY, name: odd})
            yield json.dumps({**BODY, name: odd}, ensure_ascii=False)
    for reference in REFERENCES:
        yield compact({**BODY, "subject": {"reference": reference}})
        yield compact({**BODY, "basedOn": [{"reference": reference}]})
        yield json.dumps({**BODY, "subject": {"reference": reference}}, ensure_ascii=False)
        yield json.dumps({**BODY, "basedOn": [{"reference": reference}, *BODY["basedOn"]]})
    for code in ("SUD", "ETHUD", "OPIOIDUD"):
        yield json.dumps({**BODY, "meta": {"security": [{"code": code}]}})
    yield json.dumps({**BODY, "\x6dodifierExtension": []})
    yield json.dumps(BODY).replace('"status"', '"\\u006dodifierExtension"')
    yield json.dumps(BODY)[:-1] + ', "status": "planned", "id": "another"}'
    deep: object = "x"
    for _ in range(70):
        deep = [deep]
    yield json.dumps({**BODY, "text": deep})
    for _ in range(300):
        names = dice.sample(sorted(BODY), dice.randint(1, len(BODY)))
        drawn = {
            name: dice.choice((BODY[name], BODY[name], dice.choice(ODD)))
            for name in ("resourceType", "id", *names)
        }
        yield json.dumps(drawn, ensure_ascii=dice.random() < 0.5)
        yield compact(drawn)


def of_one_shape(dice: random.Random) -> Iterator[str]:
    """Yield sessions that differ in nothing but what their strings and numbers say."""
    more = {"length": {"value": 45}, "note": [{"reference": "Patient/9", "text": "x"}]}
    for _ in range(300):
        yield compact(said_otherwise(dice, {**BODY, **more}))


def said_otherwise(dice: random.Random, node: object) -> object:
    """Return JSON of the same shape, in which some strings and numbers are others."""
    if isinstance(node, dict):
        return {name: said_otherwise(dice, each) for name, each in node.items()}
    if isinstance(node, list):
        return [said_otherwise(dice, each) for each in node]
    if dice.random() < 0.8:
        return node
    texts = ("", "x", "é", "a\\b", 'a"b', "100 %", "%b", "finished", "planned", "SUD", "{}", "1")
    drawn = (*texts, *REFERENCES, *(f"Patient/{n}" for n in range(9)))
    return dice.choice(drawn) if isinstance(node, str) else dice.choice((-1, 0, 2.5e-3, 60))


def compact(resource: object) -> str:
    """Write a resource as the store does."""
    return orjson.dumps(resource).decode()
