"""A connection that answers by itself writes what the server's own connection writes."""

import gc
import re
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.api import hot_connections
from bridge.api.hot_connections import MOST_BODY, Exchange
from bridge.gate.hot.asked import Asked
from tests.bridge.api.test_recording_together import sessions
from tests.support.listening import listening
from tests.support.worlds import World, encounter, form_health, make_world, referral

_CHANCE = re.compile(
    rb"(?m)^date: [^\r]*|_page=[A-Za-z0-9_%-]+|[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}"
    rb'|Encounter/[^/" \r]+|"(?:versionId|id|value|lastUpdated|lastModified)":"[^"]*"'
    rb'|W/\\?"[^"]*"|_history/[^"\s]+|last-modified: [^\r]*'
)
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
END = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    """One application, listening with both kinds of connection, and what it may be asked for."""

    world: World
    token: str
    ours: int
    plain: int
    shown: str
    hidden: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    world = make_world(f"sqlite:///{folder}/bridge.sqlite3", folder)
    world.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    ids = [world.id_of("ServiceRequest", f"R-{n}") for n in (1, 3)]
    with listening(world.app) as ours, listening(world.app, http=HttpToolsProtocol) as plain:
        ports = [int(each.rpartition(":")[2]) for each in (ours, plain)]
        yield Served(world, world.web().token, *ports, *ids)
    world.bridge.engine.dispose()


def get(path: str, token: str, *headers: str, version: str = "1.1") -> bytes:
    lines = (f"GET {path} HTTP/{version}", "Host: x", f"Authorization: Bearer {token}", *headers)
    return "\r\n".join((*lines, "", "")).encode()


def post(path: str, token: str, body: bytes, *headers: str) -> bytes:
    kind = () if any("content-type" in h.lower() for h in headers) else (
        "Content-Type: application/fhir+json",)  # fmt: skip
    length = () if any("transfer" in h.lower() for h in headers) else (
        f"Content-Length: {len(body)}",)  # fmt: skip
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
    return "\r\n".join((*lines, *kind, *length, *headers, "", "")).encode() + body


