"""What providers say of their services and whether there is room: the directory, by the gate."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from bridge.gate import Gate, Query
from bridge.identity import Caller, read_scopes
from bridge.journeys.work_list import HasGate
from mappings.fhir.healthcare_service import CAPACITY, WAIT_DAYS

_DIRECTORY: Final = read_scopes("system/HealthcareService.rs")
_MOST: Final = 1000


def offered_services(whole: HasGate, caller: Caller) -> dict[str, list[Mapping[str, Any]]]:
    """Return name, capacity and days of waiting of each service, by the provider's id."""
    standing = replace(caller.standing, scopes=_DIRECTORY)
    gate: Gate = whole.gate
    asking = Caller(caller.client_id, standing)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for match in gate.search(asking, Query("HealthcareService", limit=_MOST)).matches:
        service = orjson.loads(match.body)
        if service.get("active") and "providedBy" in service:
            owner = str(service["providedBy"]["reference"]).partition("/")[2]
            found.setdefault(owner, []).append(_said(service))
    return found


def _said(service: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {each["url"]: each for each in service.get("extension", ())}
    parts = {each["url"]: each for each in said.get(CAPACITY, {}).get("extension", ())}
    concept = parts.get("capacityStatus", {}).get("valueCodeableConcept", {})
    code = next((each["code"] for each in concept.get("coding", ())), "")
    days = said.get(WAIT_DAYS, {}).get("valueUnsignedInt")
    return {"name": service.get("name", ""), "capacity": code, "wait_days": days}
