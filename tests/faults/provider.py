"""A provider's system that works on while the server dies under it, and keeps a journal.

It holds for true only what was acknowledged. A request whose answer was lost is sent again: moves
with the same If-Match, sessions with If-None-Exist, as the interface asks for.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bridge.clock import SystemClock
from tests.faults.deployment import CLIENT
from tests.support.worlds import ASSERTION_TYPE, SESSIONS, client_key, encounter, moved

Json = dict[str, Any]
_NEXT = {"requested": "accepted", "accepted": "in-progress", "on-hold": "in-progress"}
_FIRST_SESSION = datetime(2026, 9, 7, 13, tzinfo=UTC)


@dataclass
class Journal:
    """What the provider's system knows.

    Attributes:
        sent: every session sent, by key: when it began. No two begin at the same time.
        sessions: the id of each session that was acknowledged, by key.
        moves: how often each Task was moved for sure (acknowledged, or seen to have landed).
        received: (type, id, version) of every resource received.
        retries: requests sent again because the answer was lost or was an error of the server.
        landed: moves whose answer was lost but which had been carried out.
        faults: answers that contradict what was acknowledged before.
    """

    sent: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)
    received: set[tuple[str, str, str]] = field(default_factory=set)
    acknowledged: int = 0
    retries: int = 0
    landed: int = 0
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, resource: Json) -> None:
        key = (resource["resourceType"], resource["id"], resource["meta"].get("versionId", ""))
        with self.lock:
            self.received.add(key)


class StoppedError(Exception):
    """The work was called off."""


@dataclass
class Provider:
    """One thread of work of a provider's system, on Tasks no other thread touches."""

    base_url: str
    journal: Journal
    seed: int
    share: tuple[int, int]
    stop: threading.Event
    careful: bool = True
    # How often an answer is taken for lost although it came, as when a connection breaks late.
    deaf: float = 0.1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        # One connection a request: half of what a kill does shows only when one is opened.
        self._http = httpx.Client(trust_env=False, timeout=30.0)
        self._made = 0

    def work(self) -> None:
        """Work until called off. Whatever is under way is then brought to its end."""
        try:
            tasks = {task["id"]: task for task in self._poll()}
            number, of = self.share
            mine = [i for n, i in enumerate(sorted(tasks)) if n % of == number]
            while not self.stop.is_set():
                chosen = self._random.choice(mine)
                tasks[chosen] = self._one_step(tasks[chosen])
        except StoppedError:
            return
        finally:
            self._http.close()

    def _one_step(self, task: Json) -> Json:
        dice = self._random.random()
        if task["status"] in _NEXT:
            return self._move(task, _NEXT[task["status"]])
        if dice < 0.25:
            return self._move(task, "on-hold")
        if dice < 0.35:
            self._poll(pages=1)
        else:
            self._post_session(task)
        return task

    def _poll(self, pages: int = 100) -> list[Json]:
        url = f"{self.base_url}/fhir/Task?_count=20&_include=Task:focus&_include=Task:patient"
        found: list[Json] = []
        while url and pages:
            bundle = self._send("GET", url)[0].json()
            for entry in bundle["entry"]:
                if entry["search"]["mode"] != "outcome":  # notices speak of nobody
                    self.journal.keep(entry["resource"])
                if entry["search"]["mode"] == "match":
                    found.append(entry["resource"])
            url = {x["relation"]: x["url"] for x in bundle["link"]}.get("next", "")
            pages -= 1
        return found

    def _move(self, task: Json, status: str) -> Json:
        url = f"{self.base_url}/fhir/Task/{task['id']}"
        etag = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
        answer, lost = self._send("PUT", url, json=moved(task, status), headers=etag)
        if answer.status_code == 412:
            now: Json = self._send("GET", url)[0].json()
            if not lost or now["status"] != status:
                self.journal.faults.append(f"a Task went back from {task['status']}")
                return now
            self.journal.landed += 1
        else:
            assert answer.status_code == 200, answer.text
            now = answer.json()
            self.journal.acknowledged += 1
        self.journal.keep(now)
        with self.journal.lock:
            self.journal.moves[task["id"]] += 1
        return now

    def _post_session(self, task: Json) -> None:
        self._made += 1
        number = self._made * self.share[1] + self.share[0]
        key = f"session-{number}"
        begins = (_FIRST_SESSION + timedelta(minutes=number)).isoformat()
        resource = encounter(task, key, period={"start": begins, "end": begins})
        with self.journal.lock:
            self.journal.sent[key] = begins
        repeat = {"If-None-Exist": f"identifier={SESSIONS}|{key}"}
        url = f"{self.base_url}/fhir/Encounter"
        answer, _ = self._send("POST", url, json=resource, headers=repeat)
        assert answer.status_code in (200, 201), answer.text
        with self.journal.lock:
            self.journal.acknowledged += 1
            self.journal.sessions[key] = answer.json()["id"]

    def _send(self, method: str, url: str, **how: Any) -> tuple[httpx.Response, bool]:  # noqa: ANN401 - as httpx takes them
        """Send until answered; returns the answer and whether any before it may have been lost."""
        lost, tries = False, 0
        while True:
            tries += 1
            try:
                answer = self._http.request(method, url, **self._adjusted(how, tries))
            except httpx.TransportError:
                lost = True
            else:
                if answer.status_code == 401:
                    self._sign_in()
                    continue
                if answer.status_code < 500 and self._random.random() >= self.deaf:
                    return answer, lost
                lost = True
            with self.journal.lock:
                self.journal.retries += 1
            if self.stop.is_set() and tries > 200:
                raise StoppedError
            time.sleep(0.05)

    def _adjusted(self, how: dict[str, Any], tries: int) -> dict[str, Any]:
        """Return a request as sent the n-th time; a careless client makes each look new."""
        if self.careful or "If-None-Exist" not in how.get("headers", {}):
            return how
        key = f"{how['json']['identifier'][0]['value']}-{tries}"
        renamed = {**how["json"], "identifier": [{"system": SESSIONS, "value": key}]}
        return {"json": renamed}

    def token(self) -> str:
        """Sign in, once the server answers; returns the access token."""
        while "Authorization" not in self._http.headers:
            self._sign_in()
        return self._http.headers["Authorization"].removeprefix("Bearer ")

    def _sign_in(self) -> None:
        place = f"{self.base_url}/auth/token"
        try:
            form = {
                "grant_type": "client_credentials",
                "scope": "system/*.cruds",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": client_key().assertion(CLIENT, place, SystemClock().real_now()),
            }
            answer = self._http.post(place, data=form)
        except httpx.TransportError:
            time.sleep(0.05)
            return
        if answer.status_code == 200:
            token = answer.json()["access_token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
