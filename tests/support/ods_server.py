"""A real HTTP server on loopback that answers as an Ed-Fi ODS does (ODS/API v7, data standard 5).

It knows one client, grants tokens by client credentials, and keeps studentProgramAssociations by
their natural key: POST makes (201) or replaces (200), GET finds by the parameters Ed-Fi has, in
pages, DELETE takes out. A reference to a student it does not have is a conflict (409).
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from tests.support.web_server import web_server

Json = dict[str, Any]
PATH = "/data/v3/ed-fi/studentProgramAssociations"
_REFERENCES = ("educationOrganizationReference", "programReference", "studentReference")
_FIELDS = {*_REFERENCES, "beginDate", "endDate", "servedOutsideOfRegularSession"}
_FIELDS |= {"programParticipationStatuses", "reasonExitedDescriptor", "services"}


@dataclass
class Ods:
    """The server's state.

    Attributes:
        kept: the associations, by id.
        students: the numbers it knows.
        fails: statuses that the next requests for data are answered with instead.
        asked: method and path of each request for data, in order.
        sent: the bodies of what was posted.
    """

    url: str = ""
    kept: dict[str, Json] = field(default_factory=dict)
    students: set[str] = field(default_factory=set)
    fails: list[int] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: list[Json] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    login: str = "populated:a secret"

    def put(self, association: Json) -> str:
        """Keep an association as somebody else wrote it; returns its id."""
        made = uuid4().hex
        self.kept[made] = association
        return made

    def find(self, asked: dict[str, str]) -> list[Json]:
        offset, limit = int(asked.pop("offset", "0")), int(asked.pop("limit", "25"))
        found = [{"id": i, **each} for i, each in self.kept.items() if _fits(each, asked)]
        return found[offset : offset + limit]

    def upsert(self, body: Json) -> int:
        if set(body) - _FIELDS or any(name not in body for name in (*_REFERENCES, "beginDate")):
            return 400
        if body["studentReference"]["studentUniqueId"] not in self.students:
            return 409
        same = [i for i, each in self.kept.items() if _key(each) == _key(body)]
        self.kept[same[0] if same else uuid4().hex] = body
        return 200 if same else 201


def _key(association: Json) -> tuple[str, ...]:
    program, place = association["programReference"], association["educationOrganizationReference"]
    return (
        association["beginDate"],
        str(place["educationOrganizationId"]),
        str(program["educationOrganizationId"]),
        program["programName"],
        program["programTypeDescriptor"],
        association["studentReference"]["studentUniqueId"],
    )


def _fits(association: Json, asked: dict[str, str]) -> bool:
    program = association["programReference"]
    known = {
        "programName": program["programName"],
        "programTypeDescriptor": program["programTypeDescriptor"],
        "programEducationOrganizationId": str(program["educationOrganizationId"]),
        "studentUniqueId": association["studentReference"]["studentUniqueId"],
    }
    return all(known[name] == value for name, value in asked.items())


@contextmanager
def serving_ods() -> Iterator[Ods]:
    """Run an ODS for as long as the block lasts."""
    ods = Ods()
    with web_server(type("Handler", (_Handler,), {"ods": ods})) as place:
        ods.url = place
        yield ods


class _Handler(BaseHTTPRequestHandler):
    ods: Ods

    def do_GET(self) -> None:
        if self._may():
            self._answer(200, self.ods.find(dict(parse_qsl(urlsplit(self.path).query))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token":
            self._token(body)
        elif self._may():
            self.ods.sent.append(json.loads(body))
            self._answer(self.ods.upsert(self.ods.sent[-1]))

    def do_DELETE(self) -> None:
        if self._may():
            found = self.ods.kept.pop(self.path.rpartition("/")[2], None)
            self._answer(204 if found else 404)

    def _token(self, body: bytes) -> None:
        login = "Basic " + base64.b64encode(self.ods.login.encode()).decode()
        if self.headers["Authorization"] != login or body != b"grant_type=client_credentials":
            self._answer(401, {"error": "invalid_client"})
            return
        token = uuid4().hex
        self.ods.tokens.add(token)
        self._answer(200, {"access_token": token, "expires_in": 1799, "token_type": "bearer"})

    def _may(self) -> bool:
        self.ods.asked.append((self.command, urlsplit(self.path).path))
        if self.headers["Authorization"].removeprefix("Bearer ") not in self.ods.tokens:
            self._answer(401)
        elif self.ods.fails:
            self._answer(self.ods.fails.pop(0))
        elif not self.path.startswith(PATH):
            self._answer(404)
        else:
            return True
        return False

    def _answer(self, status: int, said: object = None) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return
