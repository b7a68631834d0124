"""The hub collects from bridges that run: many at once, again after a kill, nothing unlooked at."""

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.hub.collection import AlreadyCollecting, Collection
from bridge.hub.rows import RowRefused
from bridge.identity import Registration, register_client
from bridge.identity.signing import SigningKey
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.journeys.partners import collect_rows
from bridge.journeys.partners.collect_rows import Wanted, collect_all
from bridge.journeys.running.set_up import designate
from bridge.outbound import BackendClient, Manifest, OutboundError, Partner
from bridge.parts import parts_of
from bridge.store.database.engine import write
from bridge.store.directory import agreements
from mappings.language import Mapped
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.support.hostile_server import hostile, says
from tests.support.nursery import born
from tests.support.worlds import HARBOR, LEA, Json, referral, standings

KEY = SigningKey.generate()
FEW = 5
CUTTING = (sys.executable, str(Path(__file__).parents[2] / "faults" / "cutting_server.py"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A bridge that serves, with a few referrals, that the hub is registered at."""
    made = make_deployment(
        tmp_path_factory.mktemp("collect") / "home", "sqlite:///bridge.db", referrals=FEW
    )
    bridge = made.open()
    registration = Registration("state-hub", standings()["state-hub"], jwks=KEY.public_jwks())
    with write(bridge.engine) as connection:
        register_client(connection, registration, bridge.clock)
        (agreement,) = agreements(connection)
    for fact in ("audit_eval_agreement", "state_mandate"):
        designate(parts_of(bridge), agreement.id, fact)
    bridge.engine.dispose()
    made.program = CUTTING
    server = made.start()
    made.wait(server)
    yield made
    kill(server)


def client_of(base_url: str) -> BackendClient:
    partner = Partner(f"{base_url}/fhir", "state-hub", "system/*.rs")
    return BackendClient(partner, KEY, SystemClock())


def collect(client: object, folder: Path, *more: Any) -> dict[str, int]:  # noqa: ANN401 - as it takes
    """Collect with a client, or with what stands for one."""
    return collect_rows.collect(client, folder, *more)  # type: ignore[arg-type] # a double is no client


def rows(folder: Path, kind: str = "ServiceRequest") -> list[Json]:
    lines = (folder / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def refer_one_more(made: Deployment, number: int) -> None:
    bridge = made.open()
    parts, one = parts_of(bridge), referral(number)
    import_roster(parts, LEA, [Mapped(one.student, number)])
    ReferralImport(parts, LEA, HARBOR).run([Mapped(one, number)])
    bridge.engine.dispose()


@dataclass
class Counting:
    """A client that counts the files it asks for, and dies at one of them."""

    client: BackendClient
    dies_at: int = 0
    asked: int = 0
    counting: Lock = field(default_factory=Lock)

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def lines(self, url: str) -> Iterator[bytes]:
        with self.counting:
            self.asked += 1
            if self.asked == self.dies_at:
                raise KeyboardInterrupt
        return self.client.lines(url)


def test_a_collector_that_died_goes_on_with_the_files_it_had(
    running: Deployment, tmp_path: Path
) -> None:
    whole, died = tmp_path / "whole", tmp_path / "died"
    every = Counting(client_of(running.base_url))
    counts = collect(every, whole)
    assert every.asked > sum(1 for n in counts.values() if n)  # a type comes in several files
    first = Counting(client_of(running.base_url), dies_at=2)
    with pytest.raises(KeyboardInterrupt):
        collect(first, died)
    assert not list(died.glob("*.ndjson"))  # nothing half of it is shown
    again = Counting(client_of(running.base_url))
    assert collect(again, died) == counts
    assert again.asked == every.asked - (first.asked - 1)
    assert {p.name: p.read_bytes() for p in died.glob("*.ndjson")} == {
        p.name: p.read_bytes() for p in whole.glob("*.ndjson")
    }


def test_a_file_that_was_changed_after_it_was_fetched_is_fetched_again(
    running: Deployment, tmp_path: Path
) -> None:
    folder, every = tmp_path / "rows", Counting(client_of(running.base_url))
    collect(every, tmp_path / "whole")
    first = Counting(client_of(running.base_url), dies_at=2)
    with pytest.raises(KeyboardInterrupt):
        collect(first, folder)
    next((folder / "under-way").glob("*.ndjson")).write_bytes(b"{}\n")
    again = Counting(client_of(running.base_url))
    counts = collect(again, folder)
    assert again.asked == every.asked - (first.asked - 1) + 1
    assert len(rows(folder)) == counts["ServiceRequest"] >= FEW


@dataclass
class Losing:
    """A client whose connection loses the last row of one file, and nobody notices."""

    client: BackendClient
    of: str = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def lines(self, url: str) -> Iterator[bytes]:
        self.of = self.of or url
        lines = list(self.client.lines(url))
        return iter(lines[:-1] if url == self.of else lines)


def test_a_file_that_is_not_what_was_sent_is_not_kept(running: Deployment, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    with pytest.raises(RowRefused, match="says it sent"):
        collect(Losing(client_of(running.base_url)), folder)
    assert not list(folder.glob("*.ndjson"))
    again = Counting(client_of(running.base_url))
    assert collect(again, folder)["ServiceRequest"] >= FEW
    assert again.asked == 1


@dataclass
class Naming:
    """A client whose partner names each file again and again."""

    client: BackendClient
    asked: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def manifest(self, place: str) -> Manifest | None:
        made = self.client.manifest(place)
        return made and replace(made, files=made.files * 1000)

    def lines(self, url: str) -> Iterator[bytes]:
        self.asked += 1
        return self.client.lines(url)


def test_a_file_that_is_named_twice_is_not_fetched(running: Deployment, tmp_path: Path) -> None:
    naming = Naming(client_of(running.base_url))
    with pytest.raises(OutboundError, match="twice"):
        collect(naming, tmp_path / "rows")  # type: ignore[arg-type]
    assert naming.asked == 0


def test_files_that_are_not_named_any_more_are_not_kept(
    running: Deployment, tmp_path: Path
) -> None:
    folder, first = tmp_path / "rows", Counting(client_of(running.base_url), dies_at=3)
    with pytest.raises(KeyboardInterrupt):
        collect(first, folder)
    kept = json.loads((folder / "under-way" / "export.json").read_text())
    kept["fetched"]["0" * 16] = {"kind": "ServiceRequest", "rows": 1, "sha256": ""}
    (folder / "under-way" / "export.json").write_text(json.dumps(kept))
    (folder / "under-way" / f"{'0' * 16}.ndjson").write_text(json.dumps({"id": "gone"}) + "\n")
    assert collect(client_of(running.base_url), folder)["ServiceRequest"] >= FEW
    assert "gone" not in {row["id"] for row in rows(folder)}


@dataclass
class Meeting:
    """A client whose first file does not come before its second is asked for."""

    client: BackendClient
    first: Lock = field(default_factory=Lock)
    second: threading.Event = field(default_factory=threading.Event)

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def lines(self, url: str) -> Iterator[bytes]:
        if self.first.acquire(blocking=False):
            assert self.second.wait(timeout=20)
        self.second.set()
        return self.client.lines(url)


def test_files_are_fetched_a_few_at_once(running: Deployment, tmp_path: Path) -> None:
    collect(Meeting(client_of(running.base_url)), tmp_path / "rows")


def test_one_bridge_that_does_not_answer_neither_delays_nor_spoils_another(
    running: Deployment, tmp_path: Path
) -> None:
    held = threading.Event()

    def says_nothing(_connection: socket.socket) -> None:
        held.wait(30)

    with hostile(says_nothing) as silent, hostile(says(b"HTTP/1.1 500 No\r\n\r\n")) as broken:
        places = {
            "silent": f"http://127.0.0.1:{silent.port}",
            "broken": f"http://127.0.0.1:{broken.port}",
            "good": running.base_url,
        }
        asked = [(name, partial(client_of, url), Wanted()) for name, url in places.items()]
        done: list[object] = []
        thread = threading.Thread(target=lambda: done.extend(collect_all(asked, tmp_path)))
        thread.start()
        until = time.monotonic() + 20
        while not (tmp_path / "good" / "collected.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert (tmp_path / "good" / "collected.json").exists()
        assert thread.is_alive()  # the silent one is still waited for
        held.set()
    thread.join(timeout=90)
    told = {each.name: each for each in done}  # type: ignore[attr-defined] # each has a name
    assert told["good"].complete
    assert len(rows(tmp_path / "good")) >= FEW
    for name in ("silent", "broken"):
        assert not told[name].complete
        assert not list((tmp_path / name).glob("*.ndjson"))


def test_a_bridge_that_sends_what_nobody_thought_of_spoils_no_other(
    running: Deployment, tmp_path: Path
) -> None:
    def unheard_of(_: str) -> BackendClient:
        raise ZeroDivisionError

    asked = [("odd", partial(unheard_of, ""), Wanted())]
    asked.append(("good", partial(client_of, running.base_url), Wanted()))
    odd, good = collect_all(asked, tmp_path)
    assert good.complete
    assert odd.problem == "what it sent could not be taken: ZeroDivisionError"


def test_two_collectors_do_not_collect_from_one_bridge(running: Deployment, tmp_path: Path) -> None:
    with Collection(tmp_path / "rows").leased(), pytest.raises(AlreadyCollecting):
        collect(client_of(running.base_url), tmp_path / "rows")
    assert collect(client_of(running.base_url), tmp_path / "rows")


def test_a_run_since_the_last_adds_what_is_new(running: Deployment, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    before = collect(client_of(running.base_url), folder)["ServiceRequest"]
    refer_one_more(running, 900)
    changed = collect(client_of(running.base_url), folder, Wanted(since_last=True))
    assert changed["ServiceRequest"] == before + 1
    ids = [row["id"] for row in rows(folder)]
    assert len(ids) == len(set(ids)) == before + 1


def test_a_group_alone_is_collected_and_what_comes_of_it_is_told(
    running: Deployment, tmp_path: Path
) -> None:
    came: list[tuple[str, int]] = []
    watched = (Wanted(group="all"), lambda *each: came.append(each))
    counts = collect(client_of(running.base_url), tmp_path / "rows", *watched)
    assert counts["ServiceRequest"] >= FEW
    assert ("ServiceRequest", counts["ServiceRequest"]) in came
    with pytest.raises(OutboundError, match="404"):
        collect(client_of(running.base_url), tmp_path / "none", Wanted(group="another"))


def test_the_command_collects_from_a_list_and_its_exit_code_tells_of_a_part(
    running: Deployment, tmp_path: Path
) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    _keep_key(hub)
    file = tmp_path / "bridges.toml"
    table = '[bridge.{}]\nfhir-base = "{}/fhir"\nclient-id = "state-hub"\n'
    file.write_text(table.format("one", running.base_url) + table.format("two", running.base_url))
    words = ["hub", "collect", str(hub), "--bridges", str(file), "--json"]
    assert born(words, tmp_path / "log").wait(timeout=60) == 0, (tmp_path / "log").read_text()
    assert len(rows(hub / "rows" / "one")) == len(rows(hub / "rows" / "two")) >= FEW
    file.write_text(file.read_text() + table.format("three", "http://127.0.0.1:9"))
    assert born(words, tmp_path / "log").wait(timeout=60) == 1
    assert '"problem"' in (tmp_path / "log").read_text()


def _keep_key(hub: Path) -> None:
    kept = {"kid": KEY.kid, "pem": KEY.pem.decode(), "alg": KEY.algorithm}
    (hub / "key.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    "kills", [pytest.param(4, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.faults)]
)
def test_a_collector_that_is_killed_anywhere_ends_with_the_same_rows(
    running: Deployment, tmp_path: Path, kills: int
) -> None:
    hub, dice = tmp_path / "hub", random.Random(kills)  # noqa: S311 - repeatable, not secret
    hub.mkdir()
    _keep_key(hub)
    expected = tmp_path / "expected"
    collect(client_of(running.base_url), expected)
    base = f"{running.base_url}/fhir"
    words = ["hub", "collect", str(hub), "--fhir-base", base, "--client-id", "state-hub"]
    for _ in range(kills):
        process = born(words, tmp_path / "log")
        time.sleep(dice.uniform(0, 0.5))
        kill(process)
        for file in (hub / "rows" / "bridge").glob("*.ndjson"):  # whole or not there
            assert file.read_bytes() == (expected / file.name).read_bytes()
    assert born(words, tmp_path / "log").wait(timeout=60) == 0
    assert rows(hub / "rows" / "bridge") == rows(expected)
