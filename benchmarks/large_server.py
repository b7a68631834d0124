"""Our server with many referrals loaded, and references with the same answers.

Both get the same kind of requests over the same number of connections at once; what is counted is
the CPU time of the server's process. Token and consent are checked and the ledger entry is on disk
for each of ours; the references do none of that.
"""

import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from benchmarks.arms.stored import Stored
from benchmarks.frame import Arms, Better, Row, Sample, UnequalOutputError, cpu_milliseconds
from benchmarks.load import request, send
from benchmarks.loaded import REFERRALS, database, loaded, make_pages_ready, set_address
from benchmarks.processes import cpu_seconds
from benchmarks.references import Reference
from benchmarks.serving import Server, get
from bridge.clock import SystemClock
from bridge.demo.provider_ehr import CLIENT_ID
from bridge.identity.signing import SigningKey
from bridge.settings import read_settings

BACKEND = os.environ.get("SCHOOLBRIDGE_BENCH_DATABASE", "sqlite")  # noqa: TID251 - what to measure
MANY = int(os.environ.get("SCHOOLBRIDGE_BENCH_REFERRALS", REFERRALS))  # noqa: TID251 - and how many
FEW = min(10_000, MANY // 10)
PAGES = 15
_INSTANT = re.compile(r'"(\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))"')
Json = dict[str, Any]
Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The same requests for both arms, method and path with body, and what the reference stores."""

    ours: Sequence[tuple[str, str, bytes]]
    theirs: Sequence[tuple[str, str, bytes]]
    stored: Sequence[Stored] = ()
    renewed: Callable[[], Sequence[tuple[str, str, bytes]]] | None = None
    """Makes the requests of our next round, where a request can be made only once."""


@dataclass(frozen=True, slots=True)
class Large:
    """Our server, and how its provider comes in."""

    server: Server
    key: SigningKey
    headers: Headers = field(repr=False)
    home: Path

    def bundle(self, path: str) -> Json:
        """Return a Bundle."""
        (body,) = get(self.server, [path], self.headers)
        found: Json = json.loads(body)
        return found

    def pages(self, path: str, pages: int = PAGES) -> list[tuple[str, Json]]:
        """Return so many pages of a search, each with its path."""
        found: list[tuple[str, Json]] = []
        while path and len(found) < pages:
            bundle = self.bundle(path)
            found.append((path, bundle))
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            path = "/fhir" + links["next"].partition("/fhir")[2] if "next" in links else ""
        return found


def row(
    what: tuple[str, Reference],
    goal: float,
    meaning: str,
    asked: Callable[[Large], Asked],
    sent: tuple[int, int],
) -> Row:
    """Return the row of one kind of request.

    Args:
        what: the kind of request, and the server to compare with.
        goal: the ratio to reach.
        meaning: what is compared, after "how many times the CPU ...".
        asked: finds out what to ask for.
        sent: how many requests a round has, ours and the reference's.
    """
    kind, reference = what
    return Row(
        name=f"server.{kind}_vs_{reference.name}",
        unit="ms of server CPU per request",
        better=Better.LOWER,
        goal=goal,
        meaning=(
            f"how many times the CPU of {reference.words} our server needs {meaning}, with token,"
            " consent decision and a ledger entry on disk; 8 connections,"
            f" {MANY:,} referrals loaded, ours on {BACKEND}"
        ),
        value=cpu_milliseconds,
        open=partial(_open, asked, sent, reference),
    )


def growth_row(
    name: str, meaning: str, asked: Callable[[Large], Asked], sent: int, goal: float = 1.5
) -> Row:
    """Return the row that compares our server with itself, with a few of the referrals."""
    return Row(
        name=name,
        unit="ms of server CPU per request",
        better=Better.LOWER,
        goal=goal,
        meaning=(
            f"how many times the CPU our server needs {meaning} with {MANY:,} referrals loaded than"
            f" with {FEW:,}; 8 connections, {BACKEND}"
        ),
        value=cpu_milliseconds,
        open=partial(_open_both, asked, sent),
    )


def _open_both(asked: Callable[[Large], Asked], sent: int) -> Arms:
    with ExitStack() as opened:
        arms = []
        for referrals in (MANY, FEW):
            large = large_server(opened, referrals)
            arms.append(partial(_ours, large, asked(large), sent))
            arms[-1]()  # remembers what it will be asked for
        return Arms(*arms, opened.pop_all().close)


def _open(asked: Callable[[Large], Asked], sent: tuple[int, int], reference: Reference) -> Arms:
    with ExitStack() as opened:
        large = large_server(opened)
        wanted = _under(reference.root, asked(large))
        secret = secrets.token_urlsafe(24)
        home = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        theirs = reference.serve(home / "stored.db", wanted.stored, secret)
        opened.callback(theirs.stop)
        _compare(large, theirs, wanted, bearer(secret))
        ours = partial(_ours, large, wanted, sent[0])
        ours()  # remembers what it will be asked for, as a server that has run for a while
        its = partial(measured, theirs, _cycle(wanted.theirs, sent[1]), bearer(secret))
        return Arms(ours, its, opened.pop_all().close)


def large_server(opened: ExitStack, referrals: int = MANY, sessions: int = 0) -> Large:
    """Start our server with so many referrals: just sent, or answered with so many sessions."""
    demo = loaded(BACKEND, referrals, answered=bool(sessions), sessions=sessions)
    set_address(demo, database(demo.folder.parent, BACKEND, opened))
    make_pages_ready(demo)
    process = demo.start_server()
    server = Server(process, read_settings(demo.home).port)
    opened.callback(server.stop)
    key = SigningKey.load_or_generate(demo.folder / "provider" / "key.json")
    return Large(server, key, token(server, key), demo.home)


def _under(root: str, wanted: Asked) -> Asked:
    """Return the same requests, the reference's under another path."""
    theirs = [(m, root + path.removeprefix("/fhir"), body) for m, path, body in wanted.theirs]
    return replace(wanted, theirs=theirs)


def _cycle(asked: Sequence[tuple[str, str, bytes]], count: int) -> list[tuple[str, str, bytes]]:
    return (list(asked) * (count // len(asked) + 1))[:count]


def _ours(large: Large, wanted: Asked, count: int) -> Sample:
    # A token lives five minutes: a new one for each round, its cost not counted.
    asked = _cycle(wanted.ours, count) if wanted.renewed is None else wanted.renewed()[:count]
    return measured(large.server, asked, token(large.server, large.key))


def measured(server: Server, asked: Sequence[tuple[str, str, bytes]], headers: Headers) -> Sample:
    """Return the server's CPU time for answering requests over 8 connections, each once."""
    more = {**headers, "Content-Type": "application/fhir+json"}
    requests = [
        request(path, more if body else headers, method, body) for method, path, body in asked
    ]
    created = any(method == "POST" and path != "/fhir" for method, path, _ in asked)
    before, began = cpu_seconds(server.process.pid), time.monotonic()
    send(server.port, requests, 201 if created else 200)
    spent = cpu_seconds(server.process.pid) - before
    return Sample(len(requests), spent, time.monotonic() - began)


def _compare(large: Large, theirs: Server, wanted: Asked, headers: Headers) -> None:
    """Prove that both give the same resources, for each request that only reads."""
    if wanted.renewed is not None:
        return  # what is written cannot be asked for twice; each status is checked
    for (_, ours, _), (_, reference, _) in zip(wanted.ours, wanted.theirs, strict=True):
        (mine,) = get(large.server, [ours], large.headers)
        (its,) = get(theirs, [reference], headers)
        if _resources(mine) != _resources(its):
            raise UnequalOutputError("the reference gives other resources")


def _resources(body: bytes) -> tuple[list[str], set[str]]:
    """Return the matches in their order, and what is included."""
    found = json.loads(body)
    if found["resourceType"] != "Bundle":
        return [_same(found)], set()
    by_mode: dict[str, list[str]] = {"match": [], "include": [], "outcome": []}
    for entry in found["entry"]:
        by_mode[entry["search"]["mode"]].append(_same(entry["resource"]))
    return by_mode["match"], set(by_mode["include"])


def _same(resource: Json) -> str:
    """Return what tells resources apart, however an instant or the order of elements is written."""
    written = json.dumps(resource, sort_keys=True)
    return _INSTANT.sub(lambda found: str(datetime.fromisoformat(found[1]).timestamp()), written)


def stored_of(bundle: Mapping[str, Any], found_by: str) -> list[Stored]:
    """Return what a reference has to store to give the resources of a Bundle.

    Args:
        bundle: as our server gave it.
        found_by: the element that names the party.
    """
    kept = []
    for entry in bundle["entry"]:
        mode, resource = entry["search"]["mode"], entry["resource"]
        if mode == "outcome":
            continue
        place = f"{resource['resourceType']}/{resource['id']}"
        body = json.dumps(resource, separators=(",", ":"), ensure_ascii=False).encode()
        if mode == "include":
            kept.append(Stored(place, body))
            continue
        party = resource[found_by]
        named = party[0] if isinstance(party, list) else party
        patient = resource.get("subject", {}).get("reference", "").partition("/")[2]
        found = (named["reference"], resource["status"], patient)
        kept.append(Stored(place, body, *found))
    return kept


def party_of(large: Large) -> str:
    """Return the reference to the provider."""
    found = large.bundle("/fhir/ServiceRequest?_count=1")["entry"][0]["resource"]
    return str(found["performer"][0]["reference"])


def query(path: str, **parameters: object) -> str:
    """Return a path with parameters."""
    return f"{path}?{urlencode(parameters, quote_via=quote)}"


def token(server: Server, key: SigningKey) -> Headers:
    """Get an access token as the provider's system does."""
    base = f"http://127.0.0.1:{server.port}"
    with urlopen(f"{base}/fhir/.well-known/smart-configuration") as answer:  # noqa: S310 - loopback
        place = json.load(answer)["token_endpoint"]
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.cruds",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(CLIENT_ID, place, SystemClock().real_now()),
    }
    with urlopen(place, urlencode(form).encode()) as answer:  # noqa: S310 - loopback
        return bearer(json.load(answer)["access_token"])


def bearer(secret: str) -> Headers:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {secret}"}
