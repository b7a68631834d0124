"""Every route, as every caller, with every interaction and search parameter.

Each part of the sweep yields the requests one caller makes to some routes; the table of routes
names the part that calls each route.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import httpx
import orjson

from bridge.portal.assets import address_of
from bridge.store.search.index import INCLUDES, PARAMETERS, REVINCLUDES, ParameterKind
from tests.leaks.callers import CLIENTS, DISABLED, GARBAGE, NOBODY
from tests.leaks.canaries import Canaries
from tests.leaks.route_table import ROUTES
from tests.leaks.trio import Ask
from tests.support.stopping import requests_to_stop
from tests.support.subscribing import subscription
from tests.support.worlds import ASSERTION_TYPE, FHIR

CALLERS = (*CLIENTS, DISABLED, NOBODY, GARBAGE)
_JSON = (("Content-Type", "application/fhir+json"),)
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_NOT_OFFERED = ("_sort", "_has:Task:focus:status", "patient.name", "_text", "Status", "_ID")
_PATCH = (("Content-Type", "application/json-patch+json"),)
_CHUNK = 40
_PAGES = ("board", "board?language=es", "board.csv", "board.xlsx", "session", "help")
# Who sees nothing at all need not try every id.
_STEP = dict.fromkeys((DISABLED, NOBODY, GARBAGE, "stranger", "hub publisher"), 60)


@dataclass
class Sweep:
    """One caller's requests. ``found`` and ``answers`` grow as they are answered."""

    caller: str
    ids: Mapping[str, Sequence[str]]
    values: Mapping[tuple[str, str], Sequence[str]]
    sent: Canaries
    recalls: Sequence[str] = ()
    jobs: list[str] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def _get(self, path: str, *headers: tuple[str, str]) -> Ask:
        return Ask(self.caller, "GET", path, headers)

    def new(self, path: str) -> str:
        """Make a canary that is sent: none may come back, save in the link to the search itself."""
        return self.sent.new("sent", path)

    def public(self) -> Iterator[Ask]:
        for path in ("/healthz", "/fhir/metadata", "/fhir/openapi.json", address_of("style.css")):
            yield self._get(path)
        yield self._get("/fhir/.well-known/smart-configuration")
        yield self._get("/.well-known/jwks.json")
        for notice in ("ferpa.9933", "p2.notice", "none", self.new("notice")):
            yield self._get(f"/fhir/notices/{notice}")
        for name in ("concerns", "schoolbridge-template-1", self.new("table").casefold()):
            for kind in ("CodeSystem", "ValueSet", "ConceptMap"):
                yield self._get(f"/fhir/{kind}/{name}")
        for path in ("/docs", "/openapi.json", "/metrics", "/fhir", "/", f"/{self.new('path')}"):
            yield self._get(path)

    def tokens(self) -> Iterator[Ask]:
        forms = (
            {"grant_type": self.new("grant"), "client_assertion": self.new("assertion")},
            {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": f"{self.new('jwt')}.{self.new('jwt')}.{self.new('jwt')}",
                "client_id": self.new("client"),
                "scope": self.new("scope"),
            },
        )
        for path in ("/auth/token", "/auth/introspect", "/auth/revoke"):
            for form in forms:
                sent = {**form, "token": self.new("token")}
                yield Ask(self.caller, "POST", path, _FORM, urlencode(sent).encode())
            yield Ask(self.caller, "POST", path, _FORM, self.new("body").encode())

    def searches(self) -> Iterator[Ask]:
        for kind in (*PARAMETERS, "Flag", "AuditEvent", "CarePlan"):
            yield self._get(f"/fhir/{kind}")
            yield from self._by_parameter(kind)
            includes = [("_include", f"{kind}:{name}") for name in INCLUDES.get(kind, {})]
            yield self._get(f"/fhir/{kind}?{urlencode(includes)}")
            body = urlencode([("_count", "3"), *includes]).encode()
            yield Ask(self.caller, "POST", f"/fhir/{kind}/_search", _FORM, body)
            yield from self._shapes(kind)
            for name in _NOT_OFFERED:
                yield self._get(f"/fhir/{kind}?{urlencode({name: self.new('value')})}")
            yield self._get(f"/fhir/{kind}?{urlencode({self.new('parameter')[:30]: 'x'})}")
            yield self._get(f"/fhir/{kind}?_page={'A' * 72}")
            yield self._get(f"/fhir/{kind}?_count=1&_lastUpdated=gt2020-01-01T00:00:00Z")
        while self.pages:
            yield self._get(self.pages.pop())
        yield self._get("/fhir/Task/$recalls")
        yield self._get(f"/fhir/Task/$recalls?{urlencode({'x': self.new('value')})}")

    def _shapes(self, kind: str) -> Iterator[Ask]:
        for query in (
            "_summary=true",
            "_summary=text",
            "_summary=count",
            "_elements=text,note,description,identifier,name",
            "_sort=-_lastUpdated&_total=accurate&_count=2",
            "_count=0",
        ):
            yield self._get(f"/fhir/{kind}?{query}")
        for source, name in REVINCLUDES.get(kind, ()):
            yield self._get(f"/fhir/{kind}?_count=50&_revinclude={source}:{name}")
        for parameter in PARAMETERS.get(kind, ()):
            yield self._get(f"/fhir/{kind}?{parameter.name}:missing=true")
            if parameter.kind is ParameterKind.STRING:
                yield self._get(f"/fhir/{kind}?{parameter.name}:exact={self.new('text')}")

    def _by_parameter(self, kind: str) -> Iterator[Ask]:
        for parameter in PARAMETERS.get(kind, ()):
            for value in self.values.get((kind, parameter.name), ())[:2]:
                yield self._get(f"/fhir/{kind}?{urlencode({parameter.name: value})}")
        asked = [("status", self.new("query")), ("_count", "5")]
        yield self._get(f"/fhir/{kind}?{urlencode(asked)}")
        for some in _chunks(self.ids.get(kind, ())):
            yield self._get(f"/fhir/{kind}?_count=200&_id={','.join(some)}")

    def reads(self) -> Iterator[Ask]:
        for recall_id in self.recalls:
            yield self._get(f"/fhir/Task/recall-{recall_id}")
        for kind, ids in self.ids.items():
            for record_id in ids[:: _STEP.get(self.caller, 12)]:
                yield self._get(f"/fhir/{kind}/{record_id}")
                yield self._get(f"/fhir/{kind}/{record_id}/_history")
            if ids:
                yield self._get(f"/fhir/{kind}/{ids[0]}/_history/{self.new('version')[:-1]}")
                yield self._get(f"/fhir/{kind}/{ids[0]}?_summary=true")
                yield self._get(f"/fhir/{kind}/{ids[0]}", ("If-None-Match", self.new("tag")[:-1]))
                yield self._get(f"/fhir/{kind}/{ids[0]}?_elements=text")
                yield self._get(f"/fhir/{kind}/{ids[0]}/_history")
                for method in ("HEAD", "DELETE", "PATCH", "OPTIONS"):
                    yield Ask(self.caller, method, f"/fhir/{kind}/{ids[0]}")
            yield self._get(f"/fhir/{kind}/{self.new('id')[:-1]}")

    def batches(self) -> Iterator[Ask]:
        for kind, ids in self.ids.items():
            for some in _chunks(ids):
                urls = [*(f"{kind}/{i}" for i in some), f"{FHIR}/{kind}?_count=9"]
                entries = [{"request": {"method": "GET", "url": url}} for url in urls]
                yield self._batch(entries)
        odd = {"request": {"method": self.new("method"), "url": self.new("url")}}
        yield self._batch([odd, {"request": self.new("request")}, {"resource": self.new("none")}])
        yield Ask(self.caller, "POST", "/fhir", _JSON, self.new("not json").encode())

    def _batch(self, entries: list[dict[str, object]]) -> Ask:
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        return Ask(self.caller, "POST", "/fhir", _JSON, orjson.dumps(bundle))

    def writes(self) -> Iterator[Ask]:
        for record_id in self.ids["Task"]:
            place = f"/fhir/Task/{record_id}"
            wrong = (*_JSON, ("If-Match", f'W/"{self.new("etag")[:-1]}"'))
            yield Ask(self.caller, "PUT", place, wrong, self._task(record_id))
            right = (*_JSON, ("If-Match", self.tags.get(record_id, '"x"')))
            yield Ask(self.caller, "PUT", place, right, self._task(record_id))
            yield Ask(self.caller, "PUT", place, _JSON, b'{"' + self.new("broken").encode())
        for recall_id in self.recalls:
            place = f"/fhir/Task/recall-{recall_id}"
            tag = (*_JSON, ("If-Match", self.tags.get(f"recall-{recall_id}", self.new("tag")[:-1])))
            yield Ask(self.caller, "PUT", place, tag, self._task(recall_id))
        for record_id in self.ids["Task"][::4]:
            place, tag = f"/fhir/Task/{record_id}", ("If-Match", self.tags.get(record_id, '"x"'))
            operation = {"op": "replace", "path": "/description", "value": self.new("patch")}
            for patch in ([operation], [{**operation, "op": self.new("op")}], self.new("patch")):
                yield Ask(self.caller, "PATCH", place, (*_PATCH, tag), orjson.dumps(patch))
        yield from self._stops()
        yield self._transaction()
        for kind in ("Encounter", "HealthcareService", "Flag"):
            sent = {"resourceType": kind, "status": self.new("status"), self.new("name"): 1}
            yield Ask(self.caller, "POST", f"/fhir/{kind}/$validate", _JSON, orjson.dumps(sent))
            entry = {**sent, "identifier": [{"system": "urn:x", "value": self.new("entry")}]}
            yield Ask(self.caller, "POST", f"/fhir/{kind}", _JSON, orjson.dumps(entry))
        for kind in ("Encounter", "Appointment", "Patient"):
            yield Ask(self.caller, "POST", f"/fhir/{kind}", _JSON, self.new("no").encode())
            for body in self._sessions(kind):
                yield Ask(self.caller, "POST", f"/fhir/{kind}", _JSON, orjson.dumps(body))

    def _stops(self) -> Iterator[Ask]:
        for asked in requests_to_stop(self.ids["Task"][-1], self.new):
            yield Ask(self.caller, "POST", "/fhir/Task", _JSON, orjson.dumps(asked))

    def _transaction(self) -> Ask:
        """Make a transaction of which one entry is refused: nothing of the others may leave."""
        urls = [f"{kind}/{ids[0]}" for kind, ids in self.ids.items() if ids]
        entries: list[dict[str, object]] = [{"request": {"method": "GET", "url": u}} for u in urls]
        entries.append({"request": {"method": "GET", "url": f"Task/{self.new('id')[:-1]}"}})
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        return Ask(self.caller, "POST", "/fhir", _JSON, orjson.dumps(bundle))

    def _task(self, record_id: str) -> bytes:
        sent = {
            "resourceType": "Task",
            "id": record_id,
            "status": "completed",
            "intent": "order",
            "description": self.new("task.description"),
            "statusReason": {"text": self.new("task.statusReason")},
            "output": [{"type": {"text": "x"}, "valueReference": {"reference": self.new("ref")}}],
        }
        return orjson.dumps(sent)

    def _sessions(self, kind: str) -> Iterator[dict[str, object]]:
        for request, patient in zip(self.ids["ServiceRequest"], self.ids["Patient"], strict=False):
            yield {
                "resourceType": kind,
                "status": self.new("session.status"),
                "class": {"code": self.new("session.class")},
                "subject": {"reference": f"Patient/{patient}", "display": self.new("display")},
                "basedOn": [{"reference": f"ServiceRequest/{request}"}],
                "identifier": [{"system": "urn:x", "value": self.new("session.identifier")}],
                self.new("session.name"): {"deep": self.new("session.deep")},
            }

    def exports(self) -> Iterator[Ask]:
        ready = ("Prefer", "respond-async")
        for query in ("", f"?_type={self.new('type')}", f"?_typeFilter={self.new('filter')}"):
            yield self._get(f"/fhir/$export{query}", ready)
        yield self._get("/fhir/Patient/$export?_since=2026-01-01T00:00:00Z", ready)
        yield self._get(f"/fhir/Group/{self.new('group')}/$export", ready)
        yield self._get("/fhir/Group/all/$export")
        for path in ("", f"?_id={self.new('group')}", "/all", f"/{self.new('group')}"):
            yield self._get(f"/fhir/Group{path}")
        yield Ask(self.caller, "POST", "/fhir/Group/all/$export", (ready,))
        yield Ask(self.caller, "POST", "/fhir/Group/_search", _FORM, b"_id=all")
        for path in ("/fhir/$export", "/fhir/Patient/$export"):
            sent = {"name": self.new("parameter"), "valueString": self.new("value")}
            body = orjson.dumps({"resourceType": "Parameters", "parameter": [sent]})
            yield Ask(self.caller, "POST", path, (ready, *_JSON), body)
        for job in self.jobs:
            yield self._get(job)
            for kind in (*PARAMETERS, "OperationOutcome", "Flag"):
                yield self._get(f"{job}/{kind}.ndjson")
        for job in self.jobs[:1]:
            yield Ask(self.caller, "DELETE", job)
            yield self._get(job)

    def subscriptions(self) -> Iterator[Ask]:
        """Subscribe, and send what is refused: what is kept is the caller's own and comes back."""
        place, query = "/fhir/Subscription", self.new("query")
        yield Ask(
            self.caller, "POST", place, _JSON, orjson.dumps(subscription("https://x.example"))
        )
        for sent in (
            subscription(f"ftp://{self.new('endpoint')}"),
            subscription("https://x.example", f"Task?{self.new('filter')}=1"),
            subscription("https://x.example", topic=self.new("topic")),
            {**subscription("https://x.example"), self.new("element"): 1},
        ):
            yield Ask(self.caller, "POST", place, _JSON, orjson.dumps(sent))
        for path in ("", "/$status", f"?{query}=1", f"/$status?id={self.new('id')}"):
            yield self._get(f"{place}{path}")
        form = urlencode({"status": self.new("status")}).encode()
        yield Ask(self.caller, "POST", f"{place}/_search", _FORM, form)
        given = [{"name": "id", "valueId": self.new("id")}]
        body = orjson.dumps({"resourceType": "Parameters", "parameter": given})
        yield Ask(self.caller, "POST", f"{place}/$status", _JSON, body)
        for known in (*self.subscribed, self.new("id")[:-1]):
            for tail in ("", "/$status", "/$events", "/$events?eventsSinceNumber=1"):
                yield self._get(f"{place}/{known}{tail}")
            for tail in ("/$status", "/$events"):
                yield Ask(self.caller, "POST", f"{place}/{known}{tail}", _JSON, body)
            changed = orjson.dumps(subscription("https://x.example", id=known))
            tag = ("If-Match", 'W/"1"')
            yield Ask(self.caller, "PUT", f"{place}/{known}", (*_JSON, tag), changed)
            yield Ask(self.caller, "DELETE", f"{place}/{known}")

    def follow_up(self) -> Iterator[Ask]:
        yield self._get("/school/follow-up")
        yield self._get("/school/follow-up.csv")

    def portal(self) -> Iterator[Ask]:
        yield self._get("/portal/sign-in")
        yield self._get("/portal/board")
        yield self._get(f"/portal/sign-in/{self.new('district')}")
        answer = urlencode({"code": self.new("code"), "state": self.new("state")})
        yield self._get(f"/portal/callback?{answer}")
        code = urlencode({"code": self.new("code")}).encode()
        yield Ask(self.caller, "POST", "/portal/sign-in", _FORM, code)
        staff = self.caller if self.caller in ("counselor", "administrator") else ""
        if staff:
            for page in _PAGES:
                yield Ask("", "GET", f"/portal/{page}", staff=staff)
            for key in (f"{one}{page}" for one in self.keys for page in ("", "/withdraw")):
                yield Ask("", "GET", f"/portal/referral/{key}", staff=staff)
            yield from self._portal_forms(Ask("", "", "", staff=staff))
            yield Ask("", "POST", "/portal/sign-out", staff=staff)
            yield Ask("", "GET", "/portal/board", staff=staff)
        else:
            cookie = ("Cookie", f"schoolbridge_session={self.new('cookie')[:-1]}")
            yield from self._portal_forms(Ask(self.caller, "", "", (cookie,)))
            yield Ask(self.caller, "POST", "/portal/sign-out", (cookie,))

    def _portal_forms(self, by: Ask) -> Iterator[Ask]:
        """Ask for every other page of the portal, by ids nobody was given."""
        given = {"{key}": "0" * 32, "{draft_id}": "x" * 20, "{step}": "find", "{lang}": "es"}
        for row in ROUTES:
            if row.sweep == "portal" and "/sign-" not in row.path:
                path = re.sub(r"\{\w+\}", lambda m: given.get(m[0], "none-of-ours"), row.path)
                yield replace(by, method=row.method, path=path)

    def keep(self, ask: Ask, answer: httpx.Response) -> None:
        """Keep what later requests of this caller are made from."""
        if answer.status_code == 202 and "content-location" in answer.headers:
            self.jobs.append(httpx.URL(answer.headers["content-location"]).path)
        if answer.status_code == 201 and ask.path == "/fhir/Subscription":
            self.subscribed.append(answer.json()["id"])
        if ask.path == "/portal/board":
            self.keys += re.findall(r"/portal/referral/([0-9a-f]{32})", answer.text)
        if "etag" in answer.headers and ask.path.startswith("/fhir/Task/"):
            self.tags[ask.path.rpartition("/")[2]] = answer.headers["etag"]
        if answer.status_code == 200 and b'"relation":"next"' in answer.content:
            links = {link["relation"]: link["url"] for link in answer.json().get("link", ())}
            url = httpx.URL(links.get("next", "/"))
            if len(self.pages) < 30:
                self.pages.append(url.raw_path.decode())


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


PARTS: dict[str, Callable[[Sweep], Iterator[Ask]]] = {
    "public": Sweep.public,
    "tokens": Sweep.tokens,
    "searches": Sweep.searches,
    "reads": Sweep.reads,
    "batches": Sweep.batches,
    "exports": Sweep.exports,
    "subscriptions": Sweep.subscriptions,
    "follow_up": Sweep.follow_up,
    "writes": Sweep.writes,
    "portal": Sweep.portal,
}
