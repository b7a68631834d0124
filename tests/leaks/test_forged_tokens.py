"""Every forged, bent or misplaced proof that we know of, on every route of the application.

Whoever comes with one is answered as who comes with nothing. In each test run every proof is
brought to an eighth of the routes and every route gets an eighth of the proofs, drawn anew;
``make faults`` brings all to all. Figures and seed are printed (``-s``).
"""

import asyncio
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from bridge.app import create_app
from bridge.clock import FixedClock
from bridge.identity import Registration, register_client
from bridge.store.database.engine import write
from tests.bridge.identity.assertion_cases import BAD, GOOD
from tests.faults.seeds import told_seed
from tests.leaks.route_table import ROUTES, Found, walk
from tests.support.assertions import CLIENT_ID, NOW, TOKEN_URL, at, ring
from tests.support.worlds import ASSERTION_TYPE, World, make_world, referral, standings
from tests.support.worlds import NOW as BUSINESS_NOW

BASE = TOKEN_URL.removesuffix("/auth/token")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUBLIC = {row.path for row in ROUTES if row.sweep == "public"} | {"/portal/sign-in", "/portal/help"}
Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Door:
    """One route with a real address, and the ways a proof can be brought to it."""

    method: str
    path: str

    @property
    def takes_assertions(self) -> bool:
        return self.path.startswith("/auth/")

    def requests(self, proof: str) -> Iterator[httpx.Request]:
        """Yield a request for each way: header, cookie, address, body."""
        spelled = proof.encode("utf-8", "surrogatepass")
        if self.takes_assertions and len(proof) < 900_000:  # a longer body is not read at all
            yield self._request(content=urlencode(_assertion(proof)), headers=FORM)
        if _sendable(spelled):
            yield self._request(headers={"Authorization": b"Bearer " + spelled})
            yield self._request(headers={"Cookie": b"schoolbridge_session=" + spelled})

    def _request(self, **how: object) -> httpx.Request:
        return httpx.Request(self.method, BASE + self.path, **how)  # type: ignore[arg-type] # as httpx takes them


def _sendable(proof: bytes) -> bool:
    # No client library sends a line break in a header, and no server takes one.
    return b"\n" not in proof and len(proof) < 60_000


def _assertion(proof: str) -> dict[str, str]:
    grant = {"grant_type": "client_credentials", "scope": "system/*.rs", "token": "x"}
    return {**grant, "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    """A bridge whose address and time are those the forged assertions are made for."""
    clock = FixedClock(BUSINESS_NOW, real=at(NOW))
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path, clock)
    made.refer([referral(0)])
    bridge = replace(made.bridge, settings=replace(made.bridge.settings, base_url=BASE))
    with write(bridge.engine) as connection:
        registration = Registration(CLIENT_ID, standings()["harbor-ehr"], ring().jwks)
        register_client(connection, registration, clock)
    made.bridge, made.app = bridge, create_app(bridge)
    yield made
    bridge.engine.dispose()


def doors(world: World) -> list[Door]:
    """Return every route that is not there for everybody."""
    found = [one for one in walk(world.app.routes) if one.path not in PUBLIC]
    return [Door(one.method, filled(one, world)) for one in found]


def filled(found: Found, world: World) -> str:
    path = found.path.replace("{kind}", "Task")
    path = path.replace("{record_id}", world.id_of("Task", "R-0"))
    path = path.replace("{recall_id}", "00000000-0000-8000-8000-000000000000")
    path = path.replace("{job_id}", "0" * 32)
    while "{" in path:
        path = path.partition("{")[0] + "1" + path.partition("}")[2]
    return path


def answers(world: World, requests: list[httpx.Request]) -> list[Answer]:
    async def ask() -> list[Answer]:
        inside = httpx.ASGITransport(world.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=inside) as client:
            came = [await client.send(request) for request in requests]
            return [(one.status_code, one.content) for one in came]

    return asyncio.run(ask())


def proofs(world: World) -> dict[str, str]:
    """Return what is no proof, by name: of assertions and of tokens."""
    (status, body) = answers(world, [token_request()])[0]
    assert status == 200
    good = body.decode().split('"access_token":"')[1].split('"')[0]
    bent = {
        "cut": good[:-1],
        "longer": good + "A",
        "case": good.swapcase(),
        "two": f"{good} {good}",
    }
    bent |= {"quoted": f'"{good}"', "unknown": "A" * 43, "empty": "", "null": "null", "star": "*"}
    return {name: make(ring()) for name, (make, _) in BAD.items()} | bent


def token_request() -> httpx.Request:
    form = urlencode(_assertion(GOOD["es384"](ring())))
    return httpx.Request("POST", TOKEN_URL, content=form, headers=FORM)


@pytest.mark.parametrize("parts", [8, pytest.param(1, marks=pytest.mark.faults)])
def test_no_forged_proof_is_taken_on_any_route(guarded: World, parts: int) -> None:
    bad, every = proofs(guarded), doors(guarded)
    random.Random(told_seed()).shuffle(every)  # noqa: S311 - which proof meets which door
    taken, count = [], 0
    for number, door in enumerate(every):
        nobody = set(answers(guarded, [next(Door(door.method, door.path).requests("AAAA"))]))
        nobody |= set(answers(guarded, [door._request()]))
        brought = list(bad.items())[number % parts :: parts]
        sent = [(name, one) for name, proof in brought for one in door.requests(proof)]
        came = answers(guarded, [one for _, one in sent])
        count += len(came)
        taken += [
            (door, name, answer)
            for (name, _), answer in zip(sent, came, strict=True)
            if answer not in nobody or answer[0] < 300
        ]
    figures = f"{len(bad)} forged proofs, {len(every)} routes, {count} requests: {len(taken)} taken"
    sys.stdout.write(f"\n{figures}\n")
    assert taken == []
    assert len(bad) > 100
    assert len(every) > 15
    assert count > 2000


def test_each_of_these_routes_takes_a_good_proof(guarded: World) -> None:
    """The answers above are refusals of the proof, not of the request."""
    (_, body) = answers(guarded, [token_request()])[0]
    good = body.decode().split('"access_token":"')[1].split('"')[0]
    for door in doors(guarded):
        if door.path.startswith("/portal"):
            continue
        if door.takes_assertions:
            good_form = _assertion(ring().with_claims(jti=door.path))
            proven = door._request(content=urlencode(good_form), headers=FORM)
        else:
            proven = door._request(headers={"Authorization": f"Bearer {good}"})
        with_proof, without = answers(guarded, [proven, door._request()])
        assert with_proof != without, door


def test_a_good_token_counts_in_the_header_alone(guarded: World) -> None:
    (_, body) = answers(guarded, [token_request()])[0]
    good = body.decode().split('"access_token":"')[1].split('"')[0]
    place = f"{BASE}/fhir/Task"
    form = urlencode({"access_token": good})
    ways = [
        httpx.Request("GET", f"{place}?access_token={good}"),
        httpx.Request("GET", place, headers={"Cookie": f"access_token={good}"}),
        httpx.Request("GET", place, headers={"X-Access-Token": good}),
        httpx.Request("GET", place, headers={"Authorization": good}),
        httpx.Request("GET", place, headers={"Authorization": f"Basic {good}"}),
        httpx.Request("GET", place, headers={"Authorization": f"Token {good}"}),
        httpx.Request("POST", f"{place}/_search", content=form, headers=FORM),
    ]
    assert {status for status, _ in answers(guarded, ways)} == {401}
    header = {"Authorization": f"bearer {good}"}
    assert answers(guarded, [httpx.Request("GET", place, headers=header)])[0][0] == 200
