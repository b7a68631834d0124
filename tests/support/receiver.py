"""A partner's endpoint: takes notifications, and counts each (subscription, number) once."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.web_server import web_server

Json = dict[str, Any]


@dataclass
class Receiver:
    """What came, in order, and what was made of it.

    Attributes:
        answer: returns the status for a notification, and its headers.
        effects: the record told of, by subscription and number; the first that came counts.
    """

    url: str = ""
    answer: Callable[[Json], tuple[int, dict[str, str]]] = lambda _: (200, {})
    came: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    effects: dict[tuple[str, int], str] = field(default_factory=dict)
    repeats: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self, bundle: Json, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        status, more = self.answer(bundle)
        with self.guard:
            self.came.append(bundle)
            self.headers.append(headers)
            if 200 <= status < 300:
                subscription = told(bundle, "subscription")
                for number, focus in events_in(bundle):
                    key = (subscription, number)
                    self.repeats += key in self.effects
                    self.effects.setdefault(key, focus)
        return status, more

    def of(self, kind: str) -> list[Json]:
        """Return the notifications of one type."""
        return [bundle for bundle in self.came if told(bundle, "type") == kind]

    def events(self) -> list[tuple[int, str]]:
        """Return number and record of every event that came, repeats included."""
        return [pair for bundle in self.of("event-notification") for pair in events_in(bundle)]


def told(bundle: Json, name: str) -> str:
    """Return a parameter of the status of a notification."""
    for each in bundle["entry"][0]["resource"]["parameter"]:
        if each["name"] == name:
            (value,) = (v for k, v in each.items() if k != "name")
            return value["reference"].rpartition("/")[2] if isinstance(value, dict) else str(value)
    return ""


def events_in(bundle: Json) -> list[tuple[int, str]]:
    """Return number and focus of each event of a notification."""
    parameters = bundle["entry"][0]["resource"]["parameter"]
    found = []
    for each in parameters:
        if each["name"] == "notification-event":
            parts = {part["name"]: part for part in each["part"]}
            focus = parts.get("focus", {}).get("valueReference", {}).get("reference", "")
            place = "/".join(focus.rsplit("/", 2)[-2:])
            found.append((int(parts["event-number"]["valueString"]), place))
    return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run an endpoint on this machine for as long as the block lasts."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:  # whoever sent it was killed on the way
                return
            made.bodies.append(body)
            status, more = made.take(json.loads(body), dict(self.headers.items()))
            self.send_response(status)
            for name, value in {**more, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with web_server(Handler) as place:
        made.url = f"{place}/hook"
        yield made
