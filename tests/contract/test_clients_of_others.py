"""Clients that nobody here wrote work with a running bridge, each with a token of its own."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.contract.programs import ENVIRONMENT, node, python, run
from tests.contract.serving import SESSION, Served
from tests.support.worlds import SESSIONS, Json, encounter

pytestmark = pytest.mark.xdist_group("contract")
UNKNOWN = "0" * 64


def session_for(bridge: Served, key: str) -> str:
    """Return a session about the first referral, as a provider's system would send it."""
    kinds = ("Patient", "ServiceRequest")
    patient, request = ({"reference": f"{kind}/{bridge.ids[kind][0]}"} for kind in kinds)
    return json.dumps(encounter({"for": patient, "focus": request}, key))


def ids_of(resources: list[Json]) -> list[str]:
    return sorted(str(each["id"]) for each in resources)


def lines_of(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def tasks_of(told: Json) -> list[list[str]]:
    """Return the ids of the Tasks of each page, without the notices that ride with them."""
    pages = told["pages"]
    return [[each["id"] for each in page if each["resourceType"] == "Task"] for page in pages]


def keys_of(resource: Json) -> list[tuple[Any, Any]]:
    return [(each["system"], each["value"]) for each in resource["identifier"]]


def test_smart_fetch_crawls_what_the_provider_may_see_and_nothing_else(
    on_sqlite: Served, tmp_path: Path
) -> None:
    wanted, out = tmp_path / "ids.txt", tmp_path / "out"
    patients = (*on_sqlite.ids["Patient"], *on_sqlite.hidden["Patient"], UNKNOWN)
    wanted.write_text("\n".join(patients), encoding="utf-8")
    partner = on_sqlite.partners["smart-fetch"]
    program = (str(ENVIRONMENT / "bin" / "smart-fetch"), "export", "--export-mode", "crawl")
    who = ("--smart-client-id", partner.client_id, "--smart-key", str(partner.keys))
    where = ("--fhir-url", on_sqlite.fhir, "--id-file", str(wanted), "--no-compression")
    run([*program, *who, *where, str(out)])

    (crawl,) = (path for path in out.iterdir() if path.is_dir())
    found = {path.stem: lines_of(path) for path in crawl.glob("*.ndjson") if path.stem != "log"}
    assert ids_of(found["Patient"]) == sorted(on_sqlite.ids["Patient"])
    assert ids_of(found["ServiceRequest"]) == sorted(on_sqlite.ids["ServiceRequest"])
    assert [(SESSIONS, SESSION)] in [keys_of(each) for each in found["Encounter"]]
    assert {each["resourceType"] for each in found["Observation"]} == {"Observation"}
    assert len(found["Organization.referenced"]) > 1  # read one by one, from the references
    # The notices that ride along stand in an entry of mode outcome; the client files them here.
    notices = lines_of(crawl / "error" / "OperationOutcome.ndjson")
    assert {issue["severity"] for each in notices for issue in each["issue"]} == {"information"}
    text = "".join(path.read_text(encoding="utf-8") for path in crawl.rglob("*.ndjson"))
    assert not any(hidden in text for ids in on_sqlite.hidden.values() for hidden in ids)


def test_fhirclient_pages_includes_creates_and_maps_errors(on_postgres: Served) -> None:
    keys, session = on_postgres.partners["fhirclient"].keys, session_for(on_postgres, "fc-1")
    hidden = on_postgres.hidden["ServiceRequest"][0]
    asked = (on_postgres.fhir, str(keys), session, UNKNOWN, hidden)
    told = python("fhirclient_session.py", *asked)

    assert told["ready"] == [False, True]
    assert told["unauthorized"] == "FHIRUnauthorizedException"
    pages = tasks_of(told)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(chain(*pages)) == sorted(on_postgres.ids["Task"])
    requests = [each for each in told["included"] if each["resourceType"] == "ServiceRequest"]
    assert ids_of(requests) == sorted(on_postgres.ids["ServiceRequest"])
    absent, withheld = told["missing"]
    assert absent == withheld
    assert absent.startswith("FHIRNotFoundException")
    stored = on_postgres.stored("Encounter", told["created"]["id"])
    assert keys_of(stored) == [(SESSIONS, "fc-1")]


def test_fhirpy_follows_pages_and_references_and_maps_errors(on_postgres: Served) -> None:
    keys, session = on_postgres.partners["fhirpy"].keys, session_for(on_postgres, "fp-1")
    hidden = on_postgres.hidden["ServiceRequest"][0]
    asked = (on_postgres.fhir, str(keys), session, UNKNOWN, hidden)
    told = python("fhirpy_session.py", *asked)

    assert ids_of(told["tasks"]) == sorted(on_postgres.ids["Task"])
    assert ids_of(told["focus"]) == sorted(on_postgres.ids["ServiceRequest"])
    assert [(SESSIONS, SESSION)] in [keys_of(each) for each in told["sessions"]]
    assert told["kinds"] == ["OperationOutcome", "Patient", "Task"]
    assert told["read_again"] == told["created"]
    assert keys_of(on_postgres.stored("Encounter", told["created"]["id"])) == [(SESSIONS, "fp-1")]
    absent, withheld = told["missing"]
    assert absent == withheld
    assert absent.startswith("ResourceNotFound")
    assert told["stranger"].startswith("AuthorizationError")
    assert told["strict"].startswith("OperationOutcome")


def test_fhir_kit_client_discovers_pages_updates_and_sends_a_batch(on_sqlite: Served) -> None:
    keys, session = on_sqlite.partners["fhir-kit-client"].keys, session_for(on_sqlite, "fk-1")
    hidden = on_sqlite.hidden["ServiceRequest"][0]
    asked = (on_sqlite.fhir, str(keys), session, UNKNOWN, hidden)
    told = node("fhir_kit_client.mjs", *asked)

    assert told["tokenUrl"] == f"{on_sqlite.deployment.base_url}/auth/token"
    assert told["stranger"]["status"] == 401
    pages = tasks_of(told)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(chain(*pages)) == sorted(on_sqlite.ids["Task"])
    assert sorted(on_sqlite.ids["Task"]) == ids_of(told["posted"])
    assert told["updated"]["status"] == "accepted"
    assert on_sqlite.stored("Task", told["updated"]["id"])["status"] == "accepted"
    assert told["stale"]["status"] == 412
    answers = [each["response"]["status"][:3] for each in told["batch"]["entry"]]
    assert answers == ["200", "404"]
    stored = on_sqlite.stored("Encounter", told["created"]["id"])
    assert keys_of(stored) == [(SESSIONS, "fk-1")]
    absent, withheld = told["missing"]
    assert absent == withheld
    assert absent["status"] == 404
    assert absent["data"]["resourceType"] == "OperationOutcome"
    assert told["fhirVersion"] == "4.0.1"
