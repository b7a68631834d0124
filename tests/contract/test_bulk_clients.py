"""Bulk Data clients that nobody here wrote export from a running bridge."""

import json
from pathlib import Path

import pytest

from tests.contract.programs import ENVIRONMENT, run
from tests.contract.serving import Served
from tests.support.worlds import Json

pytestmark = pytest.mark.xdist_group("contract")
TYPES = ("Patient", "ServiceRequest", "Encounter")


def exported(bridge: Served, out: Path, *options: str) -> dict[str, list[Json]]:
    """Let smart-fetch export in bulk; returns what its newest folder holds, by file."""
    partner, before = bridge.partners["smart-fetch"], set(out.glob("*/")) if out.exists() else set()
    program = (str(ENVIRONMENT / "bin" / "smart-fetch"), "export", "--export-mode", "bulk")
    who = ("--smart-client-id", partner.client_id, "--smart-key", str(partner.keys))
    what = ("--fhir-url", bridge.fhir, "--type", ",".join(TYPES), "--no-compression")
    run([*program, *who, *what, *options, str(out)], within=100)
    (made,) = set(out.glob("*/")) - before
    files = (path for path in made.glob("*.ndjson") if not path.stem.startswith("log"))
    return {path.stem: lines(path) for path in files}


def lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ids(found: dict[str, list[Json]], kind: str) -> list[str]:
    names = [name for name in found if name.split(".")[0] == kind]
    return sorted(str(row["id"]) for name in names for row in found[name])


def asked_for(out: Path) -> list[str]:
    """Return the addresses that the client's log says it began exports with."""
    logs = sorted(out.rglob("log.ndjson"))
    told = [json.loads(line) for path in logs for line in path.read_text("utf-8").splitlines()]
    return [t["eventDetail"]["exportUrl"] for t in told if t["eventId"] == "kickoff"]


@pytest.mark.parametrize("options", [(), ("--group", "all")], ids=["system", "group"])
def test_smart_fetch_exports_what_the_provider_may_see_and_nothing_else(
    on_sqlite: Served, tmp_path: Path, options: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    found = exported(on_sqlite, out, *options)
    for kind in ("Patient", "ServiceRequest"):
        assert ids(found, kind) == sorted(on_sqlite.ids[kind])
        assert len([name for name in found if name.split(".")[0] == kind]) > 1  # in several files
    text = json.dumps(found)
    assert not any(hidden in text for each in on_sqlite.hidden.values() for hidden in each)


def test_smart_fetch_comes_back_for_what_changed_since(on_sqlite: Served, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = exported(on_sqlite, out)
    on_sqlite.another_session("since-1")
    again = exported(on_sqlite, out, "--since", "auto", "--nickname", "later")
    assert "_since=" in asked_for(out)[-1]
    assert ids(again, "ServiceRequest") == []
    (new,) = ids(again, "Encounter")
    assert new not in ids(first, "Encounter")
