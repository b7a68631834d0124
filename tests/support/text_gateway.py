"""A gateway for text messages, as its provider has it: a web server with a name and a password."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl

from bridge.text_gateways import TextGateway
from tests.support.web_server import web_server

TOKEN = "a-token-of-the-gateway"
PASSWORD = "a-password-of-the-gateway"
_BASIC = base64.b64encode(f"42:{PASSWORD}".encode()).decode()


@dataclass
class Texts:
    """What came, and with which status the gateway answers (201 takes it)."""

    url: str = ""
    status: int = 201
    came: list[dict[str, str]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def by_form(self) -> TextGateway:
        """Return the settings of one that takes a form under a name and a password."""
        told = {"From": "+12035550100"}
        return TextGateway(self.url, username="42", password=PASSWORD, fields=told)

    def by_json(self) -> TextGateway:
        """Return the settings of one that takes JSON under a token."""
        return TextGateway(self.url, token=TOKEN, to="recipient", words="message", json=True)


@contextmanager
def text_gateway() -> Iterator[Texts]:
    """Run a gateway on this machine for as long as the block lasts."""
    made = Texts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            known = self.headers["Authorization"] in (f"Basic {_BASIC}", f"Bearer {TOKEN}")
            status = made.status if known else 401
            if status == 201:
                kind = self.headers["Content-Type"]
                told = json.loads(body) if kind == "application/json" else dict(parse_qsl(body))
                made.came.append(told)
                made.kinds.append(kind)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with web_server(Handler) as place:
        made.url = f"{place}/accounts/42/messages"
        yield made
