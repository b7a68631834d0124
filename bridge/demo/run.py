"""The three journeys on bundled data, with every party a process or a client of its own."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

from bridge.app import open_bridge
from bridge.clock import SystemClock
from bridge.context import Bridge
from bridge.demo import provider_ehr, school_system
from bridge.demo.issuer import PATH as ISSUER_PATH
from bridge.demo.school_system import fetch_board, fetch_follow_up
from bridge.gate import agreements_of
from bridge.identity import (
    Caller,
    Party,
    Registration,
    Standing,
    mint_staff_code,
    read_scopes,
    register_client,
)
from bridge.identity.signing import SigningKey
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.files.import_sessions import import_sessions
from bridge.journeys.partners.collect_rows import collect, count_table
from bridge.journeys.running.set_up import AgreementDocuments, activate_agreement, designate
from bridge.ledger.append import logs
from bridge.ledger.check import verify_log
from bridge.outbound import BackendClient, Partner
from bridge.parts import parts_of
from bridge.settings import FILE_NAME, read_settings
from bridge.store.database.engine import read, write
from consent.mou import shipped_document
from mappings.language import Run, compile_map, load_map

LEA, PROVIDER, HUB = "millbrook", "harbor", "state-hub"
HUB_CLIENT = "state-hub"
START = "2026-11-23T14:00:00+00:00"
DATA = files("bridge.demo").joinpath("data")
_DIRECTORY = """
[directory.{lea}]
issuer = "{issuer}"
client_id = "schoolbridge-demo"

