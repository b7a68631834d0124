"""Reading one ServiceRequest: our server against the least a Python server can do."""

import json
import secrets
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks.arms import ceiling
from benchmarks.frame import Arms, Better, Row, Sample, UnequalOutputError, cpu_milliseconds
from benchmarks.serving import Server, free_port, get, measure_reads, start
from bridge.clock import SystemClock
from bridge.demo.provider_ehr import CLIENT_ID
from bridge.demo.run import Demo
from bridge.identity.signing import SigningKey

OUR_READS = 300
CEILING_READS = 3000


def _open() -> Arms:
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        ours, key = _our_server(home)
        opened.callback(ours.stop)
        resources = _read_once(ours, key)
        secret = secrets.token_urlsafe(24)
        theirs = _ceiling(home / "ceiling.db", resources, secret)
        opened.callback(theirs.stop)
        paths = [f"/fhir/{place}" for place in resources]
        same = list(get(theirs, paths, _bearer(secret)))
        if same != list(resources.values()):
            raise UnequalOutputError("the ceiling returns other bytes")
        return Arms(
            lambda: _ours(ours, key, _cycle(paths, OUR_READS)),
            lambda: measure_reads(theirs, _cycle(paths, CEILING_READS), _bearer(secret)),
            opened.pop_all().close,
        )


def _cycle(paths: list[str], reads: int) -> list[str]:
    return (paths * (reads // len(paths) + 1))[:reads]


def _our_server(home: Path) -> tuple[Server, SigningKey]:
    """Start the demo's bridge with its referrals imported; returns it and the provider's key."""
    demo = Demo(home / "demo")
    bridge = demo.set_up()
    demo.import_school_files(bridge)
    bridge.engine.dispose()
    key = SigningKey.load_or_generate(demo.folder / "provider" / "key.json")
    return Server(demo.start_server(), bridge.settings.port), key


def _read_once(server: Server, key: SigningKey) -> dict[str, bytes]:
    """Return the bytes of every ServiceRequest the provider may read, by ``Type/id``."""
    headers = _token(server, key)
    (bundle,) = get(server, ["/fhir/ServiceRequest?_count=100"], headers)
    matches = (e for e in json.loads(bundle)["entry"] if e["search"]["mode"] == "match")
    places = [f"ServiceRequest/{e['resource']['id']}" for e in matches]
    bodies = get(server, [f"/fhir/{place}" for place in places], headers)
    return dict(zip(places, bodies, strict=True))


def _ceiling(database: Path, resources: dict[str, bytes], secret: str) -> Server:
    port = free_port()
    ceiling.fill(str(database), resources)
    module = "benchmarks.arms.ceiling"
    return start((sys.executable, "-m", module, str(database), str(port), secret), port)


def _ours(server: Server, key: SigningKey, paths: Sequence[str]) -> Sample:
    # A token lives five minutes: a new one for each round, its cost not counted.
    return measure_reads(server, paths, _token(server, key))


def _token(server: Server, key: SigningKey) -> dict[str, str]:
    base = f"http://127.0.0.1:{server.port}"
    with urlopen(f"{base}/fhir/.well-known/smart-configuration") as answer:  # noqa: S310 - loopback
        place = json.load(answer)["token_endpoint"]
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(CLIENT_ID, place, SystemClock().real_now()),
    }
    with urlopen(place, urlencode(form).encode()) as answer:  # noqa: S310 - loopback
        return _bearer(json.load(answer)["access_token"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


ROW = Row(
    name="server.read_vs_ceiling",
    unit="ms of server CPU per request",
    better=Better.LOWER,
    goal=1.8,
    meaning=(
        "how many times the CPU of Starlette, one SQLite query and a token in memory our server "
        "needs to read a ServiceRequest with token, consent decision and ledger entry, same bytes"
    ),
    value=cpu_milliseconds,
    open=_open,
)
