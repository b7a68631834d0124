"""Sessions a provider records of referrals it has accepted."""

import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.large_server import Large
from bridge.demo.provider_ehr import ACT_CODE, SESSION_SYSTEM, SNOMED

_MODALITIES = "https://schoolbridge.example/fhir/CodeSystem/modalities"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes requests, each with sessions nobody sent before."""

    tasks: Iterator[Json]

    def single(self) -> tuple[str, str, bytes]:
        """Return a request that records one."""
        return ("POST", "/fhir/Encounter", json.dumps(self._encounter()).encode())

    def ten(self) -> tuple[str, str, bytes]:
        """Return a transaction that records ten."""
        request = {"method": "POST", "url": "Encounter"}
        entries = [{"resource": self._encounter(), "request": request} for _ in range(10)]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        return ("POST", "/fhir", json.dumps(bundle).encode())

    def _encounter(self) -> Json:
        task = next(self.tasks)
        codes = [
            {"system": SNOMED, "code": "18512000"},
            {"system": _MODALITIES, "code": "individual"},
        ]
        return {
            "resourceType": "Encounter",
            "meta": {"security": [{"system": ACT_CODE, "code": "MH"}]},
            "identifier": [{"system": SESSION_SYSTEM, "value": secrets.token_hex(12)}],
            "status": "finished",
            "class": {"system": ACT_CODE, "code": "FLD"},
            "type": [{"coding": codes, "text": "Session"}],
            "subject": task["for"],
            "basedOn": [task["focus"]],
            "period": {"start": "2026-11-16T13:00:00-05:00", "end": "2026-11-16T13:45:00-05:00"},
        }


def sessions(large: Large) -> Sessions:
    """Find referrals to record sessions of."""
    pages = large.pages("/fhir/Task?_count=200", 2)
    tasks = [entry["resource"] for _, bundle in pages for entry in bundle["entry"]
             if entry["resource"]["resourceType"] == "Task"]  # fmt: skip
    return Sessions(itertools.cycle(tasks))
