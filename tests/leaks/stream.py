"""A seeded stream of requests: what a curious caller might try, and what an honest one does."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import orjson
from sqlalchemy import text

from bridge.store.database.engine import read
from bridge.store.search.index import INCLUDES, PARAMETERS, REVINCLUDES
from tests.leaks.trio import JOB, PAGE, Ask, Side, Trio
from tests.support.stopping import drawn_order, drawn_request
from tests.support.worlds import FHIR, SESSIONS

_ODD_PARAMETERS = (
    ("_sort", "-status"),
    ("_summary", "all"),
    ("_has:Observation:patient:code", "phq-9"),
    ("patient.name", "Winterbourne"),
    ("_filter", "status eq requested"),
    ("_revinclude", "*"),
    ("status:above", "requested"),
    ("_include:iterate", "Task:focus"),
    ("_include", "*"),
    ("_text", "drinks"),
    ("Status", "requested"),
    ("name", "Winterbourne"),
    ("_page", "1-0"),
    ("_lastUpdated", "yesterday"),
)
_SHAPES = (
    ("_sort", "_lastUpdated"),
    ("_sort", "-_lastUpdated"),
    ("_sort", "authored-on,-_lastUpdated"),
    ("_sort", "-authored,_id"),
    ("_sort", "date"),
    ("_total", "accurate"),
    ("_total", "none"),
    ("_summary", "count"),
    ("_summary", "true"),
    ("_summary", "text"),
    ("_elements", "id,status,identifier"),
    ("_count", "0"),
)
_DATES = ("authored", "authored-on", "date")
_KINDS = (*PARAMETERS, "Flag", "AuditEvent")
_PUBLIC = (
    *("/healthz", "/fhir/metadata", "/fhir/openapi.json", "/fhir/notices/p2.notice"),
    *("/fhir/.well-known/smart-configuration", "/fhir/Task", "/portal/sign-in", "/metrics"),
)
_PAGES = (
    *("/portal/board", "/portal/board?show=act", "/portal/board?show=no-show", "/portal/meeting"),
    *("/portal/board?show=unanswered", "/portal/board?page=2", "/portal/board?show=signature"),
)
_JSON = (("Content-Type", "application/fhir+json"),)
_PATCH = (("Content-Type", "application/json-patch+json"),)
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@dataclass
class Knowledge:
    """What the callers of a viewpoint may have picked up: ids, tags and values, of any world."""

    ids: dict[str, list[str]]
    values: dict[tuple[str, str], list[str]]
    etags: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


def learn(sides: Sequence[Side]) -> Knowledge:
    """Collect every id and search value of all worlds, with some that are in none."""
    ids: dict[str, set[str]] = {kind: {"nobody", "0" * 64} for kind in _KINDS}
    values: dict[tuple[str, str], set[str]] = {}
    for side in sides:
        bridge = side.opened.world.bridge
        with read(bridge.engine) as connection:
            for kind, record_id in connection.execute(text("SELECT type, id FROM record")):
                ids[kind].add(record_id)
                ids[kind].add(bridge.identifiers.pseudonym("state-hub", record_id))
            found = text("SELECT type, param, system, value FROM search_value")
            for kind, param, system, value in connection.execute(found):
                values.setdefault((kind, param), set()).add(value)
                values.setdefault((kind, param), set()).add(f"{system}|{value}")
    return Knowledge(
        {kind: sorted(known) for kind, known in ids.items()},
        {key: sorted(known) for key, known in values.items()},
        ['W/"0"', "*", '"1"'],
    )


@dataclass
class Stream:
    """Draws requests; the same seed draws the same ones while the answers are the same."""

    trio: Trio
    seed: int
    known: Knowledge
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)  # noqa: S311 - a repeatable stream of requests

    def asks(self, count: int) -> Iterator[Ask]:
        kinds: tuple[tuple[Callable[[], Ask], int], ...] = (
            (self._search, 30),
            (self._read, 24),
            (self._page, 8),
            (self._post_search, 4),
            (self._batch, 6),
            (self._put, 8),
            (self._patch, 5),
            (self._validate, 1),
            (self._create, 5),
            (self._export, 8),
            (self._odd, 4),
            (self._school, 6 if self.trio.view.name == "school" else 1),
            (self._stop, 6 if self.trio.view.name == "school" else 1),
            (self._order, 0 if self.trio.view.name in ("hub", "school") else 3),
        )
        makers, weights = zip(*kinds, strict=True)
        first = [Ask("nobody", "GET", path) for path in _PUBLIC]
        yield from first[:count]
        for _ in range(count - len(first)):
            yield self.draw.choices(makers, weights)[0]()

    def _caller(self) -> str:
        first, *rest = self.trio.view.callers
        return first if not rest or self.draw.random() < 0.6 else self.draw.choice(rest)

    def _kind(self) -> str:
        often = ("Task", "ServiceRequest", "Patient", "Encounter", "Observation")
        return self.draw.choice(often if self.draw.random() < 0.7 else _KINDS)

    def _id(self, kind: str) -> str:
        return self.draw.choice(self.known.ids[kind])

    def _query(self, kind: str) -> list[tuple[str, str]]:
        query: list[tuple[str, str]] = []
        if self.draw.random() < 0.6:
            query.append(("_count", str(self.draw.choice((1, 1, 2, 3, 7)))))
        query += [self._parameter(kind) for _ in range(self.draw.choice((0, 0, 1, 1, 2)))]
        some = [name for name in INCLUDES.get(kind, {}) if self.draw.random() < 0.3]
        query += [("_include", f"{kind}:{name}") for name in some]
        back = [pair for pair in REVINCLUDES.get(kind, ()) if self.draw.random() < 0.15]
        query += [("_revinclude", f"{source}:{name}") for source, name in back]
        if self.draw.random() < 0.25:
            query.append(self.draw.choice(_SHAPES))
        if self.draw.random() < 0.06:
            query.append(self.draw.choice(_ODD_PARAMETERS))
        return query

    def _parameter(self, kind: str) -> tuple[str, str]:
        offered = [*(p.name for p in PARAMETERS.get(kind, ())), "_id", "_lastUpdated"]
        name = self.draw.choice(offered)
        if name == "_id":
            return name, ",".join(self._id(kind) for _ in range(self.draw.choice((1, 2, 5))))
        if name == "_lastUpdated":
            prefix = self.draw.choice(("gt", "ge", "lt", "le", ""))
            minute, second = self.draw.randrange(60), self.draw.randrange(60)
            hour = self.draw.choice((12, 13, 14))
            day = "2026-10-15" if self.draw.random() < 0.9 else "2026-10-14"
            whole = f"{day}T{hour}:{minute:02}:{second:02}Z"
            return name, prefix + (whole if self.draw.random() < 0.9 else day)
        values = self.known.values.get((kind, name), ["x"])
        chance = self.draw.random()
        if chance < 0.08:
            return f"{name}:missing", self.draw.choice(("true", "false"))
        if chance < 0.14:
            return f"{name}:not", self.draw.choice(values)
        if chance < 0.2 and kind in ("Task", "ServiceRequest", "Observation"):
            people = self.known.values.get(("Patient", "identifier"), ["x"])
            return "patient.identifier", self.draw.choice(people)
        if chance < 0.3 and name in _DATES:
            day = self.draw.choice(("2026", "2026-09", "2026-09-02", "2026-10-05T13:00Z"))
            return name, self.draw.choice(("eq", "ne", "gt", "le", "sa", "eb", "ap", "")) + day
        return name, self.draw.choice(values)

    def _search(self) -> Ask:
        kind = self._kind()
        return Ask(self._caller(), "GET", f"/fhir/{kind}?{urlencode(self._query(kind))}")

    def _post_search(self) -> Ask:
        kind = self._kind()
        body = urlencode(self._query(kind)).encode()
        return Ask(self._caller(), "POST", f"/fhir/{kind}/_search", _FORM, body)

    def _tag(self) -> str:
        return self.draw.choice(self.known.etags)

    def _version(self) -> str:
        found = "".join(letter for letter in self._tag() if letter in "0123456789abcdef")
        return found or "x"

    def _read(self) -> Ask:
        kind = self._kind()
        headers: tuple[tuple[str, str], ...] = ()
        if self.draw.random() < 0.4:
            headers = ((self.draw.choice(("If-None-Match", "If-Match")), self._tag()),)
        if self.draw.random() < 0.1:
            headers += (("Range", "bytes=0-10"),)
        if self.draw.random() < 0.2:
            hour, minute = self.draw.choice((12, 13, 14)), self.draw.randrange(60)
            moment = f"Thu, 15 Oct 2026 {hour}:{minute:02}:00 GMT"
            headers += (("If-Modified-Since", moment),)
        if self.draw.random() < 0.1:
            headers += (("Accept", self.draw.choice(("application/fhir+xml", "text/html"))),)
        method = "GET" if self.draw.random() < 0.9 else "HEAD"
        return Ask(self._caller(), method, self._place(kind), headers)

    def _place(self, kind: str) -> str:
        """Return the address of a resource, of its history or of one of its versions."""
        record, chance = f"/fhir/{kind}/{self._id(kind)}", self.draw.random()
        if chance < 0.7:
            return record
        if chance < 0.85:
            return f"{record}/_history"
        if chance < 0.9:
            return f"{record}?{urlencode([self.draw.choice(_SHAPES)])}"
        return f"{record}/_history/{self._version()}"

    def _page(self) -> Ask:
        if not self.trio.sides[0].pages:
            return self._search()
        return Ask(self._caller(), "GET", PAGE, slot=self.draw.randrange(500))

    def _task(self) -> bytes:
        if self.known.bodies and self.draw.random() < 0.8:
            return self.draw.choice(self.known.bodies)
        task = {"resourceType": "Task", "id": self._id("Task"), "status": "accepted"}
        needed = {"intent": "order", "code": {"text": "x"}, "for": {"reference": "Patient/x"}}
        return orjson.dumps(task | needed)

    def _put(self) -> Ask:
        body = self._task()
        headers: tuple[tuple[str, str], ...] = _JSON
        if self.draw.random() < 0.85:
            headers += (("If-Match", self._tag()),)
        own = orjson.loads(body).get("id") if self.draw.random() < 0.6 else None
        record_id = own or self._id("Task")
        kind = "Task" if self.draw.random() < 0.9 else self._kind()
        return Ask(self._caller(), "PUT", f"/fhir/{kind}/{record_id}", headers, body)

    def _patch(self) -> Ask:
        path = self.draw.choice(("/status", "/description", "/note/0/text", "/priority", "/id"))
        value = self.draw.choice(("accepted", "urgent", "x"))
        operation = {"op": self.draw.choice(("test", "replace", "add", "remove")), "path": path}
        body = orjson.dumps([{**operation, "value": value}])
        headers: tuple[tuple[str, str], ...] = _PATCH
        if self.draw.random() < 0.85:
            headers += (("If-Match", self._tag()),)
        kind = "Task" if self.draw.random() < 0.8 else self._kind()
        return Ask(self._caller(), "PATCH", f"/fhir/{kind}/{self._id(kind)}", headers, body)

    def _validate(self) -> Ask:
        kind = self.draw.choice(("Task", "Encounter", "Flag"))
        return Ask(self._caller(), "POST", f"/fhir/{kind}/$validate", _JSON, self._task())

    def _create(self) -> Ask:
        session = {
            "resourceType": "Encounter",
            "identifier": [{"system": SESSIONS, "value": f"s{self.draw.randrange(40)}"}],
            "status": "finished",
            "class": {"code": "FLD"},
            "type": [{"text": "Session"}],
            "subject": {"reference": f"Patient/{self._id('Patient')}"},
            "basedOn": [{"reference": f"ServiceRequest/{self._id('ServiceRequest')}"}],
            "period": {"start": "2026-10-05T13:00:00-04:00"},
        }
        headers = _JSON
        if self.draw.random() < 0.3:
            value = session["identifier"][0]["value"]
            headers = (*_JSON, ("If-None-Exist", f"identifier={SESSIONS}|{value}"))
        return Ask(self._caller(), "POST", "/fhir/Encounter", headers, orjson.dumps(session))

    def _stop(self) -> Ask:
        body = orjson.dumps(drawn_request(self.draw, self.known.ids))
        return Ask(self._caller(), "POST", "/fhir/Task", _JSON, body)

    def _order(self) -> Ask:
        sent = drawn_order(self.draw, self.known.ids)
        path = f"/fhir/{sent['resourceType']}"
        return Ask(self._caller(), "POST", path, _JSON, orjson.dumps(sent))

    def _batch(self) -> Ask:
        entries = [self._entry() for _ in range(self.draw.randrange(1, 4))]
        kind = "transaction" if self.draw.random() < 0.4 else "batch"
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
        return Ask(self._caller(), "POST", "/fhir", _JSON, orjson.dumps(bundle))

    def _entry(self) -> dict[str, object]:
        single = self.draw.choice((self._search, self._read, self._put, self._stop))()
        path = single.path.removeprefix("/fhir/")
        url = f"{FHIR}/{path}" if self.draw.random() < 0.3 else path
        request = {"method": single.method, "url": url}
        for name, field_name in (("If-Match", "ifMatch"), ("If-None-Match", "ifNoneMatch")):
            if found := dict(single.headers).get(name):
                request[field_name] = found
        return {"request": request} | (
            {"resource": orjson.loads(single.body)} if single.body else {}
        )

    def _export(self) -> Ask:
        chance = self.draw.random()
        slot = self.draw.randrange(200)
        if chance < 0.3 or not self.trio.sides[0].jobs:
            query = [] if self.draw.random() < 0.4 else [("_type", self._kind())]
            if self.draw.random() < 0.4:
                hour, minute = self.draw.choice((12, 13)), self.draw.randrange(60)
                query.append(("_since", f"2026-10-15T{hour}:{minute:02}:00Z"))
            level = "/Patient" if chance < 0.06 else "/Group/all" if chance < 0.12 else ""
            path = f"/fhir{level}/$export?{urlencode(query)}"
            return Ask(self._caller(), "GET", path, (("Prefer", "respond-async"),))
        if chance < 0.6:
            return Ask(self._caller(), "GET", JOB, slot=slot)
        if chance < 0.97:
            return Ask(self._caller(), "GET", f"{JOB}/{self._kind()}.ndjson", slot=slot)
        return Ask(self._caller(), "DELETE", JOB, slot=slot)

    def _odd(self) -> Ask:
        kind = self._kind()
        record = f"/fhir/{kind}/{self._id(kind)}"
        method, path = self.draw.choice(
            (
                ("HEAD", record),
                ("OPTIONS", record),
                ("DELETE", record),
                ("PATCH", record),
                ("GET", f"{record}/_history"),
                ("GET", f"{record}/_history/1"),
                ("GET", f"{record}/$everything"),
                ("GET", f"/fhir/{kind}/_history"),
                ("GET", f"/fhir/?_type={kind}"),
                ("GET", f"/fhir/{kind}/{quote('../' + self._id(kind), safe='')}"),
                ("GET", "/fhir/metadata"),
                ("GET", "/fhir/Task/$recalls"),
                ("GET", "/healthz"),
                ("PUT", f"/fhir/{kind}?identifier=R-20"),
            )
        )
        return Ask(self._caller(), method, path)

    def _school(self) -> Ask:
        if self.trio.view.staff and self.draw.random() < 0.5:
            staff = self.draw.choice(self.trio.view.staff)
            return Ask("", "GET", self.draw.choice(_PAGES), staff=staff)
        path = self.draw.choice(("/school/follow-up", "/school/follow-up.csv", "/portal/board"))
        return Ask(self._caller(), "GET", path)