def written(port: int, pieces: Sequence[bytes]) -> bytes:
    """Return all that a server writes to who sends some pieces and one last request."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for n, piece in enumerate(pieces):
            if n:
                time.sleep(0.03)  # what is sent together comes together
            connection.sendall(piece)
        got = b""
        while more := connection.recv(65536):
            got += more
    return got


def plainly(written: bytes) -> bytes:
    """Return what a server wrote but for what chance or the clock says."""
    return _LENGTH.sub(b"", re.sub(rb"s-[0-9a-f]{8}", b"", _CHANCE.sub(b"", written)))


def same(served: Served, *pieces: bytes) -> bytes:
    """Send the same to both; returns what both wrote."""
    ours, plain = (plainly(written(port, pieces)) for port in (served.ours, served.plain))
    assert ours == plain
    return ours


def requests(served: Served) -> dict[str, tuple[bytes, ...]]:
    one, token = f"/fhir/ServiceRequest/{served.shown}", served.token
    search = "/fhir/ServiceRequest?_include=ServiceRequest:patient&_count=1"
    two = get(one, token) + get(f"/fhir/ServiceRequest/{served.hidden}", token)
    return {
        "a read": (get(one, token),),
        "a read in pieces": (get(one, token)[:9], get(one, token)[9:80], get(one, token)[80:]),
        "one kept alive": (get(one, token, "Connection: keep-alive", "Accept: */*"),),
        "one that is withheld": (get(f"/fhir/ServiceRequest/{served.hidden}", token),),
        "one that is not there": (get("/fhir/ServiceRequest/none", token),),
        "a type that is not served": (get("/fhir/Medication/none", token),),
        "a page of the portal": (get("/portal/sign-in", token),),
        "a search": (get(search, token),),
        "a search that is not understood": (get("/fhir/Task?colour=red", token),),
        "a count": (get("/fhir/Task?_summary=count", token),),
        "no token": (get(one, ""),),
        "a token nobody has": (get(one, "nobody"),),
        "a token twice": (get(one, token, "Authorization: Bearer nobody"),),
        "another proof, then a token": (
            get(one, token).replace(b"Auth", b"Authorization: Basic eDp4\r\nAuth"),
        ),
        "heads that differ": (
            get(one, token),
            get(one, "nobody"),
            get(one, token),
            get(one, token, "Accept: text/html"),
            get(one, token, "Content-Length: 1") + b"x",
        ),
        "its own method": (get(one, token).replace(b"GET", b"HEAD"),),
        "a method that is not offered": (get(one, token).replace(b"GET", b"LOCK"),),
        "a version nobody has": (get(one, token, 'If-None-Match: W/"none"'),),
        "a part": (get(one, token, "Range: bytes=0-3"),),
        "another type": (get(one, token, "Accept: text/html"),),
        "two at once": (two,),
        "two, the second as another begins": (two[:-20], two[-20:] + get(search, token)),
        "three that differ": (get(search, token) + get("/healthz", token) + get(one, token),),
        "an older version": (get(one, token, version="1.0"),),
        "an older version kept alive": (get(one, token, "Connection: keep-alive", version="1.0"),),
        "the last": (get(one, token, "Connection: close") + get(one, token),),
        "a body with a read": (get(one, token, "Content-Length: 3") + b"abc",),
        "a body of chunks with a read": (
            get(one, token, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        ),
        "an address in full": (get(f"http://x{one}", token),),
        "an encoded address": (get(one.replace("S", "%53", 1), token),),
        "a fragment": (get(f"{one}#a", token), get(f"{search}#a?b", token)),
        "no address": (get("?a", token),),
        "two question marks": (get(f"{one}?_format=json?", token),),
        "not HTTP": (b"\x00\x01\r\n\r\n",),
        "not HTTP behind a read": (get(one, token) + b"\x00\x01\r\n\r\n",),
        "a length that is none": (get(one, token, "Content-Length: x"),),
    }


CASES = [
    *("a read", "a read in pieces", "one kept alive", "one that is withheld"),
    *("one that is not there", "a type that is not served", "a page of the portal", "a search"),
    *("a search that is not understood", "a count", "no token", "a token nobody has"),
    *(
        "a token twice",
        "another proof, then a token",
        "heads that differ",
        "its own method",
        "a method that is not offered",
        "a version nobody has",
    ),
    *("a part", "another type", "two at once", "two, the second as another begins"),
    *("three that differ", "an older version", "an older version kept alive", "the last"),
    *("a body with a read", "a body of chunks with a read", "an address in full"),
    *("an encoded address", "a fragment", "no address", "two question marks", "not HTTP"),
    *("not HTTP behind a read", "a length that is none"),
]


def test_of_two_proofs_the_first_counts(served: Served) -> None:
    # Both kinds of connection read them by the same lines: compared, they would agree in a mistake.
    for about, status in (("another proof, then a token", b"401"), ("a token twice", b"200")):
        pieces = (*requests(served)[about], END)
        for port in (served.ours, served.plain):
            assert written(port, pieces).startswith(b"HTTP/1.1 " + status)


def test_every_request_is_tried(served: Served) -> None:
    assert list(requests(served)) == CASES


@pytest.mark.parametrize("about", CASES)
def test_what_is_written_is_what_the_server_writes(served: Served, about: str) -> None:
    pieces = requests(served)[about]
    once = same(served, *pieces[:-1], pieces[-1] + END)
    same(served, *pieces[:-1], pieces[-1] * 3 + END)
    if once.count(b"connection: close") == 1 and once.endswith(b"ok\n"):
        same(served, *pieces, END)


def test_new_sessions_are_answered_as_the_server_answers_them(served: Served) -> None:
    (task, *_) = served.world.web().found("/fhir/Task")
    for about in sessions(task):
        pieces = []
        for _ in range(2):  # with an identifier of its own each time
            path, body, headers = sessions(task)[about]
            sent = body if isinstance(body, bytes) else orjson.dumps(body)
            token = headers.pop("Authorization", served.token).removeprefix("Bearer ")
            given = [f"{name}: {value}" for name, value in headers.items()]
            pieces.append(post(path, token, sent, *given))
        ours = written(served.ours, (pieces[0], END))
        plain = written(served.plain, (pieces[1], END))
        told = [
            _LENGTH.sub(b"", re.sub(rb"s-\w+", b"", _CHANCE.sub(b"", t))) for t in (ours, plain)
        ]
        assert told[0] == told[1], about


def session(served: Served) -> bytes:
    task, *_ = served.world.web().found("/fhir/Task")
    return orjson.dumps(encounter(task, f"s-{secrets.token_hex(4)}"))


def test_what_creates_is_taken_however_it_comes(served: Served) -> None:
    def sent(*headers: str, before: bytes = b"") -> bytes:
        return post("/fhir/Encounter", served.token, before + session(served), *headers)

    def in_chunks() -> bytes:
        head, _, body = sent().partition(b"\r\n\r\n")
        head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
        return b"%b\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (head, len(body), body)

    reads = get("/fhir/Task", served.token), get("/fhir/Task/none", served.token)
    for port in (served.ours, served.plain):
        for pieces in (
            (sent(),),
            sent().partition(b"resourceType"),
            (sent() + sent() + sent(),),
            (in_chunks(),),
            sent("Expect: 100-continue").partition(b"\r\n\r\n"),
            (sent(before=b" " * MOST_BODY),),
            (reads[0] + sent() + reads[1],),
        ):
            answers = written(port, (*pieces, END))
            assert answers.count(b"HTTP/1.1 201") == b"".join(pieces).count(b"POST /fhir")
            assert answers.endswith(b"ok\n")


@pytest.mark.parametrize("about", ["a read", "a search", "one that is withheld"])
def test_it_does_answer_by_itself(
    served: Served, about: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Exchange] = []

    def begin(exchange: Exchange) -> None:
        begun.append(exchange)
        real(exchange)

    real = Exchange.begin
    monkeypatch.setattr(hot_connections.Exchange, "begin", begin)
    written(served.ours, (*requests(served)[about], END))
    assert len(begun) == 1


def test_what_was_answered_is_gone_without_the_collector(served: Served) -> None:
    read = requests(served)["a read"][0]
    written(served.ours, (read, END))
    gc.collect()
    gc.disable()
    try:
        written(served.ours, (read * 50, *[read] * 20, END))
        left = [each for each in gc.get_objects() if isinstance(each, Exchange | Asked)]
    finally:
        gc.enable()
    assert len(left) < 20


def test_who_leaves_before_the_answer_takes_no_other_along(served: Served) -> None:
    read = requests(served)["a read"][0]
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.ours), timeout=20) as left:
            left.sendall(read)
        assert written(served.ours, (read, END)).count(b"200 OK") == 2


def test_what_goes_wrong_while_an_answer_is_made_is_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("of a record")

    monkeypatch.setattr("bridge.api.hot.read_reply", broken)
    got = written(served.ours, (*requests(served)["a read"], END))
    assert got.startswith(b"HTTP/1.1 500 ")
    assert b"of a record" not in got
    assert got.endswith(b"ok\n")
