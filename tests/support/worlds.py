"""A whole bridge in one process: agreements in use, referrals, registered clients, real tokens.

Time stands still until a test moves it. Every person is made up.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy import make_url, text

from bridge.app import create_app
from bridge.clock import Clock, FixedClock
from bridge.context import Bridge
from bridge.gate import Gate
from bridge.identifiers import Identifiers
from bridge.identity import Caller, Party, Registration, Standing, read_scopes, register_client
from bridge.identity.signing import SigningKey
from bridge.journeys.files.import_referrals import ImportReport, ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement, designate
from bridge.migrations.state import create
from bridge.outbound import Fetching, Outgoing
from bridge.parts import Parts, parts_of
from bridge.schema import metadata
from bridge.settings import MOST_EXPORTS, Settings
from bridge.store.database.engine import open_engine, read, write
from bridge.text_gateways import TextGateway
from consent.mou import read_template, seal, shipped_document
from mappings.canonical import (
    Coded,
    Guardian,
    Referral,
    Release,
    Screening,
    SourceRow,
    Student,
)
from mappings.language import Mapped
from tests.support.compiled import share_compiled, share_routes
from tests.support.usual_world import HOLDS_IT, Edit, copied

NOW = datetime(2026, 10, 15, 14, tzinfo=UTC)
BASE = "http://bridge.test"
FHIR = f"{BASE}/fhir"
TOKEN_URL = f"{BASE}/auth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CARE_CONSENT = "https://schoolbridge.example/fhir/StructureDefinition/care-consent"
SESSIONS = "https://harbor.example/sessions"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
FIRST = "millbrook-harbor-2026"
LEA, HARBOR, COVE, HUB = "millbrook", "harbor", "cove", "state-hub"
Json = dict[str, Any]


@cache
def client_key() -> SigningKey:
    """One key for all clients of all worlds."""
    return SigningKey.generate()


def form_education(**changes: object) -> Release:
    signed = Release(
        "education",
        "signed",
        "Max Winterbourne",
        Coded("FTH", "father"),
        date(2026, 9, 1),
        date(2027, 6, 30),
        ("referral",),
        "refer",
        "provider",
        "lea",
        ("condition", "redisclosure", "revoke"),
    )
    return replace(signed, **changes)


def form_health(**changes: object) -> Release:
    back = {"form": "health", "elements": ("status",), "purpose": "follow"}
    parties = {"recipient": "lea", "discloser": "provider"}
    return replace(form_education(), **(back | parties | changes))


def referral(number: int, **changes: Any) -> Referral:  # noqa: ANN401 - fields of the record
    """Return the referral of the n-th student; changes to ``student`` are given as a mapping."""
    student = Student(
        str(1000 + number),
        "Winterbourne",
        f"Child{number}",
        date(2012, 3, 4),
        sex=Coded("female", "F"),
        school="north-middle",
        enrolled=True,
    )
    student = replace(student, **changes.pop("student", {}))
    made = Referral(
        f"R-{number}",
        date(2026, 9, 2),
        student,
        Coded("urgent", "Urgent"),
        (Coded("anxiety", "Anxiety"),),
        SourceRow("test-form", "referrals.csv", number + 2, f"R-{number}"),
        description="Cries in class.",
        screenings=(Screening(Coded("phq-9", "PHQ-9"), Decimal(12), date(2026, 9, 1)),),
        guardian=Guardian("Max Winterbourne", Coded("FTH", "father"), phone="555-0100"),
        releases=(form_education(), form_health()),
        attendance_percent=Decimal(91),
        discipline_count=2,
    )
    return replace(made, **changes)


@dataclass
class Web:
    """Requests to one application, with the token of one client."""

    app: Any
    token: str = ""

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        return asyncio.run(self._send(method, path, how))

    async def _send(self, method: str, path: str, how: Json) -> httpx.Response:
        headers = dict(how.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        inside = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=inside, base_url=BASE) as client:
            return await client.request(method, path, headers=headers, **how)

    def get(self, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        return self.send("GET", path, **how)

    def found(self, path: str) -> list[Json]:
        """Search, following every next link; returns the matches."""
        matches: list[Json] = []
        while path:
            bundle = self.get(path).json()
            entries = bundle.get("entry", [])
            matches += [e["resource"] for e in entries if e["search"]["mode"] == "match"]
            path = {link["relation"]: link["url"] for link in bundle["link"]}.get("next", "")
        return matches


@dataclass
class World:
    """One bridge and what is known of it."""

    bridge: Bridge
    clock: Any
    app: Any
    agreement: str
    anonymous: Web
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Parts:
        return parts_of(self.bridge)

    def refer(self, referrals: Iterable[Referral], provider: str = HARBOR) -> ImportReport:
        """Put students on the roster and import their referrals."""
        rows = list(referrals)
        enrolled = [Mapped(r.student, r.origin.row) for r in rows if r.student.enrolled]
        import_roster(self.parts, LEA, enrolled)
        mapped = [Mapped(r, r.origin.row) for r in rows]
        return ReferralImport(self.parts, LEA, provider).run(mapped)

    def id_of(self, kind: str, number: str, provider: str = HARBOR) -> str:
        return self.bridge.identifiers.issue(LEA, provider, kind, number)

    def web(self, client_id: str = "harbor-ehr", scope: str = "system/*.cruds") -> Web:
        """Return the web as a client with a fresh token sees it."""
        answer = self.ask_token(client_key().assertion(client_id, TOKEN_URL, self.clock.now()))
        assert answer.status_code == 200, answer.text
        if scope != "system/*.cruds":
            signed = client_key().assertion(client_id, TOKEN_URL, self.clock.now())
            answer = self.ask_token(signed, scope)
        return Web(self.app, answer.json()["access_token"])

    def ask_token(self, assertion: str, scope: str = "system/*.cruds") -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.anonymous.send("POST", "/auth/token", content=urlencode(form), headers=kind)

    def counts(self) -> dict[str, int]:
        """Return the rows of every table."""
        with read(self.bridge.engine) as connection:
            return {
                name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 - names of ours
                for name in metadata.tables
            }

    def stored(self, kind: str, record_id: str) -> Json:
        """Return a record as it is stored, past the gate."""
        query = text("SELECT body FROM record WHERE type = :kind AND id = :id")
        with read(self.bridge.engine) as connection:
            found = connection.execute(query, {"kind": kind, "id": record_id}).scalar_one()
        return dict(json.loads(found))


def make_world(
    url: str, home: Path, clock: Clock | None = None, edit: Mapping[str, str] | None = None
) -> World:
    """Make a bridge with a district, two providers and a hub; no referrals yet.

    ``edit`` says what the template reads instead; the jurisdiction is the template's own. Where
    no clock is given, a SQLite file is copied from one made before.
    """
    there = url in HOLDS_IT
    if clock is None and not there:
        there = copied(make_url(url), _make_usual, tuple((edit or {}).items()))
    fixed = clock or FixedClock(NOW)
    secret, texts = (
        "a secret of this test alone, " * 2,
        TextGateway("http://127.0.0.1:9/", token="t"),
    )
    settings = Settings(home, url, BASE, "127.0.0.1", 0, secret, text=texts)
    # Clocks of tests stand still: no export expires.
    settings = replace(settings, exports_per_client=MOST_EXPORTS)
    engine = share_compiled(open_engine(url))
    names = Identifiers(settings.secret)
    # Partners' servers are on this machine, as in a demonstration.
    outgoing = Outgoing(loopback=True)
    calls = {"fetching": Fetching(outgoing), "notifying": outgoing}
    bridge = Bridge(settings, engine, fixed, names, Gate(engine, fixed, names), **calls)
    if there:
        assert clock is None, "the world that is there was made by another clock"
        assert not edit or url not in HOLDS_IT, "the world that is there is as the template has it"
    else:
        _fill(bridge, edit or {})
    app = share_routes(create_app(bridge))
    return World(bridge, fixed, app, FIRST, Web(app))


def _make_usual(url: str, home: Path, edit: Edit) -> None:
    make_world(url, home, FixedClock(NOW), dict(edit)).bridge.engine.dispose()


def _fill(bridge: Bridge, edit: Mapping[str, str]) -> None:
    create(bridge.engine)
    _agreements(parts_of(bridge), edit)
    with write(bridge.engine) as connection:
        for client_id, standing in standings().items():
            jwks = client_key().public_jwks()
            register_client(connection, Registration(client_id, standing, jwks), bridge.clock)


def _agreements(parts: Parts, edit: Mapping[str, str]) -> None:
    template = shipped_document("xx-smh-template")
    first = shipped_document(FIRST)
    if edit:
        words = template.decode()
        for old, new in edit.items():
            assert old in words, "an edit must change something"
            words = words.replace(old, new)
        template = words.encode()
        first = seal(first, read_template(template, "template"))
    jurisdiction = _jurisdiction(template)
    second = first.replace(b"millbrook-harbor-2026", b"millbrook-cove-2026")
    second = second.replace(b"Harbor Family Centers", b"Cove Counseling")
    for document, provider in ((second, COVE), (first, HARBOR)):
        asked = AgreementDocuments(template, document, jurisdiction, LEA, provider, HUB)
        used = activate_agreement(parts, asked)
        designate(parts, used, "audit_eval_agreement")
        designate(parts, used, "state_mandate")


@cache
def _jurisdiction(template: bytes) -> str:
    return read_template(template, "template").jurisdiction


def standings() -> dict[str, Standing]:
    """What each client of a world is registered as."""
    written = "Encounter Appointment HealthcareService Location Practitioner PractitionerRole"
    writes = " ".join(f"system/{kind}.cu" for kind in written.split())
    kept = "system/Subscription.cruds"
    provider = read_scopes(f"system/*.rs system/Task.u {kept} {writes}")
    hub = read_scopes("system/ServiceRequest.rs system/Encounter.rs")
    school = read_scopes(f"system/Task.crs {kept}")
    return {
        "harbor-ehr": Standing(Party.PROVIDER, HARBOR, "", "intake", ("refer",), provider),
        "cove-ehr": Standing(Party.PROVIDER, COVE, "", "intake", ("refer",), provider),
        "state-hub": Standing(Party.HUB, HUB, "", "loader", ("report",), hub),
        "other-hub": Standing(Party.HUB, HUB, "", "loader", ("report",), hub),
        "millbrook-sis": Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",), school),
    }


def caller(client_id: str = "harbor-ehr") -> Caller:
    return Caller(client_id, standings()[client_id])


def moved(task: Json, status: str, **more: object) -> Json:
    """Return a Task as a provider sends it to move it on."""
    needed: Json = {}
    if status in ("rejected", "cancelled", "on-hold", "failed"):
        needed["statusReason"] = {"text": "No place is free"}
    if status == "completed":
        outcome = {"text": "Last session"}
        needed["output"] = [{"type": outcome, "valueReference": task["focus"]}]
    return {**task, "status": status, **needed, **more}


def put_task(web: Web, task: Json, status: str, **more: object) -> httpx.Response:
    """Move a Task on from the version that was read."""
    etag = f'W/"{task["meta"]["versionId"]}"'
    body = moved(task, status, **more)
    return web.send("PUT", f"/fhir/Task/{task['id']}", json=body, headers={"If-Match": etag})


def encounter(task: Json, key: str, **changes: object) -> Json:
    """Return a session that answers a Task, as a provider sends it."""
    snomed = {"system": "http://snomed.info/sct", "code": "18512000"}
    ours = "https://schoolbridge.example/fhir/CodeSystem/modalities"
    made: Json = {
        "resourceType": "Encounter",
        "meta": {"security": [{"system": ACT_CODE, "code": "MH"}]},
        "identifier": [{"system": SESSIONS, "value": key}],
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "FLD"},
        "type": [{"coding": [snomed, {"system": ours, "code": "individual"}], "text": "Session"}],
        "subject": task["for"],
        "basedOn": [task["focus"]],
        "period": {"start": "2026-10-05T13:00:00-04:00", "end": "2026-10-05T13:45:00-04:00"},
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def post_session(
    web: Web, resource: Mapping[str, object], repeat: str | None = None
) -> httpx.Response:
    headers = {"If-None-Exist": f"identifier={SESSIONS}|{repeat}"} if repeat else {}
    return web.send("POST", f"/fhir/{resource['resourceType']}", json=resource, headers=headers)