[directory.{lea}.roles]
"Counselor" = "counselor"
"School nurse" = "nurse"
"""


@dataclass
class Demo:
    """One demonstration in a folder of its own."""

    folder: Path
    database_url: str = "sqlite:///bridge.sqlite3"
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The deployment's folder."""
        return self.folder / "bridge"

    def run(self) -> dict[str, Any]:
        """Run all three journeys; returns what happened, as data."""
        bridge = self.set_up()
        self.import_school_files(bridge)
        server = self.start_server()
        try:
            self.provider_works(bridge)
            self.school_looks(bridge)
            self.hub_collects(bridge)
        finally:
            server.terminate()
            server.wait(timeout=20)
        self.account(bridge)
        bridge.engine.dispose()
        return self.report

    def set_up(self) -> Bridge:
        """Make the deployment, put the agreement to use, register the partners."""
        self.home.mkdir(parents=True)
        began = SystemClock().real_now().isoformat()
        port = _free_port()
        lines = {
            "database_url": self.database_url,
            "base_url": f"http://127.0.0.1:{port}",
            "host": "127.0.0.1",
            "port": port,
            "secret": secrets.token_urlsafe(48),
            "demo_start": START,
            "demo_began": began,
            "development_issuer": True,
        }
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
        text += _DIRECTORY.format(lea=LEA, issuer=f"{lines['base_url']}{ISSUER_PATH}")
        (self.home / FILE_NAME).write_text(text, encoding="utf-8")
        bridge = open_bridge(read_settings(self.home))
        documents = AgreementDocuments(
            shipped_document("xx-smh-template"),
            shipped_document("millbrook-harbor-2026"),
            "US-XX",
            LEA,
            PROVIDER,
            HUB,
        )
        agreement = activate_agreement(parts_of(bridge), documents)
        for fact in ("audit_eval_agreement", "state_mandate"):
            designate(parts_of(bridge), agreement, fact)
        self._register(bridge)
        return bridge

    def _register(self, bridge: Bridge) -> None:
        """Register each partner's system with its own public key."""
        self._python("bridge.demo.provider_ehr", "keys", str(self.folder / "provider"))
        jwks = json.loads((self.folder / "provider" / "jwks.json").read_text(encoding="utf-8"))
        (self.folder / "hub").mkdir()
        (self.folder / "school").mkdir()
        clients = (
            (provider_ehr.CLIENT_ID, provider_standing(), jwks),
            (school_system.CLIENT_ID, school_standing(), self._key("school").public_jwks()),
            (HUB_CLIENT, hub_standing(), self._key("hub").public_jwks()),
        )
        with write(bridge.engine) as connection:
            for client_id, standing, keys in clients:
                registration = Registration(client_id, standing, jwks=keys)
                register_client(connection, registration, bridge.clock)

    def _key(self, party: str) -> SigningKey:
        return SigningKey.load_or_generate(self.folder / party / "key.json")

    def import_school_files(self, bridge: Bridge) -> None:
        """Bring the district's files in: rosters, the template's referrals, the form's."""
        parts = parts_of(bridge)
        imports: list[dict[str, Any]] = []
        run = _run("aspen-students", {"roster": "millbrook-roster.csv"})
        roster = import_roster(parts, LEA, run)
        name = "millbrook-roster.csv"
        imports.append(_told(name, "aspen-students", run, roster.as_data(), roster.held))
        template, form = "schoolbridge-template", "somerville-mtss-form"
        asked = (
            (template, {"referrals": "millbrook-referrals.csv"}),
            (template, {"referrals": "millbrook-referrals.xlsx"}),
            (form, _FORM_FILES),
        )
        for map_id, roles in asked:
            run = _run(map_id, roles)
            rows = ReferralImport(parts, LEA, PROVIDER).run(run)
            name = next(iter(roles.values()))
            imports.append(_told(name, map_id, run, rows.as_data(), rows.held))
        self.report["imports"] = imports

    def start_server(self) -> subprocess.Popen[bytes]:
        """Start the server as its own process and wait until it answers."""
        command = [sys.executable, "-m", "bridge", "serve", "--home", str(self.home)]
        with (self.folder / "server.log").open("ab") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own
        # One client for all tries: each new one reads every certificate of the machine.
        with httpx.Client(base_url=read_settings(self.home).base_url, trust_env=False) as web:
            for _ in range(600):
                try:
                    if web.get("/healthz").status_code == 200:
                        return server
                except httpx.HTTPError:
                    time.sleep(0.05)
        server.kill()
        raise RuntimeError("the server did not start; see server.log")

    def provider_works(self, bridge: Bridge) -> None:
        """Let the provider's system do its work, then import the HL7 v2 file it left."""
        folder = self.folder / "provider"
        base = bridge.settings.fhir_base
        received = json.loads(self._python("bridge.demo.provider_ehr", "work", str(folder), base))
        compiled = compile_map(load_map("harbor-hl7v2"))
        run = compiled.run([folder / "messages.hl7"])
        report = import_sessions(parts_of(bridge), PROVIDER, run)
        told = _told("messages.hl7", "harbor-hl7v2", run, report.as_data(), report.held)
        self.report["imports"].append(told)
        self.report["provider"] = {"received": received}

    def school_looks(self, bridge: Bridge) -> None:
        """Let the district's system fetch the follow-up and a counsellor look at the board."""
        folder = self.folder / "school"
        rows = fetch_follow_up(bridge.settings.base_url, self._key("school"), folder)
        with write(bridge.engine) as connection:
            code = mint_staff_code(connection, counselor_standing(), bridge.clock)
        fetch_board(bridge.settings.base_url, code, folder)
        found = json.loads((folder / "follow-up.json").read_text(encoding="utf-8"))
        statuses: dict[str, int] = {}
        for row in found["referrals"]:
            statuses[row["status"]] = statuses.get(row["status"], 0) + 1
        self.report["school"] = {"received": {"follow-up": rows}, "statuses": statuses}

    def hub_collects(self, bridge: Bridge) -> None:
        """Let the hub collect coded rows over Bulk Data and count them."""
        partner = Partner(bridge.settings.fhir_base, HUB_CLIENT, "system/*.rs")
        client = BackendClient(partner, self._key("hub"), SystemClock())
        rows = self.folder / "hub" / "rows"
        received = collect(client, rows)
        with read(bridge.engine) as connection:
            minimum = _minimum(connection)
        table = count_table([rows], minimum, rows.parent / "published.json")
        self.report["hub"] = {
            "received": received,
            "columns": list(table.columns),
            "table": [dict(row) for row in table.rows],
            "notes": list(table.notes),
        }

    def open_board(self) -> tuple[str, str, subprocess.Popen[bytes]]:
        """Start the server again and make a sign-in code for its status board."""
        server = self.start_server()
        bridge = open_bridge(read_settings(self.home))
        with write(bridge.engine) as connection:
            code = mint_staff_code(connection, counselor_standing(), bridge.clock)
        return f"{bridge.settings.base_url}/portal/sign-in", code, server

    def account(self, bridge: Bridge) -> None:
        """Say what was withheld from whom under which clause, and verify the ledger."""
        callers = [
            Caller("demo", standing)
            for standing in (provider_standing(), school_standing(), hub_standing())
        ]
        party_of = {PROVIDER: "provider", LEA: "school", HUB: "hub"}
        for row in bridge.gate.survey(callers):
            told = self.report[party_of[row.recipient]]
            kind = "may_see" if row.permitted else "withheld"
            entry = {"element": row.element, "count": row.count, "clause": row.clause}
            entry["flow" if row.permitted else "reason"] = row.reason
            told.setdefault(kind, []).append(entry)
        with read(bridge.engine) as connection:
            reports = [verify_log(connection, log) for log in logs(connection)]
        self.report["ledger"] = {
            r.log: {"entries": r.size, "root": r.root.hex(), "verified": r.sound} for r in reports
        }

    def write_out(self, out: Path) -> None:
        """Write what each party received, for others to check."""
        copies = (
            (self.folder / "provider" / "received", out / "provider"),
            (self.folder / "hub" / "rows", out / "hub"),
        )
        for source, target in copies:
            shutil.copytree(source, target, dirs_exist_ok=True)
        (out / "school").mkdir(parents=True, exist_ok=True)
        for name in ("follow-up.json", "follow-up.csv", "board.html"):
            shutil.copy(self.folder / "school" / name, out / "school" / name)
        table = json.dumps(self.report["hub"], indent=1)
        (out / "hub" / "table.json").write_text(table, encoding="utf-8")
        summary = json.dumps(self.report, indent=1, ensure_ascii=False)
        (out / "summary.json").write_text(summary, encoding="utf-8")

    @staticmethod
    def _python(module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own program
        if done.returncode != 0:
            raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
        return done.stdout


_FORM_FILES = {
    "form": "millbrook-mtss-form.csv",
    "roster": "millbrook-roster.csv",
    "office": "millbrook-office.csv",
}


def provider_standing() -> Standing:
    """Return what the provider's system is registered as."""
    scopes = read_scopes("system/*.rs system/Task.u system/Encounter.c")
    return Standing(Party.PROVIDER, PROVIDER, "", "intake", ("refer",), scopes)


def school_standing() -> Standing:
    """Return what the district's system is registered as."""
    scopes = read_scopes("system/Task.rs")
    return Standing(Party.LEA, LEA, "", "referral_coordinator", ("follow",), scopes)


def counselor_standing() -> Standing:
    """Return what a counsellor signs in as."""
    return Standing(Party.LEA, LEA, "", "counselor", ("follow",))


def hub_standing() -> Standing:
    """Return what the state hub is registered as."""
    scopes = read_scopes("system/Organization.rs system/ServiceRequest.rs system/Encounter.rs")
    return Standing(Party.HUB, HUB, "", "loader", ("report",), scopes)


def _run(map_id: str, roles: dict[str, str]) -> Run:
    compiled = compile_map(load_map(map_id))
    return compiled.run({role: Path(str(DATA.joinpath(name))) for role, name in roles.items()})


def _told(
    name: str, map_id: str, run: Run, counts: dict[str, object], held: list[Any]
) -> dict[str, Any]:
    rows = [{"row": h.origin.row, "reasons": list(h.texts)} for h in held]
    report = run.report
    return {
        "file": name,
        "map": map_id,
        **counts,
        "read": report.read,
        "mapped": report.mapped,
        "duplicates": report.duplicates,
        "match_rates": {role: list(rate) for role, rate in report.match_rates.items()},
        "held_rows": rows,
    }


def _minimum(connection: Any) -> int:  # noqa: ANN401 - a database connection
    bound = agreements_of(connection, "hub", HUB)
    return max(a.agreement.small_cell.min_n for a in bound)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
