"""A deployment served by a process of its own, for clients that nobody here wrote."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bridge.app import create_app
from bridge.context import Bridge
from bridge.identity import Registration, register_client
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.parts import parts_of
from bridge.store.database.engine import write
from mappings.canonical import Referral
from mappings.language import Mapped
from tests.faults.deployment import Deployment, make_deployment
from tests.support.assertions import ec_jwk, number, rsa_jwk
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    Json,
    Web,
    World,
    client_key,
    encounter,
    form_education,
    form_health,
    post_session,
    put_task,
    referral,
    standings,
)

VISIBLE, HIDDEN = range(5), range(5, 7)
PENDING = (form_education(answer="pending"), form_health(answer="pending"))
SESSION = "contract-1"
CUTTING = (sys.executable, str(Path(__file__).parents[1] / "faults" / "cutting_server.py"))


@dataclass(frozen=True)
class Partner:
    """A registered client with a key of its own, kept where its program finds it."""

    client_id: str
    keys: Path

    @classmethod
    def made(cls, client_id: str, algorithm: str, folder: Path) -> "Partner":
        """Make a key and write it as a private JWK Set, as client programs read it."""
        private = _rsa(client_id) if algorithm == "RS384" else _ec(client_id)
        use = {"alg": algorithm, "key_ops": ["sign"]}
        keys = folder / f"{client_id}.jwks"
        keys.write_text(json.dumps({"keys": [private | use]}), encoding="utf-8")
        return cls(client_id, keys)

    @property
    def public(self) -> Json:
        """The JWK Set to register: without the private members."""
        (key,) = json.loads(self.keys.read_text(encoding="utf-8"))["keys"]
        secret = ("d", "p", "q", "dp", "dq", "qi", "key_ops")
        return {"keys": [{name: key[name] for name in key if name not in secret}]}


def _rsa(kid: str) -> dict[str, Any]:
    key = rsa.generate_private_key(65537, 2048)
    parts = key.private_numbers()
    secret = {"d": parts.d, "p": parts.p, "q": parts.q}
    secret |= {"dp": parts.dmp1, "dq": parts.dmq1, "qi": parts.iqmp}
    return rsa_jwk(key, kid) | {name: number(value) for name, value in secret.items()}


def _ec(kid: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP384R1())
    return ec_jwk(key, kid) | {"d": number(key.private_numbers().private_value, 48)}


@dataclass(frozen=True)
class Served:
    """A running bridge with five referrals that the provider may see and two it may not."""

    deployment: Deployment
    ids: Mapping[str, tuple[str, ...]]
    hidden: Mapping[str, tuple[str, ...]]
    partners: Mapping[str, Partner]

    @property
    def fhir(self) -> str:
        """The address of the FHIR service."""
        return f"{self.deployment.base_url}/fhir"

    def another_session(self, key: str) -> None:
        """Let the provider record one more session of the first referral."""
        bridge = self.deployment.open()
        web = _web(bridge)
        task = web.get(f"/fhir/Task/{self.ids['Task'][0]}").json()
        assert post_session(web, encounter(task, key)).status_code == 201
        bridge.engine.dispose()

    def stored(self, kind: str, record_id: str) -> Json:
        """Return a record as it is stored, past server and gate."""
        bridge = self.deployment.open()
        found = World(bridge, bridge.clock, None, "", Web(None)).stored(kind, record_id)
        bridge.engine.dispose()
        return found


@contextmanager
def served(home: Path, database_url: str, clients: Mapping[str, str]) -> Iterator[Served]:
    """Serve a deployment; ``clients`` says what each signs with."""
    deployment = make_deployment(home, database_url)
    deployment.program = CUTTING
    partners = {name: Partner.made(name, how, home) for name, how in clients.items()}
    bridge = deployment.open()
    _register(bridge, partners)
    _refer(bridge, [*map(referral, VISIBLE), *(referral(n, releases=PENDING) for n in HIDDEN)])
    _one_session(bridge)
    ids, hidden = _ids(bridge, VISIBLE), _ids(bridge, HIDDEN)
    bridge.engine.dispose()
    server = deployment.start()
    try:
        deployment.wait(server)
        yield Served(deployment, ids, hidden, partners)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _register(bridge: Bridge, partners: Mapping[str, Partner]) -> None:
    with write(bridge.engine) as connection:
        for partner in partners.values():
            standing = standings()["harbor-ehr"]
            asked = Registration(partner.client_id, standing, jwks=partner.public)
            register_client(connection, asked, bridge.clock)


def _refer(bridge: Bridge, rows: list[Referral]) -> None:
    parts = parts_of(bridge)
    import_roster(parts, LEA, [Mapped(r.student, r.origin.row) for r in rows])
    ReferralImport(parts, LEA, HARBOR).run([Mapped(r, r.origin.row) for r in rows])


def _one_session(bridge: Bridge) -> None:
    """Let the provider accept the first referral and record a session."""
    web = _web(bridge)
    task = web.get(f"/fhir/Task/{_ids(bridge, VISIBLE)['Task'][0]}").json()
    consent = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    assert put_task(web, task, "accepted", extension=consent).status_code == 200
    assert post_session(web, encounter(task, SESSION)).status_code == 201


def _web(bridge: Bridge) -> Web:
    app = create_app(bridge)
    world = World(bridge, bridge.clock, app, "", Web(app))
    place = f"{bridge.settings.base_url}/auth/token"
    signed = client_key().assertion("harbor-ehr", place, bridge.clock.real_now())
    return Web(app, world.ask_token(signed).json()["access_token"])


def _ids(bridge: Bridge, numbers: range) -> dict[str, tuple[str, ...]]:
    world = World(bridge, bridge.clock, None, "", Web(None))
    kinds = ("Task", "ServiceRequest")
    found = {kind: tuple(world.id_of(kind, f"R-{n}") for n in numbers) for kind in kinds}
    asked = (world.stored("ServiceRequest", each) for each in found["ServiceRequest"])
    patients = (each["subject"]["reference"].removeprefix("Patient/") for each in asked)
    return found | {"Patient": tuple(patients)}
