"""A provider's system, played: a process of its own with its own key, talking plain FHIR.

It knows nothing of the bridge but its address. It asks for work, answers it, records sessions, and
leaves an HL7 v2 file behind, as providers' systems do. Everything it received is written down, so
that anyone can check what left the bridge. All people are made up.

Usage: ``python -m bridge.demo.provider_ehr keys FOLDER`` and
``python -m bridge.demo.provider_ehr work FOLDER FHIR_BASE``.
"""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bridge.demo.care_plans import CARE, Plan, plan_of
from bridge.identity.signing import SigningKey

CLIENT_ID = "harbor-ehr"
SESSION_SYSTEM = "https://harbor.example/sessions"
CARE_CONSENT = "https://schoolbridge.example/fhir/StructureDefinition/care-consent"
MODALITY = "https://schoolbridge.example/fhir/CodeSystem/modalities"
SNOMED = "http://snomed.info/sct"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
US_CORE_ENCOUNTER = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter"

Json = dict[str, Any]


class ProviderSystem:
    """The provider's system: a token, a poll, answers, sessions."""

    def __init__(self, folder: Path, fhir_base: str) -> None:
        self._key = SigningKey.load_or_generate(folder / "key.json")
        self._base = fhir_base
        self._http = httpx.Client(trust_env=False, timeout=30.0)
        self.received: dict[str, dict[str, Json]] = {}

    def connect(self) -> None:
        """Get an access token as SMART Backend Services does."""
        found = self._http.get(f"{self._base}/.well-known/smart-configuration").json()
        place = found["token_endpoint"]
        now = datetime.now(UTC)  # noqa: TID251 - a system of its own has its own clock
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._key.assertion(CLIENT_ID, place, now),
        }
        answer = self._http.post(place, data=form)
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def poll(self) -> list[Json]:
        """Read every referral waiting for us, with its student and everything it refers to."""
        url = f"{self._base}/Task?status=requested&_count=50"
        url += "&_include=Task:focus&_include=Task:patient&_include=Task:requester"
        tasks: list[Json] = []
        while url:
            bundle = self._get(url)
            for entry in bundle.get("entry", []):
                self._keep(entry["resource"])
                if entry["search"]["mode"] == "match":
                    tasks.append(entry["resource"])
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            url = links.get("next", "")
        for kind in ("RelatedPerson", "Observation", "Organization", "Location", "Consent"):
            self._read_all(kind)
        return tasks

    def _read_all(self, kind: str) -> None:
        url = f"{self._base}/{kind}?_count=200"
        while url:
            bundle = self._get(url)
            for entry in bundle.get("entry", []):
                self._keep(entry["resource"])
            url = {x["relation"]: x["url"] for x in bundle["link"]}.get("next", "")

    def _get(self, url: str) -> Json:
        answer = self._http.get(url)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def _keep(self, resource: Json) -> None:
        self.received.setdefault(resource["resourceType"], {})[resource["id"]] = resource

    def batch(self, entries: list[Json]) -> list[Json]:
        """Send several interactions in one request; every one must be answered well."""
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = self._http.post(self._base, json=bundle)
        answer.raise_for_status()
        answers: list[Json] = answer.json()["entry"]
        for one in answers:
            if int(one["response"]["status"]) >= 400:
                issues = one["response"].get("outcome", {}).get("issue")
                sys.exit(f"the bridge refused an entry: {json.dumps(issues)}")
            if "resource" in one:
                self._keep(one["resource"])
        return answers

    def change(self, tasks: list[Json], status: str, more: dict[str, Json]) -> list[Json]:
        """Move Tasks to a status; ``more`` adds elements by Task id."""
        changed: list[Json] = []
        for start in range(0, len(tasks), 50):
            part = tasks[start : start + 50]
            entries = [
                _put({**task, "status": status, **more.get(task["id"], {})}) for task in part
            ]
            changed.extend(answer["resource"] for answer in self.batch(entries))
        return changed


def _put(task: Json) -> Json:
    etag = f'W/"{task["meta"]["versionId"]}"'
    request = {"method": "PUT", "url": f"Task/{task['id']}", "ifMatch": etag}
    return {"resource": task, "request": request}


