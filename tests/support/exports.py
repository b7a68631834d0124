"""Exports as a client makes them."""

import json

from tests.support.worlds import Json, Web, World, encounter, post_session, referral

ASYNC = {"Prefer": "respond-async"}
POSTED = {**ASYNC, "Content-Type": "application/fhir+json"}


def kicked_off(web: Web, query: str = "") -> str:
    answer = web.get(f"/fhir/$export{query}", headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"]


def parameters(*pairs: tuple[str, str, str]) -> str:
    listed = [{"name": name, kind: value} for name, kind, value in pairs]
    return json.dumps({"resourceType": "Parameters", "parameter": listed})


def posted(web: Web, path: str, *pairs: tuple[str, str, str]) -> str:
    answer = web.send("POST", path, headers=POSTED, content=parameters(*pairs))
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"]


def rows_of(web: Web, place: str) -> dict[str, list[Json]]:
    rows: dict[str, list[Json]] = {}
    for file in web.get(place).json()["output"]:
        lines = web.get(file["url"]).text.splitlines()
        rows.setdefault(file["type"], []).extend(json.loads(line) for line in lines)
    return rows


def served(world: World, count: int = 3) -> None:
    """Some referrals, each answered with one session."""
    world.refer(referral(n) for n in range(count))
    web = world.web()
    for n, task in enumerate(web.found("/fhir/Task")):
        assert post_session(web, encounter(task, f"s-{n}")).status_code == 201
