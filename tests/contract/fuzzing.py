"""Letting schemathesis loose on a running bridge, by its OpenAPI description."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.contract.programs import ENVIRONMENT, NOWHERE, PROGRAMS
from tests.contract.serving import Served
from tests.support.worlds import Json


@dataclass(frozen=True)
class Fuzzed:
    """What a run came to, read from the events it wrote."""

    requests: int
    statuses: dict[int, int]
    checks: frozenset[str]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """One run: ``examples`` for each operation, of the paths that match, within some seconds."""

    examples: int
    seed: int
    paths: str = "."
    within: float = 100


def fuzz(bridge: Served, folder: Path, plan: Plan, wrong: tuple[str, str] = ("", "")) -> Fuzzed:
    """Run every check on what the server says of itself; ``wrong`` falsifies a word of that."""
    folder.mkdir(parents=True, exist_ok=True)
    events, described = folder / "events.ndjson", folder / "openapi.json"
    told = httpx.get(f"{bridge.fhir}/openapi.json", trust_env=False).text
    described.write_text(told.replace(*wrong) if all(wrong) else told, encoding="utf-8")
    command = [str(ENVIRONMENT / "bin" / "schemathesis")]
    command += ["--config-file", str(PROGRAMS / "schemathesis.toml"), "run"]
    command += [str(described), "--url", bridge.fhir, "--checks", "all", "--no-color"]
    command += ["--seed", str(plan.seed), "--max-examples", str(plan.examples)]
    command += ["--include-path-regex", plan.paths, "--continue-on-failure"]
    command += ["--report", "ndjson", "--report-ndjson-path", str(events)]
    command += ["--generation-database", "none", "--suppress-health-check", "all"]
    done = subprocess.run(  # noqa: S603 - the suite
        command,
        env=_told(bridge, folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=plan.within,
        cwd=folder,
    )
    assert events.exists(), f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    with events.open(encoding="utf-8") as lines:
        return _read(lines)


def _told(bridge: Served, folder: Path) -> dict[str, str]:
    ids = {kind: [*bridge.ids[kind], *bridge.hidden[kind]] for kind in bridge.ids}
    (folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}  # noqa: TID251 - a test's own
    proxies = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1"}
    return (
        known
        | proxies
        | {
            "SCHEMATHESIS_HOOKS": str(PROGRAMS / "schemathesis_hooks.py"),
            "KEYS": str(bridge.partners["schemathesis"].keys),
            "TOKEN_URL": f"{bridge.deployment.base_url}/auth/token",
            "IDS": str(folder / "ids.json"),
        }
    )


def _read(events: Iterable[str]) -> Fuzzed:
    """Count what was sent and collect what a check found wrong."""
    statuses, found, checks = Counter[int](), list[str](), Counter[str]()
    for line in events:
        event = json.loads(line)
        if "NonFatalError" in event or "FatalError" in event:
            found.append(line[:500])
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        sent = recorder.get("interactions", {})
        for each in sent.values():
            statuses[(each.get("response") or {}).get("status_code", 0)] += 1
        for case, results in recorder.get("checks", {}).items():
            checks.update(result["name"] for result in results)
            wrong = [result for result in results if result["status"] != "success"]
            found += [_said(sent.get(case, {}), result) for result in wrong]
    return Fuzzed(sum(statuses.values()), dict(statuses), frozenset(checks), tuple(found))


def _said(sent: Json, result: Json) -> str:
    request, answer = sent.get("request", {}), sent.get("response") or {}
    what = (result.get("failure_info") or {}).get("failure", {}).get("message", "")
    told = (result["name"], request.get("method"), request.get("uri"), answer.get("status_code"))
    return f"{told} {what}"[:500]