def _encounter(task: Json, plan: Plan, number: int) -> Json:
    """Return one session as a batch entry."""
    care = CARE[plan.modalities[number % len(plan.modalities)] if number else "intake"]
    day = date(2026, 11, 2) + timedelta(days=number * 7 % 20)
    key = f"{task['id']}-{number}"
    resource = {
        "resourceType": "Encounter",
        "meta": {
            "profile": [US_CORE_ENCOUNTER],
            "security": [{"system": ACT_CODE, "code": plan.label}],
        },
        "extension": [{"url": CARE_CONSENT, "valueCode": plan.care_consent}],
        "identifier": [{"system": SESSION_SYSTEM, "value": key}],
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "FLD"},
        "type": [
            {
                "coding": [
                    {"system": SNOMED, "code": care.snomed},
                    {"system": MODALITY, "code": care.code},
                ],
                "text": care.text,
            }
        ],
        "subject": task["for"],
        "basedOn": [task["focus"]],
        "period": {"start": f"{day}T13:00:00-05:00", "end": f"{day}T13:45:00-05:00"},
        "serviceProvider": task["owner"],
    }
    request = {
        "method": "POST",
        "url": "Encounter",
        "ifNoneExist": f"identifier={SESSION_SYSTEM}|{key}",
    }
    return {"resource": resource, "request": request}


def work(folder: Path, fhir_base: str) -> None:
    """Do a provider's days in a few seconds."""
    system = ProviderSystem(folder, fhir_base)
    system.connect()
    tasks = sorted(system.poll(), key=lambda task: task["identifier"][0]["value"])
    plans = {task["id"]: plan_of(n) for n, task in enumerate(tasks)}
    _answer(system, tasks, plans)
    _write(folder, system.received)
    _write_hl7(folder, tasks, plans)
    sys.stdout.write(json.dumps({kind: len(found) for kind, found in system.received.items()}))


def _answer(system: ProviderSystem, tasks: list[Json], plans: dict[str, Plan]) -> None:
    def having(*outcomes: str) -> list[Json]:
        return [t for t in tasks if plans[t["id"]].outcome in outcomes]

    consents = {
        task_id: {"extension": [{"url": CARE_CONSENT, "valueCode": plan.care_consent}]}
        for task_id, plan in plans.items()
    }
    reason = {"statusReason": {"text": "No place free for this kind of support this term"}}
    declined = {t["id"]: reason | consents[t["id"]] for t in having("declined")}
    system.change(having("declined"), "rejected", declined)
    accepted = system.change(having("waiting", "started", "done", "missed"), "accepted", consents)
    outcome_of = {t["id"]: plans[t["id"]].outcome for t in accepted}
    waiting = [t for t in accepted if outcome_of[t["id"]] == "waiting"]
    system.change(waiting, "on-hold", {t["id"]: reason for t in waiting})
    going = [t for t in accepted if outcome_of[t["id"]] in ("started", "done", "missed")]
    going = system.change(going, "in-progress", {})
    sessions = [
        _encounter(task, plans[task["id"]], number)
        for task in going
        for number in range(plans[task["id"]].sessions)
    ]
    for start in range(0, len(sessions), 50):
        system.batch(sessions[start : start + 50])
    _complete(system, [t for t in going if outcome_of[t["id"]] == "done"])


def _complete(system: ProviderSystem, tasks: list[Json]) -> None:
    last = {
        e["basedOn"][0]["reference"]: f"Encounter/{e['id']}"
        for e in system.received.get("Encounter", {}).values()
    }
    outcome = {"coding": [{"system": SNOMED, "code": "425604002"}], "text": "Last session"}
    outputs = {
        t["id"]: {
            "output": [
                {"type": outcome, "valueReference": {"reference": last[t["focus"]["reference"]]}}
            ]
        }
        for t in tasks
    }
    system.change(tasks, "completed", outputs)


def _write(folder: Path, received: dict[str, dict[str, Json]]) -> None:
    out = folder / "received"
    out.mkdir(parents=True, exist_ok=True)
    for kind, resources in received.items():
        lines = (json.dumps(r, ensure_ascii=False) + "\n" for r in resources.values())
        (out / f"{kind}.ndjson").write_text("".join(lines), encoding="utf-8")


def _write_hl7(folder: Path, tasks: list[Json], plans: dict[str, Plan]) -> None:
    from bridge.demo.messages import messages_for  # noqa: PLC0415 - only here

    missed = [t for t in tasks if plans[t["id"]].outcome == "missed"]
    pairs = [(t["for"]["reference"].partition("/")[2], t["identifier"][0]["value"]) for t in missed]
    (folder / "messages.hl7").write_bytes(messages_for(pairs))


def main(arguments: list[str]) -> None:
    """Run one of the two steps."""
    step, folder = arguments[0], Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    if step == "keys":
        jwks = SigningKey.load_or_generate(folder / "key.json").public_jwks()
        (folder / "jwks.json").write_text(json.dumps(jwks), encoding="utf-8")
    else:
        work(folder, arguments[2])


if __name__ == "__main__":
    main(sys.argv[1:])
